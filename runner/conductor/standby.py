"""Starting the undo worker: the same few lines for guardian, conductor and `gameday recover`.

The worker is started early and waits, so that the undo begins at once and needs nothing that may be lacking by then.
Secrets reach it over its standard input, so they stand in no environment and no command line.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from runner.actuators.processes import frozen

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
        return os.fdopen(os.open(folder / "undo.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
    except OSError:
        return Path(os.devnull).open("ab")


class UndoWorker:
    """The one process that undoes. `go` gives the word; without it, closing its input sends it home."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid
        self.pidfd = os.pidfd_open(process.pid)
        self.started = False

    @classmethod
    def stand_by(cls, folder: Path, *, warm: bool = False) -> UndoWorker:
        """Start it in a session of its own, with every signal that can be masked masked from its first instruction on.

        `warm`: have a process ready for the first rollback too.
        """
        with _log(folder) as log:
            before = signal.pthread_sigmask(signal.SIG_BLOCK, _MASKED)
            try:
                process = subprocess.Popen(
                    [
                        sys.executable,
                        "-P",
                        "-m",
                        "runner.conductor.undo_main",
                        str(folder),
                        *(["--warm"] if warm else []),
                    ],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return cls(process)

    def go(self, secrets: dict[str, str]) -> None:
        """Undo now."""
        stdin = self._process.stdin
        if self.started or stdin is None:
            return
        self.started = True
        with contextlib.suppress(OSError):
            stdin.write(json.dumps({"do": "undo", "secrets": secrets}).encode() + b"\n")
            stdin.close()

    def dismiss(self) -> None:
        """Nothing to undo any more: it leaves by itself when its input closes."""
        if not self.started and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
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
