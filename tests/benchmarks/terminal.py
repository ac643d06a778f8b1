"""A command on a terminal of its own, seen from the terminal's side: which bytes came, and when."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


class Terminal:
    """What a command writes is read as soon as it comes; `size` counts it."""

    def __init__(self, pid: int, master: int) -> None:
        self.pid = pid
        self.began = time.perf_counter()
        self.size = 0
        self._master = master
        self._seen = b""

    def type(self, keys: bytes) -> float:
        """Press them; when (s)."""
        self._seen = b""
        with suppress(OSError):
            os.write(self._master, keys)
        return time.perf_counter()

    def until(self, text: str, within: float = 60.0) -> float:
        """When (s) the last byte of `text` had come, since the last key. Raises RuntimeError."""
        wanted, deadline = text.encode(), time.perf_counter() + within
        while wanted not in self._seen:
            if time.perf_counter() > deadline:
                raise RuntimeError(f"{text!r} was not shown within {within:g} s; the last was {self._seen[-300:]!r}")
            if not self._read(0.5):
                raise RuntimeError(f"{text!r} was not shown before the end; the last was {self._seen[-300:]!r}")
        return time.perf_counter()

    def shows(self, text: str) -> bool:
        """Whether it has come since the last key."""
        return text.encode() in self._seen

    def rest(self, seconds: float) -> int:
        """Look on; how many bytes came."""
        before, deadline = self.size, time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0 and self._read(left):
            pass
        return self.size - before

    def _read(self, within: float) -> bool:
        """Whether the command is still there."""
        if not select.select([self._master], [], [], within)[0]:
            return True
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            return False
        self.size += len(data)
        # What is looked for may be cut in two by a read, never by more than its length.
        self._seen = (self._seen + data)[-(1 << 17) :]
        return bool(data)

    def close(self) -> None:
        with suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._master)


@contextmanager
def terminal(
    command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str], columns: int = 120, rows: int = 40
) -> Iterator[Terminal]:
    """The command is killed at the end."""
    words = [str(word) for word in command]
    pid, master = pty.fork()
    if not pid:
        os.chdir(cwd)
        os.execve(words[0], words, {**env, "TERM": "xterm-256color"})
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    seen = Terminal(pid, master)
    try:
        yield seen
    finally:
        seen.close()
