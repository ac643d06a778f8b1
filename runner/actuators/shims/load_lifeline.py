"""The thread that ends a load process whose owner is gone or frozen.

A real thread of the operating system, started before Locust turns threads into greenlets: a greenlet would wait for
its turn behind the load it is there to stop. It touches nothing of Locust or gevent.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import time
from _thread import start_new_thread
from collections.abc import Callable
from contextlib import suppress
from select import POLLERR, POLLHUP, POLLIN, POLLOUT, poll
from typing import Any, NoReturn

from runner.actuators.lines import Lines
from runner.actuators.proc import Proc

#: Seconds without a word from the owner after which the load ends. Renewed five times a second.
LEASE = 2.0
#: The same while the owner is neither stopped nor dead: on a machine without a free processor it may not have had its turn.
PATIENCE = 6.0
#: Seconds between two looks at an owner that is late.
_LOOK = 0.1

_PR_SET_PDEATHSIG = 1

BEAT = b'{"do":"beat"}\n'


class Lifeline:
    """Reads the owner's orders from the socket `fd`, one JSON object a line, and calls `obey` (in its own thread).

    When the socket closes, or no order or beat comes for `LEASE` seconds (`PATIENCE` from an owner that only waits for a
    processor), the whole process group is killed: the load process, its workers and what they started. Beats are passed on to the sockets in `relay`, so the workers' leases
    hang on the owner and on this process at once. With `leased` false the lease begins with the first order: a spare
    waits as long as its owner lives.
    """

    def __init__(self, fd: int, obey: Callable[[dict[str, Any]], None], *, leased: bool) -> None:
        self.relay: list[int] = []
        self._fd = fd
        self._obey = obey
        self._owner = os.getppid()
        self._expires = time.monotonic() + LEASE if leased else None

    def start(self) -> None:
        real_thread(self._watch)

    def _watch(self) -> None:
        try:
            self._follow()
        except BaseException as error:  # whatever it is: without this thread nothing would end the load
            end_all(f"the load's lifeline failed ({error!r})")

    def _follow(self) -> None:
        poller = poll()
        poller.register(self._fd, POLLIN | POLLHUP | POLLERR)
        received = Lines()
        while True:
            if poller.poll(self._left()):
                chunk = self._read()
                if not chunk:
                    end_all("the owner of this load is gone")
                for line in received.take(chunk):
                    self._heard(line)
            # Judged only after reading: what is already there counts, however late this thread got its turn.
            elif self._expires is not None and self._too_late(late := time.monotonic() - self._expires):
                end_all(f"the owner of this load has not been heard of for {LEASE + late:.0f} s")

    def _left(self) -> float | None:
        """Milliseconds until the lease ends: to look earlier would cost the load its turn for nothing."""
        if self._expires is None:
            return None
        left = self._expires - time.monotonic()
        return (left if left > 0 else _LOOK) * 1000 + 1

    def _too_late(self, late: float) -> bool:
        """Whether an owner that is `late` seconds behind its lease is waited for no longer."""
        return late > PATIENCE - LEASE or (late > 0 and not self._owner_runs())

    def _owner_runs(self) -> bool:
        """Whether it could say something as soon as it gets a processor: neither dead nor stopped."""
        owner = Proc().read(self._owner)
        return owner is not None and not owner.gone and not owner.stopped

    def _read(self) -> bytes:
        try:
            return os.read(self._fd, 65536)
        except OSError:
            return b""

    def _heard(self, line: bytes) -> None:
        if not line.strip():
            return
        self._expires = time.monotonic() + LEASE
        order = json.loads(line)
        if order.get("do") == "beat":
            for fd in self.relay:
                _pass_on(fd)
        else:
            self._obey(order)


def real_thread(target: Callable[..., None], *args: object) -> None:
    """Start a thread of the operating system, even after Locust has replaced threads by greenlets."""
    start_new_thread(target, args)


def end_all(why: str) -> NoReturn:
    """Kill this process's group at once, itself included; no load is sent after it."""
    log = poll()
    log.register(2, POLLOUT)
    try:
        if log.poll(0):  # a full pipe must not hold up the end
            os.write(2, f"gameday: {why}; the load ends here\n".encode())
    finally:
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when `parent`, whose main thread forked it, ends.

    For a worker that is frozen when its master dies: it must not wake up and send one more request.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        end_all("the master of this worker is gone")


def _pass_on(fd: int) -> None:
    # A worker that ended, or does not read: its own lease is what ends it.
    with suppress(OSError):
        os.write(fd, BEAT)
