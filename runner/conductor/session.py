"""Playing a run: the handlers given to the loop, from the first event to the last line."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from runner.actuators.processes import start_time
from runner.conductor.adapters import ProcessPorts
from runner.conductor.context import RunContext
from runner.conductor.handlers.followers import FollowersHandler
from runner.conductor.handlers.report import leave_reports
from runner.conductor.loop import Conductor
from runner.conductor.prepare import PreparedRun
from runner.conductor.wiring import Wiring
from runner.control.peer_socket import PeerSocket
from runner.control.server import CommandServer
from runner.engine import events as ev
from runner.engine.apply import apply
from runner.engine.state import State
from runner.errors import ExitCode, GamedayError, worst
from runner.host.run_registry import Registry
from runner.host.tool_log import note
from runner.transcript.reader import read
from runner.transcript.run_folder import TRANSCRIPT
from runner.undo.finalize import closing, scorecard

if TYPE_CHECKING:
    from runner.actuators.chaos import ChaosChild


def _folded(folder: Path) -> State:
    state = State.empty()
    for recorded in read(folder / TRANSCRIPT):
        state = apply(state, recorded)
    return state


#: Seconds for what is put away after the last line of the transcript.
_TIDYING = 15.0


async def play(opening: PreparedRun, link: PeerSocket, spare: ChaosChild, sandbox_lifeline: int) -> int:
    """One whole run; returns the exit code. `spare` is a child that was started before anyone knew what for."""
    conductor = Conductor(writer=opening.writer, clock=opening.clock, link=link, guardian=os.getppid())
    run = RunContext(
        run=opening.run,
        folder=opening.folder,
        root=opening.root,
        plan=opening.plan,
        clock=opening.clock,
        redaction=opening.redaction,
        secrets=opening.secrets,
        conductor=conductor,
        ports=ProcessPorts(conductor.link, conductor.undone, spare, sandbox_lifeline),
        where=opening.where,
        settings=opening.settings,
    )
    run.redaction.tell(conductor.hide)
    conductor.redact = lambda text: run.redactor.text(text)
    game = Session(opening, run, conductor)
    return await game.through()


class Session:
    """The wiring of one run."""

    def __init__(self, opening: PreparedRun, run: RunContext, conductor: Conductor) -> None:
        self._opening = opening
        self._run = run
        self._conductor = conductor
        self._wiring = Wiring(run, self._refold)
        self._server = CommandServer(run, conductor, opening.socket)
        self._followers = FollowersHandler(run)
        conductor.handlers += [self, *self._wiring.handlers, self._followers]
        if opening.script is not None:
            from runner.conductor.handlers.operator_script import OperatorScriptHandler

            conductor.handlers.append(OperatorScriptHandler(run, conductor, opening.script))

    async def through(self) -> int:
        """The whole run; this process ends with it."""
        beats = asyncio.create_task(self._conductor.beat())
        await self._server.open()
        self._conductor.observe(self._opening.first, by=self._opening.person)
        for role, pid in (("guardian", os.getppid()), ("conductor", os.getpid())):
            self._conductor.observe(ev.ProcessStarted(role=role, pid=pid, start_time=start_time(pid) or 0))
        await self._conductor.run()
        # The transcript is complete and the fault is gone: nothing that is only put away now may keep the run from ending.
        try:
            async with asyncio.timeout(_TIDYING):
                await self._put_away()
        except (TimeoutError, GamedayError, OSError) as error:
            note(f"putting away: {type(error).__name__}: {error}")
        code = self._exit_code()
        # A record that cannot be taken away is a matter for `gameday recover`, not for this run.
        with contextlib.suppress(OSError):
            if code != ExitCode.LEFT_BEHIND:
                Registry().forget(self._run.run)
            self._opening.socket.unlink(missing_ok=True)
        self._conductor.tell_guardian({"closed": code})
        self._conductor.leave_guardian()
        beats.cancel()
        # Everything is put away. What asyncio still wants to join could outlast the lease, which nobody renews now.
        os._exit(code)

    async def _put_away(self) -> None:
        await self._run.finish_tasks()
        await self._wiring.preflight.close()
        await self._server.close()
        await self._wiring.awake.close()
        await self._followers.close()
        await self._stop_target()

    def act(self, recorded: ev.Recorded) -> None:
        """The last steps."""
        match recorded.event:
            case ev.DebriefClosed():
                self._run.spawn(self._close_story(), "closing")
            case ev.RunClosed():
                self._conductor.finish()

    async def close(self) -> None:
        return

    async def _close_story(self) -> None:
        try:
            if not self._conductor.fatal:
                self._conductor.writer.sync()
            card = await asyncio.to_thread(scorecard, self._run.folder)
            last = closing(card)
        except (GamedayError, OSError) as error:
            last = ev.RunClosed(ending="broken", exit_code=int(ExitCode.BROKEN), headline=f"broken: {error}")
        if self._conductor.fatal:
            codes = [ExitCode.BROKEN, *([ExitCode.LEFT_BEHIND] if self._run.state.left else [])]
            last = ev.RunClosed(ending="broken", exit_code=int(worst(codes)), headline=self._conductor.fatal)
        await leave_reports(self._run.folder, self._run.root)
        self._conductor.observe(last)
        if self._conductor.state.closed is None:
            self._conductor.finish()

    async def _refold(self) -> None:
        """Take in what the undo worker wrote: on a thread, for an hour's transcript takes seconds."""
        state = await asyncio.to_thread(_folded, self._run.folder)
        for recorded in self._conductor.recent:
            if recorded.seq > state.seq:
                state = apply(state, recorded)
        self._conductor.resume(state)

    async def _stop_target(self) -> None:
        if self._run.started_target is not None:
            await asyncio.to_thread(self._run.started_target.stop)

    def _exit_code(self) -> int:
        closed = self._conductor.state.closed
        codes = [ExitCode.BROKEN] if closed is None or self._conductor.fatal else []
        return int(worst([*codes, *([ExitCode(closed.exit_code)] if closed else [])]))
