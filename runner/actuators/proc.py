"""What the kernel says of processes in /proc, and what it cannot say yet.

Linux only. A process that is being started has no environment for a moment: exec has taken its old memory away and not
yet laid out the new one. Read then it is empty, which says nothing about what it will hold.
"""

from __future__ import annotations

import os

from runner.lazy_dataclass import lazy_dataclass

#: States of a process that can no longer act.
GONE = frozenset("ZX")

_CHUNK = 1 << 17
_KERNEL_THREAD = 0x00200000
#: Seconds for which it is worth asking for an environment again. Within exec: until it gets the processor, on any machine.
_IN_EXEC = 3.0
#: Our own user's process that lets nobody look into it: for a moment during exec, or for good (`ssh-agent`).
_CLOSED = 0.1


@lazy_dataclass(frozen=True)
class ProcEntry:
    """One line of the process table. `started` counts clock ticks since boot."""

    pid: int
    state: str
    parent: int
    group: int
    session: int
    started: int

    @property
    def gone(self) -> bool:
        """Whether it can no longer act: a zombie cannot."""
        return self.state in GONE

    @property
    def stopped(self) -> bool:
        """Whether it lives and does nothing, stopped by a signal or by who traces it."""
        return self.state in "Tt"

    @property
    def key(self) -> tuple[int, int]:
        """What tells it from a later process with its number."""
        return self.pid, self.started


class NotYetKnown(Exception):
    """The environment cannot be read at this moment; asking again is worth it for `worth` seconds."""

    def __init__(self, worth: float) -> None:
        super().__init__()
        self.worth = worth


class Proc:
    """Reads /proc."""

    def numbers(self) -> list[int]:
        """The pids of all processes."""
        # A Path for each process would cost more than reading it.
        return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]  # noqa: PTH208

    def read(self, pid: int) -> ProcEntry | None:
        """The process, None when there is none."""
        fields = _stat(pid)
        if not fields:
            return None
        state, parent, group, session = fields[:4]
        return ProcEntry(
            pid=pid,
            state=state.decode(),
            parent=int(parent),
            group=int(group),
            session=int(session),
            started=int(fields[19]),
        )

    def environment(self, pid: int) -> list[bytes]:
        """`NAME=value` each; none for one that has no environment, is gone, or is another user's.

        Raises NotYetKnown while it cannot be read, which must not be taken for any of these.
        """
        found = _environ(pid)
        if found == b"":
            found = self._again(pid)
        return found.split(b"\0") if found else []

    def _again(self, pid: int) -> bytes | None:
        """It read empty: it is, where the kernel says before and behind a second look that it lies in the same place."""
        before = _bounds(pid)
        if before is None:
            return None
        found = _environ(pid)
        if found == b"" and (not before[1] or _bounds(pid) != before):
            raise NotYetKnown(_IN_EXEC)
        return found


def _environ(pid: int) -> bytes | None:
    """What can be read at this moment; None of another user's, which never can."""
    try:
        return _contents(f"/proc/{pid}/environ")
    except PermissionError:
        if _is_ours(pid):
            raise NotYetKnown(_CLOSED) from None
        return None
    except OSError:
        # Gone, or between two answers of the kernel about one that ends.
        return b""


def _stat(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat behind the command's name, which may hold spaces and brackets itself."""
    try:
        text = _contents(f"/proc/{pid}/stat")
    except OSError:
        return []
    return text[text.rindex(b")") + 2 :].split()


def _bounds(pid: int) -> tuple[int, int] | None:
    """Where its environment begins and ends in its memory, zeros while it has none; None where none will come."""
    fields = _stat(pid)
    if not fields or fields[0].decode() in GONE or int(fields[6]) & _KERNEL_THREAD:
        return None
    return int(fields[47]), int(fields[48])


def _is_ours(pid: int) -> bool:
    """Whether its user, real or effective, is this process's."""
    try:
        lines = _contents(f"/proc/{pid}/status").splitlines()
    except OSError:
        return False
    uids = next((line.split()[1:3] for line in lines if line.startswith(b"Uid:")), [])
    return str(os.getuid()).encode() in uids


def _contents(path: str) -> bytes:
    """All of a file of the kernel's; there are hundreds of them to read while a fault waits to be undone."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = b""
        while more := os.read(handle, _CHUNK):
            data += more
        return data
    finally:
        os.close(handle)
