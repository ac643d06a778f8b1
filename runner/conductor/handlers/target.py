"""The handler that watches the target: whether it still is the declared one while a fault is about to go in, and,
for a drill that asks, whether it is still there at all."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from runner.conductor.context import RunContext
from runner.engine import events as ev
from runner.targets.registry import driver_of

if TYPE_CHECKING:
    from runner.specs.probe_spec import ProbeSpec

#: Seconds for which an answer is good when the next one is lost: no first fault goes in on an older one.
FRESH = 5.0
#: Seconds between two looks, while faults are armed; and for a drill that stops when the target is gone.
_EVERY = 2.0
_EVERY_WATCHED = 1.0


class TargetHandler:
    """Begins with the warm-up: the preflight has asked just before."""

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._held = -math.inf
        self._lost = False
        self._watched = any(rule.target for rule in run.plan.stop_when)
        self._driver = driver_of(run.plan.target.kind)
        self._checks = self._driver.identity_checks(run.plan.target)
        #: Those that are asked while faults are in, too: what the others say may be a fault's doing.
        self._permanent = {check.name for check in self._checks if check.permanent}
        self._asked: tuple[tuple[str, ProbeSpec], ...] | None = None
        self._task: asyncio.Task[None] | None = None

    def act(self, recorded: ev.Recorded) -> None:
        match recorded.event:
            case ev.PhaseEntered(phase="warm-up"):
                self._held = self._run.clock.now()
                self._task = self._run.spawn(self._keep_looking(), "target")
            case ev.EndDecided() if self._task is not None:
                self._task.cancel()

    async def close(self) -> None:
        return

    @property
    def silent(self) -> bool:
        """Whether there is nothing to ask it at the gate, so that no fault waits for its answer."""
        return not (self._checks if self._to_come() else self._permanent)

    async def refusal(self) -> str:
        """Why no fault may go into it now; '' when one may. One lost answer is no reason; somebody else's is.

        Once a fault is in, what the target says may be its doing; only a permanent check never is.
        """
        if self._to_come():
            why, another = await self._look()
            return why if another or not self._fresh else ""
        why, another = await self._ask(each for each in self._probes() if each[0] in self._permanent)
        return why if another else ""

    @property
    def _fresh(self) -> bool:
        return self._run.clock.now() - self._held <= FRESH

    async def _keep_looking(self) -> None:
        while self._watched or self._to_come():
            await asyncio.sleep(_EVERY_WATCHED if self._watched else _EVERY)
            why, another = await self._look()
            if self._watched:
                self._tell(why)
            if why and self._to_come() and (another or not self._fresh):
                self._run.observe(ev.NeedChecked(name=self._name, met=False, why=why), by="probe")

    def _to_come(self) -> bool:
        """Whether the first fault is still to come."""
        return bool(self._run.plan.experiments) and self._run.state.last_injection is None

    @property
    def _name(self) -> str:
        return f"target {self._run.plan.target.name} still is what was declared"

    def _tell(self, why: str) -> None:
        if bool(why) != self._lost:
            self._lost = bool(why)
            self._run.observe(ev.TargetLost(why=why) if why else ev.TargetFound(), by="probe")

    async def _look(self) -> tuple[str, bool]:
        """Why it is not the declared one, and whether it answered, as another one."""
        if why := self._gone():
            return why, True
        began = self._run.clock.now()
        why, another = await self._ask(self._probes())
        if not why:
            self._held = began
        return why, another

    async def _ask(self, probes: Iterable[tuple[str, ProbeSpec]]) -> tuple[str, bool]:
        for name, probe in probes:
            result = await self._run.prober.call(probe, most=self._driver.answers_within)
            if not result.ok:
                return f"{name}: {result.why}", result.value not in (None, False)
        return "", False

    def _gone(self) -> str:
        """What the run started is known by its process; only a look at it is needed."""
        started = self._run.started_target
        return "its process has ended" if started is not None and started.ended else ""

    def _probes(self) -> tuple[tuple[str, ProbeSpec], ...]:
        if self._asked is None:
            from runner.specs.probe_spec import ProbeSpec

            checks = [(check.name, check.probe) for check in self._checks] or self._port()
            self._asked = tuple((name, ProbeSpec.model_validate(probe)) for name, probe in checks)
        return self._asked

    def _port(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Of a target that says nothing about itself only its port shows whether it is there."""
        parts = urlsplit(self._run.url)
        if self._watched and parts.hostname:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            provider = {"type": "tcp", "host": parts.hostname, "port": port}
            yield f"{parts.hostname}:{port} takes connections", {"provider": provider, "tolerance": True}
