"""The real adapters of the ports, chosen in this one place. Each is imported when it is first needed."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from runner.actuators.chaos import ChaosChild
    from runner.actuators.command import CommandPlan
    from runner.actuators.probe_calls import ProbePlan, Prober
    from runner.clock import Clock
    from runner.conductor.ports import CommandRunner, Injector, LoadSource, RunningTarget, SleepInhibitor, UndoStarter
    from runner.control.peer_socket import PeerSocket
    from runner.engine.plan import Load
    from runner.redact import Redaction


class ProcessPorts:
    """Everything that acts for the run is a process of its own.

    `link` leads to the guardian, which reports the undo's exit code through `undone`; `spare` is a child that was started
    before anyone knew what for; `lifeline` is the read end of a pipe that closes when guardian and conductor are both gone.
    """

    def __init__(
        self, link: PeerSocket, undone: asyncio.Queue[int], spare: ChaosChild | None = None, lifeline: int = -1
    ) -> None:
        self._link = link
        self._undone = undone
        self._spare = spare
        self._lifeline = lifeline

    def injector(self) -> Injector:
        from runner.actuators.chaos import ChaosChild

        spare, self._spare = self._spare, None
        return spare or ChaosChild.spawn()

    def discard_unused(self) -> None:
        if self._spare is not None:
            self._spare.discard()
            self._spare = None

    def undo_starter(self) -> UndoStarter:
        from runner.undo.undo_starter import GuardedUndo

        return GuardedUndo(self._link, self._undone)

    async def start_target(self, kind: str, folder: Path) -> RunningTarget:
        from runner.conductor.started_targets import start_target

        return await start_target(kind, folder, self._lifeline)

    def fence(self, spare: Collection[int]) -> tuple[int, ...]:
        from runner.undo.fencing import fence_all

        return fence_all(spare, reap=False)

    def sleep_inhibitor(self) -> SleepInhibitor:
        from runner.host.sleep_inhibitor import Wakefulness

        return Wakefulness()

    def command_runner(self, plan: CommandPlan, clock: Clock, redaction: Redaction) -> CommandRunner:
        from runner.actuators.command import StepCommand

        return StepCommand(plan, clock, redaction)

    def load_source(self, load: Load) -> LoadSource:  # noqa: ARG002  Locust is the only tool
        from runner.actuators.load import LoadChild

        return LoadChild.spawn()

    def prober(self, plan: ProbePlan) -> Prober:
        from runner.actuators.run_prober import RunProber

        return RunProber(plan)
