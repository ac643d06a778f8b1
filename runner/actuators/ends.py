"""When a process ended, stamped by a thread that does nothing else.

The event loop may be writing to a slow disk at that moment, or starting another process: what it finds out later it would date
later.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import threading
from collections.abc import Callable

from runner.actuators.turns import ask_for_short_turns
from runner.clock import Clock, Stamp


def on_end(pid: int, clock: Clock, tell: Callable[[Stamp], None]) -> None:
    """Have `tell` called in the running loop once this process, a child that nobody has collected yet, has ended."""
    handle = os.pidfd_open(pid)
    wait = (handle, clock, asyncio.get_running_loop(), tell)
    threading.Thread(target=_wait, args=wait, name=f"end of {pid}", daemon=True).start()


def _wait(handle: int, clock: Clock, loop: asyncio.AbstractEventLoop, tell: Callable[[Stamp], None]) -> None:
    ask_for_short_turns()
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    poll.poll()
    stamp = clock.stamp()
    os.close(handle)
    # A loop that was closed meanwhile has nobody who wants to know.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(tell, stamp)
