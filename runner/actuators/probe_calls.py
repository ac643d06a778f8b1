"""Calling probes until one holds, or at a fixed rate whatever the target does; what a call takes and gives.

A probe never raises for a target that fails: a refused connection, a hang, a missing command are results with
`ok` False and one line of why. Every time is on the run's clock.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from runner.actuators.ticks import ticks
from runner.clock import Clock
from runner.lazy_dataclass import lazy_dataclass

if TYPE_CHECKING:
    from runner.redact import Redaction
    from runner.specs.probe_spec import ProbeSpec

#: Seconds a probe may take when its provider says nothing.
DEFAULT_TIMEOUT = 10.0
#: Shots of one sampler on their way at once; a slower target gets no more.
MOST_IN_FLIGHT = 200


@lazy_dataclass(frozen=True, kw_only=True)
class ProbePlan:
    """What the probes of one run share. `variables` and `secrets` fill `${name}`; a command sees `env`, a probe written in
    Python `python_env`, whose process writes what it prints to `log` (None: nowhere).
    """

    clock: Clock
    env: Mapping[str, str] = field(default_factory=dict)
    python_env: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    redaction: Redaction
    log: Path | None = None


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One call of a probe.

    `t` is when it was sent and `duration` how long the answer took, both in seconds. `value` is what came back, fit
    for JSON, redacted and cut short; headers are left out. `why` is one line, empty when `ok`;
    `answered` is false when there was nothing to judge: it could not be asked, or was not answered in time.
    """

    t: float
    duration: float
    ok: bool
    value: Any
    why: str = ""
    answered: bool = True


class Prober(Protocol):
    """Calls the probes of one run. Use and `close` it on one event loop."""

    @property
    def clock(self) -> Clock:
        """The run's."""
        ...

    async def ready(self, probe: ProbeSpec) -> None:
        """Do what the first call of a probe would otherwise pay for."""
        ...

    async def call(self, probe: ProbeSpec, *, default: float = DEFAULT_TIMEOUT, most: float = math.inf) -> ProbeResult:
        """Call it now. `default` stands in for a provider's missing timeout, `most` caps either; seconds. Never raises
        for what the target does."""
        ...

    async def close(self) -> None:
        """Drop what is open, and end what runs probes. Calls still under way fail."""
        ...


class Sampler:
    """Sends a probe at a fixed rate, whatever the target does: a slow answer delays no later shot.

    Shots go out at whole multiples of `every` seconds of the run's clock. A tick that was missed (the machine slept,
    the loop was held up) is skipped, never made up for. `report` gets every result, in the order of the answers.
    """

    def __init__(self, prober: Prober, probe: ProbeSpec, every: float, report: Callable[[ProbeResult], None]) -> None:
        self._prober = prober
        self._clock = prober.clock
        self._probe = probe
        self._every = every
        self._report = report
        self._default = min(max(1.0, every), DEFAULT_TIMEOUT)
        self._shots: dict[asyncio.Task[None], float] = {}
        self._ticker: asyncio.Task[None] | None = None
        self._sent = 0.0

    def start(self) -> None:
        """Begin with the next tick. Needs a running event loop."""
        self._ticker = asyncio.get_running_loop().create_task(self._tick(), name="sampler")

    async def stop(self) -> None:
        """Send no more, and drop what is still on its way without a report."""
        tasks = [*self._shots, *([self._ticker] if self._ticker else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def settled_until(self) -> float:
        """Every shot sent before this time of the run has been reported; after a sampler's death none was sent."""
        over = self._ticker is not None and self._ticker.done()
        return min(self._shots.values(), default=self._sent if over else self._clock.now())

    async def _tick(self) -> None:
        await self._prober.ready(self._probe)
        async for _ in ticks(self._clock, self._every):
            self._shoot()

    def _shoot(self) -> None:
        now = self._sent = self._clock.now()
        if len(self._shots) >= MOST_IN_FLIGHT:
            self._report(ProbeResult(now, 0.0, False, None, f"not sent: {len(self._shots)} in flight"))
            return
        shot = asyncio.get_running_loop().create_task(self._fire(), name="probe")
        self._shots[shot] = now
        shot.add_done_callback(self._shots.pop)

    async def _fire(self) -> None:
        sent = self._clock.now()
        try:
            result = await self._prober.call(self._probe, default=self._default)
        # A shot that is lost without a report would leave an empty second, for no reason that anybody could read.
        except Exception as error:
            result = ProbeResult(sent, 0.0, False, None, f"it broke: {type(error).__name__}: {error}", answered=False)
        self._report(result)


async def hold_until(
    prober: Prober, probe: ProbeSpec, *, within: float, every: float, clock: Clock, expect: bool = True
) -> ProbeResult:
    """Call a probe every `every` seconds until its `ok` is `expect`, for at most `within` seconds; the last result.

    It is called at least once; no call begins after `within`, and none outlasts it by more than `every`.
    """
    end = clock.now() + within
    while True:
        began = clock.now()
        result = await prober.call(probe, most=max(end - began, every))
        rest = began + every - clock.now()
        if result.ok is expect or clock.now() + max(rest, 0) >= end:
            return result
        await asyncio.sleep(max(rest, 0))
