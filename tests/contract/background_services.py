"""Services that a command leaves running, which go on to print: what a start script does, in a few words of shell."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from runner.actuators.processes import alive

#: Prints more than a pipe holds, time and again; it ends by itself, should nobody end it.
_SERVICE = "for i in $(seq 600); do head -c 30000 /dev/zero && echo $i >&2 || exit 1; sleep 0.05; done"


def start_script(pid_file: Path, how: str = "") -> str:
    """A script that starts one in the background (`how`: with nohup, setsid), says so and ends."""
    return f"{how} sh -c '{_SERVICE}' & echo $! > {pid_file}.new; mv {pid_file}.new {pid_file}; echo started"


@contextmanager
def left_running(pid_file: Path) -> Iterator[int]:
    """The one that was started, ended behind this."""
    pid = int(pid_file.read_text())
    try:
        yield pid
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def goes_on(pid: int) -> bool:
    """Whether it lives for as long as it takes to print several times what a pipe holds."""
    end = time.monotonic() + 0.6
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    return alive(pid)
