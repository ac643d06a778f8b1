"""A run conducted inside the test: the real loop, transcript and commands of steps; no guardian, no experiments."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.clock import SystemClock
from runner.conductor.adapters import ProcessPorts
from runner.conductor.context import RunContext
from runner.conductor.handlers.steps import StepsHandler
from runner.conductor.loop import Conductor
from runner.control.peer_socket import PeerSocket
from runner.engine import events as ev
from runner.engine.commands import PassPreflight
from runner.engine.plan import RunPlan, Step, Target
from runner.engine.plan_json import plan_to_json
from runner.redact import Redaction, Redactor
from runner.transcript.reader import read
from runner.transcript.writer import TranscriptWriter

_PATIENCE = 30.0


def plan(*steps: Step) -> RunPlan:
    """A runbook alone, on this machine."""
    return RunPlan(
        name="Files",
        slug="files",
        target=Target(name="local", kind="local", environment="sandbox"),
        runbook="Files",
        steps=steps,
    )


@dataclass
class Play:
    """One run and its conductor."""

    run: RunContext
    conductor: Conductor

    def begin(self, *, attended: bool = True, scripted: tuple[str, ...] = ()) -> None:
        """The first line; with nothing to wait for the run is live at once."""
        start = ev.RunStarted(
            run="r1",
            plan=plan_to_json(self.run.plan),
            attended=attended,
            scripted=scripted,
            origin=self.run.clock.origin,
        )
        self.conductor.observe(start)

    @property
    def story(self) -> list[ev.Recorded]:
        return list(read(self.run.folder / "transcript.jsonl"))

    def of(self, kind: type[ev.Event]) -> list[Any]:
        return [recorded.event for recorded in self.story if isinstance(recorded.event, kind)]

    async def until(self, true: Callable[[], object]) -> None:
        """Let the run go on until then. Raises TimeoutError."""
        async with asyncio.timeout(_PATIENCE):
            while not true():
                await asyncio.sleep(0.01)

    async def live(self) -> None:
        await self.until(lambda: self.conductor.state.phase == "live")

    async def current(self, step: str) -> None:
        await self.until(lambda: self.conductor.state.current == step)

    async def over(self) -> None:
        await self.until(lambda: self.conductor.state.phase == "debrief")


class _World:
    """Whatever else a run waits for happens at once."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor

    def act(self, recorded: ev.Recorded) -> None:
        match recorded.event:
            case ev.PhaseEntered(phase="preflight"):
                self._conductor.submit(PassPreflight())
            case ev.PhaseEntered(phase="undoing"):
                self._conductor.observe(ev.UndoEnded())

    async def close(self) -> None:
        return


@contextlib.asynccontextmanager
async def conducting(folder: Path, *steps: Step) -> AsyncIterator[Play]:
    """A run of these steps in `folder`, its loop turning; `begin` is the caller's."""
    clock = SystemClock()
    redaction = Redaction(Redactor())
    writer = TranscriptWriter.create(folder, clock, redact=redaction.value)
    ours, theirs = PeerSocket.pair()
    conductor = Conductor(writer=writer, clock=clock, link=ours)
    run = RunContext(
        run="r1",
        folder=folder,
        root=folder,
        plan=plan(*steps),
        clock=clock,
        redaction=redaction,
        secrets={},
        conductor=conductor,
        ports=ProcessPorts(ours, conductor.undone),
    )
    hand = StepsHandler(run)
    conductor.handlers += [_World(conductor), hand]
    turning = asyncio.create_task(conductor.run())
    try:
        yield Play(run, conductor)
    finally:
        conductor.finish()
        await turning
        await hand.close()
        await run.finish_tasks()
        writer.close()
        ours.close()
        theirs.close()
