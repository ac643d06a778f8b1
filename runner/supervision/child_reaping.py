"""The children of a process that every orphan is given to."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def only_children(known: set[int]) -> bool:
    """Whether nobody else is right below this process; False where the system does not say. A fiftieth of a full look."""
    try:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    except OSError:
        return False
    return known.issuperset(map(int, children))


def reap(*ours: int) -> None:
    """Collect orphans that were given to this subreaper; never the conductor or the undo worker."""
    while True:
        try:
            info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if info is None or info.si_pid in ours:
            return
        with contextlib.suppress(ChildProcessError):
            os.waitpid(info.si_pid, 0)
