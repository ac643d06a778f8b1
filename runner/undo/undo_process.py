"""Starting the undo worker, for guardian, conductor and `gameday recover`.

The worker is there early and waits, so that the undo begins at once and needs nothing that may be lacking by then.
The first one of a run is forked from the conductor while that has no thread yet: what it needs is imported then. One
that comes later is a process of its own. Secrets reach it over a pipe, so they stand in no environment and no command
line.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

from runner.actuators.processes import frozen, start_time
from runner.actuators.spawn import Adopted, PreforkedRollback, Process
from runner.errors import ExitCode
from runner.private import open_private
from runner.transcript.run_folder import UNDO_LOG

_MASKED = {
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
}


#: Seconds that one which was never needed gets to go home.
_GOING_HOME = 2.0
_LOOK = 0.5


def _log(folder: Path) -> IO[bytes]:
    """Where it writes what should never happen; nowhere, when there is no room: the undo does not depend on it."""
    try:
        return os.fdopen(open_private(folder / UNDO_LOG, os.O_WRONLY | os.O_APPEND), "ab")
    except OSError:
        return Path(os.devnull).open("ab")


class UndoProcess:
    """The one process that undoes. `go` gives the word; without it, closing its input sends it home."""

    def __init__(self, process: Process, word: IO[bytes]) -> None:
        self._process = process
        self._word = word
        self.pid = process.pid
        self.pidfd = os.pidfd_open(process.pid)
        self.started = False

    @classmethod
    def adopt(cls, pid: int, started: int, word: int) -> UndoProcess:
        """The one that `fork_worker` forked, which listens at the other end of `word`.

        Raises ProcessLookupError when it is gone.
        """
        return cls(Adopted(pid, started), os.fdopen(word, "wb"))

    @classmethod
    def stand_by(cls, folder: Path) -> UndoProcess:
        """Start it in a session of its own, with every signal that can be masked masked from its first instruction on."""
        with _log(folder) as log:
            before = signal.pthread_sigmask(signal.SIG_BLOCK, _MASKED)
            try:
                process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "runner.undo", str(folder)],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        assert process.stdin is not None  # noqa: S101 - it was asked for
        return cls(process, process.stdin)

    def go(self, secrets: Mapping[str, str], hidden: Iterable[str] = ()) -> None:
        """Undo now. `hidden` are more values that are written nowhere."""
        if self.started:
            return
        self.started = True
        word = {"do": "undo", "secrets": dict(secrets), "hidden": list(hidden)}
        with contextlib.suppress(OSError):
            self._word.write(json.dumps(word).encode() + b"\n")
            self._word.close()

    def dismiss(self) -> None:
        """Nothing to undo any more: it leaves by itself when its input closes."""
        if not self.started:
            with contextlib.suppress(OSError):
                self._word.close()
        self._end_within(_GOING_HOME)

    def thaw(self) -> None:
        """Wake it if somebody froze it: no signal mask keeps SIGSTOP out."""
        if frozen(self.pid):
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGCONT)

    def alive(self) -> bool:
        return self._process.poll() is None

    def wait(self) -> int:
        """Until it has ended; its exit code."""
        while True:
            try:
                return self._process.wait(_LOOK)
            except subprocess.TimeoutExpired:
                self.thaw()

    def _end_within(self, seconds: float) -> None:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def reap(self) -> int:
        """Collect it after it ended; its exit code."""
        code = self._process.wait()
        os.close(self.pidfd)
        self.pidfd = -1
        return code


def fork_worker(folder: Path, word: int, preforked: PreforkedRollback | None) -> tuple[int, int]:
    """Fork the undo worker of this process, which must have one thread only; its pid and start time.

    It is given to the nearest subreaper, the guardian, and waits for the word at the read end `word`.
    """
    receiving, sending = os.pipe()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _MASKED)
    between = os.fork()
    if not between:
        try:
            if worker := os.fork():
                os.write(sending, str(worker).encode())
            else:
                _be_worker(folder, word, preforked)
        finally:
            os._exit(0)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(sending)
    with os.fdopen(receiving, "rb") as answer:
        pid = int(answer.read())
    os.waitpid(between, 0)
    return pid, start_time(pid) or 0


def _be_worker(folder: Path, word: int, preforked: PreforkedRollback | None) -> None:
    # Not above: the guardian imports this module too, and needs no transcript.
    from runner.transcript.run_folder import TRANSCRIPT

    code = int(ExitCode.BROKEN)
    try:
        os.setsid()
        with _log(folder) as log:
            for stream in (1, 2):
                os.dup2(log.fileno(), stream)
        # Held from now on: whoever takes the folder away does not take the undo away.
        with (folder / TRANSCRIPT).open("rb") as transcript:
            _let_go_of_all_but({0, 1, 2, word, transcript.fileno(), *(preforked.kept if preforked else ())})
            from runner.undo.worker import undo_on_word

            path = Path(f"/proc/self/fd/{transcript.fileno()}")
            code = undo_on_word(folder, os.fdopen(word, "rb"), preforked, path)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _let_go_of_all_but(kept: set[int]) -> None:
    """Hold no end of what the conductor holds, or nobody would notice its death.

    The numbers stay taken: objects inherited from the conductor may still close them.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208  numbers, not files
        descriptor = int(name)
        if descriptor not in kept | {null}:
            # The listing's own is closed by now.
            with contextlib.suppress(OSError):
                os.fstat(descriptor)
                os.dup2(null, descriptor, inheritable=False)
