"""The end of every run, in this order: stop what applies the fault, fence, undo, close. The undo itself is another
process's work; this handler only has it started."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from runner.conductor.context import Handler, RunContext
from runner.conductor.handlers.experiments import ExperimentsHandler
from runner.conductor.handlers.undo_checks import Bites
from runner.engine import events as ev
from runner.errors import ExitCode, GamedayError
from runner.host.tool_log import note

_ATTEMPTS = 3


class UndoHandler:
    """`others` are closed before the fence; `refold` brings the conductor's state up to what the undo worker wrote."""

    def __init__(
        self,
        run: RunContext,
        experiments: ExperimentsHandler,
        others: list[Handler],
        refold: Callable[[], Awaitable[None]],
    ) -> None:
        self._run = run
        self._experiments = experiments
        self._others = others
        self._refold = refold
        self._bites = Bites(run, experiments.let_go)

    def act(self, recorded: ev.Recorded) -> None:
        match recorded.event:
            case ev.PhaseEntered(phase="undoing"):
                self._run.spawn(self._undo(), "undo")
            case ev.ActivityStarted(experiment=slug, type="action"):
                self._bites.action_started(slug)

    def check_while_in(self, experiment: str) -> None:
        """The fault is in: every `undone-when` must be false now, or it can prove nothing later."""
        self._bites.method_ended(experiment)

    async def close(self) -> None:
        return

    async def _undo(self) -> None:
        stopping = asyncio.gather(*(handler.close() for handler in self._others), return_exceptions=True)
        try:
            await self._stop_faults()
        except Exception as error:
            # Whatever went wrong on the way, the undo comes.
            self._run.conductor.broke(f"stopping the experiments: {error}", error)
        if self._open():
            code = await self._until_undone()
            await stopping
            await self._take_in(code)
        for failed in await stopping:
            if isinstance(failed, Exception):
                self._run.conductor.broke(f"stopping the load, the steps or the probes: {failed}", failed)
        if not self._run.state.undo_ended:
            self._run.observe(ev.UndoEnded(left=self._open()))

    async def _stop_faults(self) -> None:
        end = self._run.state.end
        if end is not None and end.cause in ("complete", "time-box", "runbook-stopped", "deviated"):
            # A check that is still being looked at would be seen to hold once the fault is out.
            await self._bites.finish()
            await self._experiments.release()
        self._bites.cancel()
        await self._experiments.close()
        if self._open():
            # The load is let to finish its files: it has no fault to apply.
            spare = self._run.spared.living() | {pid for handler in self._others if (pid := getattr(handler, "pid", 0))}
            fenced = await asyncio.to_thread(self._run.ports.fence, spare)
            if fenced:
                self._run.observe(ev.Fenced(pids=fenced))

    async def _take_in(self, code: int) -> None:
        """Bring the state up to what the undo worker wrote; where nothing can be written, its exit code is its word."""
        if not self._run.fatal and await self._read_again():
            return
        for slug in self._open():
            if code == ExitCode.PASSED:
                self._run.observe(ev.FaultUndone(experiment=slug, how="rollbacks"), by="undo")
            else:
                self._run.observe(ev.UndoFailed(experiment=slug, why="its undo failed; see undo.log"), by="undo")

    async def _read_again(self) -> bool:
        """Whether the transcript could be read; whoever took the run's folder away took it along."""
        try:
            await self._refold()
        except (GamedayError, OSError) as error:
            note(f"what the undo wrote cannot be read: {error}")
            return False
        return True

    def _open(self) -> tuple[str, ...]:
        return tuple(slug for slug, view in self._run.state.experiments.items() if view.fault_open)

    async def _until_undone(self) -> int:
        """The undo worker's exit code: 0, or 6 when something is left; else it broke each time."""
        code = int(ExitCode.BROKEN)
        starter = self._run.ports.undo_starter()
        for _ in range(_ATTEMPTS):
            code = await starter.undo(self._run.folder, self._run.secrets, self._run.redactor.secrets)
            if code in (ExitCode.PASSED, ExitCode.LEFT_BEHIND):
                break
        return code
