"""Starting a shim's process, and nothing else: it imports for a fifth of a second while its parent imports too.

So this module needs next to nothing itself, and whoever wants a child early starts it before importing anything.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from typing import Protocol

from runner.actuators.processes import MARK, start_time

#: The exit code of a process whose end only its own parent may ask about.
UNKNOWN = 255

# All that a child is given before it knows what it is for; the rest comes with its orders.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "PYTHONPATH")
_LONGEST_HELLO = 256


class Process(Protocol):
    """As much of `subprocess.Popen` as is needed here."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int) -> None: ...

    def kill(self) -> None: ...


class Adopted:
    """A process that another one forked, at `started` ticks since boot. Raises ProcessLookupError when it is gone."""

    def __init__(self, pid: int, started: int) -> None:
        self.pid = pid
        self._handle = os.pidfd_open(pid)
        self._code: int | None = None
        if start_time(pid) != started:
            os.close(self._handle)
            raise ProcessLookupError(f"process {pid} is another one by now")

    def poll(self) -> int | None:
        """Its exit code once it has ended, UNKNOWN where this process is not its parent; None while it lives."""
        if self._code is None and _readable(self._handle, 0):
            self._code = _exit_code(self.pid)
            os.close(self._handle)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Until it has ended. Raises subprocess.TimeoutExpired after `timeout` seconds."""
        if self._code is None:
            _readable(self._handle, timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Spawned:
    """A shim that was started: its process, our end of its socket, the pipe of what it prints, and its MARK."""

    def __init__(self, process: Process, ours: socket.socket, output: int, mark: str) -> None:
        self.process = process
        self.socket = ours
        self.output = output
        self.mark = mark


class PreforkedRollback:
    """A rollback's process to be: the chaos child forks it as soon as it has imported what both of them need.

    The undo worker takes it when there is something to roll back. Nobody waits for one that is not there.
    """

    def __init__(self) -> None:
        self.mark = os.urandom(8).hex()
        self._ours, self._theirs = socket.socketpair()
        self._output, self._printing = os.pipe()

    @property
    def given(self) -> tuple[int, int]:
        """What the process itself needs: its end of the socket, and where it prints."""
        return self._theirs.fileno(), self._printing

    @property
    def kept(self) -> tuple[int, int]:
        """What the one who takes it needs."""
        return self._ours.fileno(), self._output

    def give(self) -> None:
        """The process has its ends; without them here, its death is noticed."""
        self._theirs.close()
        os.close(self._printing)

    def close(self) -> None:
        """It is not needed: it ends by itself when its socket closes."""
        self._ours.close()
        os.close(self._output)

    def take(self) -> Spawned | None:
        """The process, if it stands ready now."""
        self._ours.setblocking(False)
        try:
            hello = json.loads(self._ours.recv(_LONGEST_HELLO))
            process = Adopted(int(hello["pid"]), int(hello["started"]))
        except (OSError, ValueError, KeyError):
            self.close()
            return None
        if process.poll() is not None:
            self.close()
            return None
        return Spawned(process, self._ours, self._output, self.mark)


def spawn(shim: str, *, preforked: PreforkedRollback | None = None) -> Spawned:
    """Start `runner.actuators.shims.<shim>` in its own session, with a minimal environment and no input.

    `preforked` is what the chaos child leaves behind when it is ready. Raises OSError.
    """
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    mark = os.urandom(8).hex()
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ} | {MARK: mark}
    output, printing = os.pipe()
    given = (theirs.fileno(), *(preforked.given if preforked else ()))
    with theirs, os.fdopen(printing, "wb") as stdout:
        process = subprocess.Popen(
            # Without -P a folder called "runner" where the user stands would be taken for this one.
            [
                sys.executable,
                "-P",
                "-u",
                "-m",
                f"runner.actuators.shims.{shim}",
                *map(str, given),
                *([preforked.mark] if preforked else []),
            ],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            pass_fds=given,
            env=environment,
            start_new_session=True,
        )
    if preforked:
        preforked.give()
    return Spawned(process, ours, output, mark)


def _readable(handle: int, timeout: float | None) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(None if timeout is None else timeout * 1000))


def _exit_code(pid: int) -> int:
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:
        return UNKNOWN
