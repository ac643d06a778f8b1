"""Keeping the machine awake while a fault may be in: an undo that waits for a lid to be opened comes too late.

The system's own tool holds the lock (systemd-inhibit, on systems with logind) for as long as its command lives, and that
command lives as long as this process keeps its input open. Where there is no such tool the machine may sleep; a suspend
is then seen and recorded.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess

_TOOL = "systemd-inhibit"


class Wakefulness:
    """Holds the machine awake from `begin` to `end`, or to the death of this process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self, why: str) -> int:
        """The pid of the tool that holds the lock; 0 where there is none."""
        tool = shutil.which(_TOOL)
        if tool is None:
            return 0
        command = [tool, "--what=sleep:idle", "--mode=block", "--who=Gameday", f"--why={why}", "cat"]
        with contextlib.suppress(OSError):
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self._process.pid if self._process else 0

    def end(self) -> None:
        """The machine may sleep again. A tool that the system refused has gone already."""
        if self._process is None:
            return
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
