"""The hand that keeps an eye on the target: whether it still is the declared one while a fault is about to go in, and,
for a drill that asks, whether it is still there at all."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from urllib.parse import urlsplit

from runner.actuators.processes import start_time
from runner.conductor.run import Run
from runner.engine import events as ev
from runner.engine.plan import Check
from runner.guard.identity import identity_checks
from runner.specs.probe import Probe

#: Seconds for which an answer is good: no first fault goes in on an older one.
FRESH = 5.0
#: Seconds between two looks, while faults are armed; and for a drill that stops when the target is gone.
_EVERY = 2.0
_EVERY_WATCHED = 1.0
#: Seconds one look may take.
_WITHIN = 2.0


class TargetHand:
    """Begins with the warm-up: the preflight has asked just before."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._held = -math.inf
        self._lost = False
        self._watched = any(rule.target for rule in run.plan.stop_when)
        self._asked: tuple[tuple[str, Probe], ...] | None = None
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
    def fresh(self) -> bool:
        """Whether a fault may go in without another look. Once one is in, what the target says may be its doing."""
        return self._run.state.last_injection is not None or self._run.clock.now() - self._held <= FRESH

    async def look(self) -> str:
        """Why the target is not the declared one now; '' when it is."""
        why, _ = await self._look()
        return why

    async def _keep_looking(self) -> None:
        while self._watched or self._to_come():
            await asyncio.sleep(_EVERY_WATCHED if self._watched else _EVERY)
            why, another = await self._look()
            if self._watched:
                self._tell(why)
            # One lost answer is no reason to refuse; somebody else's is.
            if why and self._to_come() and (another or not self.fresh):
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
        for name, probe in self._probes():
            result = await self._run.caller.call(probe, most=_WITHIN)
            if not result.ok:
                return f"{name}: {result.why}", result.value not in (None, False)
        self._held = began
        return "", False

    def _gone(self) -> str:
        """A sandbox is known by its process; only a look at it is needed."""
        info = self._run.sandbox
        return "its process has ended" if info is not None and start_time(info.pid) != info.pid_start else ""

    def _probes(self) -> tuple[tuple[str, Probe], ...]:
        if self._asked is None:
            checks = identity_checks(self._run.plan.target) or tuple(self._port())
            self._asked = tuple((check.name, Probe.model_validate(check.probe)) for check in checks)
        return self._asked

    def _port(self) -> Iterator[Check]:
        """Of a target that says nothing about itself only its port shows whether it is there."""
        parts = urlsplit(self._run.url)
        if self._watched and parts.hostname:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            provider = {"type": "tcp", "host": parts.hostname, "port": port}
            yield Check(
                name=f"{parts.hostname}:{port} takes connections", probe={"provider": provider, "tolerance": True}
            )
