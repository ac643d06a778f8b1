"""A place to print to for what a command leaves running.

Whoever reads a command's output does so through a pipe, to take the secrets out before anything is written. A service
that the command started in the background has inherited that pipe. Were it closed, the service would die of SIGPIPE at
its next line; were it kept and not read, the service would stand still once it is full. So a small process reads it on,
throws it away, and ends with the last of those that can write. From a terminal, cron or a pipeline it is no different.
"""

from __future__ import annotations

import os
import select
import subprocess
from contextlib import suppress

from runner.actuators.processes import MARK

# In the background, so that it is nobody's child here: whoever ends this process's children spares it.
_READ_ON = "exec 3<&0; cat <&3 3<&- &"


def has_writers(pipe: int) -> bool:
    """Whether anybody could still write into this read end."""
    poll = select.poll()
    poll.register(pipe, 0)
    return not any(event & select.POLLHUP for _, event in poll.poll(0))


def read_on(pipe: int, mark: str) -> None:
    """Close it here; where anybody can still write into it, have it read to its end by another process.

    That process carries `mark`, so that it is fenced, or spared, together with those that write.
    """
    try:
        if has_writers(pipe):
            # Shared with the other process, which knows only how to wait.
            os.set_blocking(pipe, True)
            _start_reader(pipe, mark)
    finally:
        os.close(pipe)


def _start_reader(pipe: int, mark: str) -> None:
    environment = {"PATH": os.environ.get("PATH", os.defpath), MARK: mark}
    # On a machine that can start nothing any more the pipe is closed, and that is all that can be done.
    with suppress(OSError):
        subprocess.run(
            ["/bin/sh", "-c", _READ_ON],
            stdin=pipe,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
            check=False,
        )
