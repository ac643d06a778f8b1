"""The small first process of a run: parent of the conductor, reaper of everything, starter of the undo.

It decides nothing while the conductor lives. It watches: the conductor's lease, the terminal's lifeline, its own
signals. When the conductor is dead, hung or frozen it kills what is left of it, fences every descendant but the undo
worker and the sandbox, starts the undo, and writes down that it did.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runner.control.peer_socket import BEAT, LEASE, PeerSocket, say
from runner.errors import ExitCode, GamedayError, worst
from runner.supervision.child_reaping import only_children, reap

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
# Until its event loop runs the conductor imports and reads files, and cannot renew a lease.
_START = 30.0
_LATE = 0.05
_ATTEMPTS = 3
# Before the undo: longer, and the conductor would take this process for a frozen one.
_FENCE = 0.5


def main(*, request: int, status: int, lifeline: int) -> int:
    """Be the guardian of one run until it is over; returns the run's exit code.

    What the conductor is to run comes over `request`; `status` is for the launcher, `lifeline` is what its terminal does.
    """
    os.setsid()
    _heed_signals()
    errors = _detach_stdio()
    ours, theirs = PeerSocket.pair()
    sandbox_read, sandbox_write = os.pipe()
    word_read, word_write = os.pipe()
    conductor = os.fork()
    if not conductor:
        ours.close()
        os.close(lifeline)
        # The undo worker must see the guardian's death, and it inherits what is open here.
        os.close(word_write)
        os._exit(_conduct(request, theirs, status, sandbox_read, word_read))
    # Imported here: the conductor is forked before, and imports for longer than anything else.
    from runner.actuators.processes import adopt_orphans

    adopt_orphans()
    theirs.close()
    for descriptor in (request, sandbox_read, word_read):
        os.close(descriptor)
    guardian = Guardian(
        conductor, ours, status=status, lifeline=lifeline, errors=errors, sandbox=sandbox_write, word=word_write
    )
    gc.enable()
    return guardian.watch()


def _heed_signals() -> None:
    """What the launcher was started to ignore (nohup, a shell's background) is its terminal's business alone.

    Everything that a run starts is of a session of its own, which no terminal signals. What is ignored would stay so in
    every step and action, which then could not be stopped as its author meant it.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def _conduct(request: int, link: PeerSocket, status: int, sandbox_lifeline: int, word: int) -> int:
    try:
        from runner.conductor.process import main as conduct

        return conduct(request=request, link=link, status=status, sandbox_lifeline=sandbox_lifeline, word=word)
    except BaseException:
        import traceback

        traceback.print_exc()
        return ExitCode.BROKEN


def _detach_stdio() -> int:
    """stdin and stdout to /dev/null, stderr to a file in memory that is read only when something broke."""
    errors = os.memfd_create("gameday-errors")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.dup2(errors, 2)
    os.close(null)
    # The interpreter's own objects still point at the terminal's streams.
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    return errors


class Guardian:
    """Watches one conductor. `errors` is where both write what should never happen."""

    def __init__(
        self, conductor: int, link: PeerSocket, *, status: int, lifeline: int, errors: int, sandbox: int, word: int
    ) -> None:
        self._conductor = conductor
        self._link = link
        self._status = status
        self._lifeline = lifeline
        self._errors = errors
        # Held open, never used: the sandbox lives while this process or the conductor does.
        self._sandbox = sandbox
        # What the first undo worker listens to; the write end, until that worker is known.
        self._word = word
        self._pidfd = os.pidfd_open(conductor)
        self._lease_until = time.monotonic() + _START
        self._next_beat = 0.0
        self._folder: Path | None = None
        self._run: dict[str, Any] = {}
        from runner.undo.fencing import Spared

        self._spare = Spared()
        self._secrets: dict[str, str] = {}
        #: More values that are written nowhere.
        self._hidden: list[str] = []
        self._undo: Any = None
        self._undo_began = 0
        self._detached = False
        self._closed: int | None = None
        self._lifeline_rest = b""
        self._wake_read, self._wake_write = os.pipe()

    def watch(self) -> int:
        """Until the conductor has ended, one way or the other."""
        os.set_blocking(self._wake_write, False)
        signal.set_wakeup_fd(self._wake_write)
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)
        while True:
            self._wait()
            if self._conductor_ended():
                return self._after_conductor()
            if time.monotonic() > self._lease_until:
                self._kill_conductor()
                return self._rescue("the conductor did not answer for more than a second")

    # -- watching ------------------------------------------------------------------------------------------------------

    def _wait(self) -> None:
        poll = select.poll()
        sources = {self._pidfd: None, self._wake_read: self._on_signal}
        if not self._link.closed:
            sources[self._link.fileno()] = self._on_messages
        if self._lifeline >= 0:
            sources[self._lifeline] = self._on_lifeline
        if self._undo is not None and self._undo.pidfd >= 0:
            sources[self._undo.pidfd] = self._on_undone
        for descriptor in sources:
            poll.register(descriptor, select.POLLIN)
        now = time.monotonic()
        until = min(max(self._next_beat, now), self._lease_until)
        wait = max(until - now, 0.0)
        ready = poll.poll(wait * 1000 + 1)
        # Where this process itself got no processor for a while, the conductor did not either: that is no hang.
        late = time.monotonic() - now - wait
        if late > _LATE:
            self._lease_until += late * 2
        for descriptor, _ in ready:
            handler = sources[descriptor]
            if handler:
                handler()
        self._beat()
        if self._undo is not None and self._undo.started:
            self._undo.thaw()
        reap(self._conductor, self._undo.pid if self._undo else 0)

    def _beat(self) -> None:
        now = time.monotonic()
        if now >= self._next_beat:
            self._link.send({"beat": 1})
            self._next_beat = now + BEAT

    def _on_messages(self) -> None:
        for message in self._link.receive():
            # What is read now may have waited while this process itself was held up: it proves life now.
            self._lease_until = time.monotonic() + LEASE
            match message:
                case {"run": run}:
                    self._run = run
                    self._folder = Path(run["folder"])
                    self._secrets = run.get("secrets", {})
                    # Its event loop, which renews the lease, is yet to begin.
                    self._lease_until = time.monotonic() + _START
                    self._adopt(run.get("undo"))
                case {"hide": secrets}:
                    self._hidden += secrets
                case {"spare": pids}:
                    for pid in pids:
                        self._spare.add(pid)
                case {"lease": seconds}:
                    self._lease_until = time.monotonic() + float(seconds)
                case {"undo": _}:
                    self._start_undo()
                case {"closed": code}:
                    self._closed = int(code)

    def _on_lifeline(self) -> None:
        data = os.read(self._lifeline, 65536)
        if not data:
            os.close(self._lifeline)
            self._lifeline = -1
            if not self._detached:
                self._link.send({"abort": "the terminal of the run went away"})
            return
        *lines, self._lifeline_rest = (self._lifeline_rest + data).split(b"\n")
        for line in lines:
            match json.loads(line):
                case {"do": "detach"}:
                    self._detached = True
                case {"do": "abort", "why": why}:
                    self._link.send({"abort": why})

    def _on_signal(self) -> None:
        for number in os.read(self._wake_read, 64):
            if number in _SIGNALS:
                self._link.send({"abort": f"{signal.Signals(number).name} to the guardian"})

    # -- undo ----------------------------------------------------------------------------------------------------------

    def _adopt(self, forked: tuple[int, int] | None) -> None:
        """Take on the worker that the conductor forked, or start one."""
        from runner.undo.undo_process import UndoProcess

        if forked is not None:
            with contextlib.suppress(ProcessLookupError):
                self._undo = UndoProcess.adopt(*forked, self._word)
        self._stand_by()

    def _stand_by(self) -> None:
        from runner.undo.undo_process import UndoProcess

        if self._folder is not None and self._undo is None:
            self._undo = UndoProcess.stand_by(self._folder)

    def _start_undo(self) -> None:
        if self._undo is None or not self._undo.alive():
            self._undo = None
            self._stand_by()
        from runner.undo.fencing import ticks_now

        with contextlib.suppress(Exception):
            self._fence_orphans()
        self._undo_began = self._undo_began or ticks_now()
        self._undo.go(self._secrets, self._hidden)

    def _fence_orphans(self) -> None:
        """What a dead child of the conductor left is given to this process, and may have nothing that ties it to the run."""
        from runner.undo.fencing import fence_all

        known = {self._conductor, self._undo.pid, *self._spare.living()}
        if only_children(known):
            return
        if fenced := fence_all(known | self._brought_back(), reap=False, grace=_FENCE):
            self._link.send({"fenced": fenced})

    def _on_undone(self) -> None:
        started = self._undo.started
        code = self._undo.reap()
        self._undo = None
        if started:
            self._link.send({"undone": code})

    # -- the end -------------------------------------------------------------------------------------------------------

    def _conductor_ended(self) -> bool:
        return bool(select.select([self._pidfd], [], [], 0)[0])

    def _kill_conductor(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        select.select([self._pidfd], [], [], 5)

    def _after_conductor(self) -> int:
        if not self._link.closed:
            self._on_messages()
        code = os.waitstatus_to_exitcode(os.waitpid(self._conductor, 0)[1])
        if self._closed is not None and code == self._closed:
            return self._leave(code)
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return self._rescue(f"the conductor ended unexpectedly ({how})")

    def _rescue(self, why: str) -> int:
        """Fence, undo, close the transcript. The conductor is dead."""
        from runner.host.run_registry import has_begun
        from runner.undo import finalize
        from runner.undo.fencing import fence_all, outlives

        if self._folder is None or not has_begun(self._folder):
            return self._not_begun(why)

        folder = self._folder
        # The worker that stands by is spared: it is what there is to undo with.
        mine = {self._undo.pid} if self._undo is not None and self._undo.alive() else set()
        # So is what an undo that has begun already brought back, and what the steps that are over left running.
        pids = fence_all(
            self._spare.living()
            | mine
            | outlives(str(self._run["run"]), self._undo_began, finalize.running_steps(folder))
        )
        closed = finalize.closed_with(folder)
        if closed is not None and closed != ExitCode.LEFT_BEHIND:
            # It died behind the last line: undone, judged, closed.
            self._keep_errors()
            finalize.forget(self._run)
            return self._leave(closed)
        undone = self._undo_with_retries(lambda: finalize.record_death(folder, why, pids))
        self._keep_errors()
        with contextlib.suppress(Exception):
            code = finalize.close(folder)
            finalize.forget(self._run)
            return self._leave(worst([ExitCode(code), ExitCode.BROKEN, undone]))
        return self._leave(worst([ExitCode.BROKEN, undone]))

    def _undo_with_retries(self, record: Callable[[], None]) -> ExitCode:
        """Undo first and tell then: nothing that goes wrong in writing may keep the fault in."""
        for attempt in range(_ATTEMPTS):
            if self._undo is None or not self._undo.started:
                self._start_undo()
            if not attempt:
                with contextlib.suppress(Exception):
                    record()
            code = self._undo.wait()
            self._undo = None
            if code in (ExitCode.PASSED, ExitCode.LEFT_BEHIND):
                return ExitCode(code)
        return ExitCode.LEFT_BEHIND

    def _leave(self, code: int) -> int:
        if self._undo is not None:
            self._undo.dismiss()
        os.close(self._sandbox)
        from runner.actuators.processes import has_children

        # Orphans are given to this process, so without a child there is nobody left below it.
        if has_children():
            from runner.undo.fencing import fence_all

            fence_all(self._brought_back())
        return int(code)

    def _brought_back(self) -> set[int]:
        """Of the processes below, those that are the target's by now."""
        from runner.undo.fencing import brought_back

        return brought_back(str(self._run.get("run", "")), self._undo_began)

    def _not_begun(self, why: str) -> int:
        """Nothing was begun, so there is nothing to undo: say why in a line, and keep the details."""
        text = self._errors_text()
        with contextlib.suppress(GamedayError, OSError):
            from runner.host.run_registry import keep_crash
            from runner.undo import finalize

            finalize.sweep(os.getpid())
            why += f" (details: {keep_crash(text)})" if text else ""
        from runner.gist import last_words

        last = [words] if (words := last_words(text)) else []
        say(self._status, {"exit": int(ExitCode.BROKEN), "lines": [f"gameday broke: {why}", *last]})
        return self._leave(ExitCode.BROKEN)

    def _keep_errors(self) -> None:
        text = self._errors_text()
        if text and self._folder is not None:
            from runner.transcript.run_folder import GUARDIAN_LOG

            with contextlib.suppress(OSError):
                (self._folder / GUARDIAN_LOG).write_text(text)

    def _errors_text(self) -> str:
        os.lseek(self._errors, 0, os.SEEK_SET)
        return os.read(self._errors, 1 << 20).decode(errors="replace")
