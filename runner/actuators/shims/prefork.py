"""The rollback's process that the chaos child leaves behind: forked of it once it has imported what both of them need.

An undo that had to import Chaos Toolkit first would begin a quarter of a second late. It is forked before the child
knows any experiment, so nothing of one is in it.
"""

from __future__ import annotations

import ctypes
import os
import sys

from runner.actuators.processes import MARK


def leave_preforked(wire: int, socket: int, printing: int, mark: str) -> int:
    """Fork it; its pid. The caller goes on without the descriptors that are its own, it without the caller's `wire`."""
    receiving, sending = os.pipe()
    between = os.fork()
    if not between:
        try:
            # Twice, so that it is nobody's child here: the chaos child is ended with all that came out of it.
            if preforked := os.fork():
                os.write(sending, str(preforked).encode())
            else:
                os.close(wire)
                os.close(receiving)
                os.close(sending)
                _become_rollback(socket, printing, mark)
        finally:
            os._exit(0)
    for descriptor in (socket, printing, sending):
        os.close(descriptor)
    with os.fdopen(receiving, "rb") as answer:
        pid = int(answer.read())
    os.waitpid(between, 0)
    return pid


def _become_rollback(socket: int, printing: int, mark: str) -> None:
    from runner.actuators.shims import rollback

    os.setsid()
    _mark(mark)
    for stream in (1, 2):
        os.dup2(printing, stream)
    os.close(printing)
    sys.argv[1:] = [str(socket)]
    rollback.main()
    sys.stdout.flush()
    sys.stderr.flush()


def _mark(mark: str) -> None:
    """Carry a mark of one's own: what the kernel shows of a process's environment is where it was put at its start."""
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    place = libc.getenv(MARK.encode())
    if place:
        ctypes.memmove(place, mark.encode(), len(mark))
    os.environ[MARK] = mark
