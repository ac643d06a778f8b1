"""How soon this process gets the processor where every core is busy.

What a run records is stamped by processes that sleep until something happens. Since version 6.12 Linux lets a process say how
long it wants the processor at a time, and one that wants it for less gets it sooner; it gets no more of it.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

#: The system call has no function in the C library. Its number, by machine.
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
_ORDINARY = 0
#: What is started goes back to what everybody gets.
_RESET_ON_FORK = 1
#: The shortest that the kernel takes, in ns.
_TURN = 100_000


def ask_for_short_turns() -> None:
    """For this thread, from now on; not for what it starts. An older kernel says no, or nothing: then all is as it was.

    So it is for a process that somebody put above others: what it starts would not be above them any more.
    """
    number = _SCHED_SETATTR.get(platform.machine())
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    if number is None or nice < 0 or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return
    # struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period.
    attributes = struct.pack("=IIQiIQQQ", 48, _ORDINARY, _RESET_ON_FORK, nice, 0, _TURN, 0, 0)
    ctypes.CDLL(None).syscall(number, 0, attributes, 0)
