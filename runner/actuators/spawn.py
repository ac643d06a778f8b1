"""Starting a shim's process, and nothing else: it imports for a fifth of a second while its parent imports too.

So this module needs next to nothing itself, and whoever wants a child early starts it before importing anything.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from runner.actuators.processes import MARK

# All that a child is given before it knows what it is for; the rest comes with its orders.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "PYTHONPATH")


class Spawned:
    """A shim that was started: its process, our end of its socket, the pipe of what it prints, and its MARK."""

    def __init__(self, process: subprocess.Popen[bytes], ours: socket.socket, output: int, mark: str) -> None:
        self.process = process
        self.socket = ours
        self.output = output
        self.mark = mark


def spawn(shim: str) -> Spawned:
    """Start `runner.actuators.shims.<shim>` in its own session, with a minimal environment and no input.

    Raises OSError.
    """
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    mark = os.urandom(8).hex()
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ} | {MARK: mark}
    output, printing = os.pipe()
    with theirs, os.fdopen(printing, "wb") as stdout:
        process = subprocess.Popen(
            # Without -P a folder called "runner" where the user stands would be taken for this one.
            [sys.executable, "-P", "-u", "-m", f"runner.actuators.shims.{shim}", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            pass_fds=(theirs.fileno(),),
            env=environment,
            start_new_session=True,
        )
    return Spawned(process, ours, output, mark)
