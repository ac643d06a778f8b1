"""One run with everything outside it faked: the real engine, the real loop and the real handlers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.clock import Clock
from runner.conductor.context import Handler, RunContext
from runner.conductor.handlers.operator_script import OperatorScriptHandler
from runner.conductor.loop import Conductor
from runner.conductor.wiring import Wiring
from runner.control.peer_socket import PeerSocket
from runner.engine import events as ev
from runner.engine.plan import RunPlan
from runner.engine.plan_json import plan_to_json
from runner.errors import ExitCode
from runner.redact import Redaction, Redactor
from runner.specs.operator_script import Script
from runner.testing.fakes import FakePorts
from runner.testing.virtual_time import VirtualClock
from runner.transcript.writer import Entry

#: Bytes that a transcript in memory says it has left.
_ROOM = 1 << 40
#: Seconds between two looks at what is waited for, when nothing is recorded meanwhile.
_LOOK = 0.25


@dataclass
class MemoryTranscript:
    """A transcript that is kept in memory; set `failing` to have it refuse what is appended."""

    clock: Clock
    redaction: Redaction
    recorded: list[ev.Recorded] = field(default_factory=list)
    space_low: bool = False
    room: int = _ROOM
    failing: str = ""
    #: Set by whatever is recorded.
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def append(self, *entries: Entry, durable: bool = True) -> list[ev.Recorded]:  # noqa: ARG002  as the real one
        if self.failing:
            raise OSError(self.failing)
        return [self._record(entry) for entry in entries]

    def sync(self) -> None:
        if self.failing:
            raise OSError(self.failing)

    def _record(self, entry: Entry) -> ev.Recorded:
        stamp = entry.stamp or self.clock.stamp()
        recorded = ev.Recorded(seq=len(self.recorded), at=stamp.at, t=stamp.t, by=entry.by, event=entry.event)
        self.recorded.append(recorded)
        self.news.set()
        return recorded


@dataclass
class FakeRun:
    """A run on fakes, as a test sees it. `guardian` is the other end of the conductor's socket."""

    context: RunContext
    conductor: Conductor
    ports: FakePorts
    transcript: MemoryTranscript
    guardian: PeerSocket
    script: Script | None = None

    def begin(self, *, attended: bool = True, **more: Any) -> None:
        """The first line of the transcript; `more` of its fields may be given. What the script answers is not skipped."""
        first = {
            "run": self.context.run,
            "plan": plan_to_json(self.context.plan),
            "attended": attended,
            "scripted": tuple(self.script.steps) if self.script else (),
        }
        self.context.observe(ev.RunStarted(**{**first, **more}))

    def of(self, kind: type[ev.Event]) -> list[Any]:
        """All events of that kind so far."""
        return [recorded.event for recorded in self.transcript.recorded if isinstance(recorded.event, kind)]

    def kinds(self) -> list[str]:
        """The names of all events so far."""
        return [recorded.event.kind for recorded in self.transcript.recorded]

    async def until(self, true: Callable[[], object], within: float = 600.0) -> None:
        """Let the run go on until then. Raises AssertionError after `within` seconds of its time, or when the run is over."""
        end = self.context.clock.now() + within
        while not true():
            if self.context.clock.now() >= end or self.of(ev.DebriefClosed):
                raise AssertionError(f"not within {within:g} s; {self.kinds()}")
            self.transcript.news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.transcript.news.wait(), _LOOK)

    async def until_phase(self, phase: str, within: float = 600.0) -> None:
        """Let the run go on until it enters that phase. Raises AssertionError."""
        await self.until(lambda: any(entered.phase == phase for entered in self.of(ev.PhaseEntered)), within)

    async def until_seen(self, kind: type[ev.Event], within: float = 600.0) -> Any:
        """Let the run go on until that happens; the event. Raises AssertionError."""
        await self.until(lambda: self.of(kind), within)
        return self.of(kind)[-1]


class Answers:
    """A handler that answers events: event type → what happens in turn, given the event."""

    def __init__(self, run: RunContext, answers: Mapping[type[ev.Event], Callable[[Any], Iterable[ev.Event]]]) -> None:
        self._run = run
        self._answers = answers

    def act(self, recorded: ev.Recorded) -> None:
        for answer in self._answers.get(type(recorded.event), lambda _: ())(recorded.event):
            self._run.observe(answer)

    async def close(self) -> None:
        return


def _all_handlers(run: RunContext, ports: FakePorts) -> list[Handler]:
    async def refold() -> None:
        """What the undo worker would have written."""
        for slug, view in run.state.experiments.items():
            if view.fault_open and ports.undo.ended_with == ExitCode.PASSED:
                run.observe(ev.FaultUndone(experiment=slug, how="verified"), by="undo")
            elif view.fault_open:
                run.observe(ev.UndoFailed(experiment=slug, why=ports.undo.why), by="undo")

    return Wiring(run, refold).handlers


@contextlib.asynccontextmanager
async def fake_run(
    plan: RunPlan,
    folder: Path,
    handlers: Callable[[RunContext], Iterable[Handler]] | None = None,
    *,
    ports: FakePorts | None = None,
    secrets: Mapping[str, str] | None = None,
    script: Script | None = None,
) -> AsyncIterator[FakeRun]:
    """A run of `plan`, up to its debrief; `begin` is the caller's. In virtual time only.

    It has the handlers of a real run, or those that `handlers` makes; `script` gives the answers of people.
    """
    clock = VirtualClock()
    redaction = Redaction(Redactor(tuple((secrets or {}).values())))
    ours, theirs = PeerSocket.pair()
    transcript = MemoryTranscript(clock, redaction)
    conductor = Conductor(writer=transcript, clock=clock, link=ours)
    ports = ports or FakePorts()
    context = RunContext(
        run="r1",
        folder=folder,
        root=folder,
        plan=plan,
        clock=clock,
        redaction=redaction,
        secrets=dict(secrets or {}),
        conductor=conductor,
        ports=ports,
    )
    conductor.handlers += handlers(context) if handlers else _all_handlers(context, ports)
    if script is not None:
        conductor.handlers.append(OperatorScriptHandler(context, conductor, script))
    turning = asyncio.create_task(conductor.run())
    try:
        yield FakeRun(context, conductor, ports, transcript, theirs, script)
    finally:
        conductor.finish()
        await turning
        await asyncio.gather(*(handler.close() for handler in conductor.handlers))
        await context.finish_tasks()
        ours.close()
        theirs.close()
