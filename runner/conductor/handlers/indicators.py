"""The handler that measures: open-loop probes of indicators, alerts, and the judging of both sources into 1 s buckets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from runner.actuators.ticks import ticks
from runner.conductor.context import RunContext
from runner.engine import events as ev
from runner.engine.alerts import AlertWatch
from runner.engine.indicators import Judge
from runner.engine.plan import Check, Indicator

if TYPE_CHECKING:
    from runner.actuators.load_reports import RequestWindow
    from runner.actuators.probe_calls import ProbeResult, Sampler

#: Seconds between two looks at what can be judged; they fall on whole seconds too, where a bucket ends.
_LOOK = 0.25
#: Seconds of load windows that may be missing before their buckets are judged as silent.
_LOAD_LATE = 2.5
#: Seconds of shots that go into one transcript line.
_BATCH = 1.0


class IndicatorsHandler:
    """From the warm-up on, until the run ends."""

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._judge = Judge(run.plan.indicators)
        self._samplers: dict[str, Sampler] = {}
        self._shots: dict[str, list[tuple[float, bool, float, str]]] = {}
        self._flushed = 0.0
        self._load_until: float | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def act(self, recorded: ev.Recorded) -> None:
        match recorded.event:
            case ev.PhaseEntered(phase="warm-up"):
                self._begin()
            case ev.LoadStarted():
                self._load_until = recorded.t

    def requests(self, until: float, users: int, windows: Mapping[str, RequestWindow]) -> None:
        """A load window that ended at `until`."""
        self._load_until = until
        self._judge.requests(until, users, windows)
        self._judged()

    async def close(self) -> None:
        """Stop looking; what was seen is written down."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(sampler.stop() for sampler in self._samplers.values()))
        self._flush()

    def _begin(self) -> None:
        for indicator in self._run.plan.indicators:
            if indicator.source == "probe" and indicator.probe:
                self._sample(indicator)
        self._tasks = [
            self._run.spawn(self._look(), "indicators"),
            *(self._run.spawn(self._alert(check), f"alert {check.name}") for check in self._run.plan.alerts),
        ]

    def _sample(self, indicator: Indicator) -> None:
        from runner.actuators.probe_calls import Sampler
        from runner.specs.probe_spec import ProbeSpec

        self._shots[indicator.name] = []
        sampler = Sampler(
            self._run.prober,
            ProbeSpec.model_validate(indicator.probe),
            indicator.every,
            partial(self._shot, indicator.name),
        )
        self._samplers[indicator.name] = sampler
        sampler.start()

    def _shot(self, name: str, result: ProbeResult) -> None:
        self._shots[name].append((result.t, result.ok, result.duration, result.why))
        self._judge.shot(name, result.t, result.ok, result.duration, result.why)

    async def _look(self) -> None:
        async for _ in ticks(self._run.clock, _LOOK):
            now = self._run.clock.now()
            if now - self._flushed >= _BATCH:
                self._flush()
            for name, sampler in self._samplers.items():
                self._judge.settle(name, sampler.settled_until)
            if self._load_until is not None and now - self._load_until > _LOAD_LATE:
                self._judge.load_silent(now - _LOAD_LATE)
            self._judged()

    def _judged(self) -> None:
        for judged in self._judge.ready():
            self._run.observe(judged, by="watch")

    def _flush(self) -> None:
        self._flushed = self._run.clock.now()
        for name, shots in self._shots.items():
            if shots:
                self._run.observe(ev.ProbesSampled(indicator=name, shots=tuple(sorted(shots))), by="watch")
                shots.clear()

    async def _alert(self, check: Check) -> None:
        """Poll one alert; its moment is when the answer came that said so, so it is known to within `every`."""
        from runner.specs.probe_spec import ProbeSpec

        probe = ProbeSpec.model_validate(check.probe)
        alert = AlertWatch(check.name)
        while True:
            result = await self._run.prober.call(probe)
            event = alert.take(
                ok=result.ok,
                answered=result.answered,
                value=result.value,
                why=result.why,
                injected=self._run.state.last_injection is not None,
            )
            if event is not None:
                stamp = self._run.clock.stamp(round(result.t + result.duration, 6))
                self._run.observe(event, by="watch", stamp=stamp)
            await asyncio.sleep(check.every)
