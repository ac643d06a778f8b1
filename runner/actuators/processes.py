"""Finding and ending every process that came out of a child.

Linux only; reads /proc. A process belongs to a child when the child is its ancestor, when it is in the child's
session or process group, or when it carries the child's mark: an environment variable that everything started below
inherits. The mark finds those that called setsid twice and lost their parent.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection, Mapping

from runner.values import dataclass

#: Environment variable whose value names the child a process came from.
MARK = "GAMEDAY_CHILD"

_CHUNK = 1 << 17
#: How often to look again, at a fraction of a millisecond each, where something ended before it could be read.
_LOOKS = 60
_POLL = 0.005
_GONE = frozenset("ZX")
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class _Process:
    pid: int
    state: str
    parent: int
    group: int
    session: int
    started: int


def start_time(pid: int) -> int | None:
    """Clock ticks since boot at which `pid` started, None if there is no such process.

    With the boot id it tells a process from a later one that was given the same number.
    """
    process = _read(pid)
    return process.started if process else None


def alive(pid: int) -> bool:
    """True while `pid` can still act: a zombie cannot."""
    process = _read(pid)
    return process is not None and process.state not in _GONE


def descendants(pid: int, mark: str | None = None, spare: Collection[int] = (), since: int = 0) -> list[int]:
    """Every living process that came out of `pid`, without `pid` itself; also after `pid` is dead.

    After its death, ancestry is lost: then session, group and `mark` (the value of MARK that it was started with) find
    what is left. The processes in `spare` and all below them are left out. `since`, the clock tick at which `pid` started,
    saves looking for the mark in what is older.
    """
    return [process.pid for process in _family(pid, mark, spare, since) if process.pid != pid]


def fence(
    pid: int, grace: float = 1.0, mark: str | None = None, spare: Collection[int] = (), since: int = 0
) -> list[int]:
    """Kill `pid` and all that came out of it until none is left; the caller itself is never killed.

    Returns those that did not die within `grace` seconds (another user's, or stuck in the kernel); empty is good.
    Whoever started `pid` still has to reap it. `mark`, `spare` and `since` as for `descendants`.
    """
    deadline = time.monotonic() + grace
    while True:
        family = _freeze(_Kin(pid, mark, spare, since))
        for process in family:
            _send(process, signal.SIGKILL)
        left = [process.pid for process in family if _same(process)]
        if not family or (time.monotonic() >= deadline and left):
            return left
        time.sleep(_POLL)


def _freeze(kin: _Kin) -> list[_Process]:
    """Stop the whole family before anyone is killed: a process that runs could fork past a list already made."""
    frozen: dict[int, _Process] = {}
    looks = 0
    while looks < _LOOKS:
        fleeting = kin.look()
        found = [process for process in kin.members() if process.pid not in frozen]
        if not found and not fleeting:
            break
        # A family may have one that forks all the time, and slips from one look to the next.
        looks = 0 if found else looks + 1
        for process in found:
            _send(process, signal.SIGSTOP)
            frozen[process.pid] = process
    return list(frozen.values())


def _family(pid: int, mark: str | None = None, spare: Collection[int] = (), since: int = 0) -> list[_Process]:
    kin = _Kin(pid, mark, spare, since)
    kin.look()
    return kin.members()


class _Kin:
    """The family of a child, as far as it was read. Each process is read once: to look again is to read who is new."""

    def __init__(self, pid: int, mark: str | None, spare: Collection[int], since: int) -> None:
        self._pid = pid
        self._mark = f"{MARK}={mark}".encode() if mark else b""
        self._spare = set(spare)
        self._since = since
        self._read: dict[int, _Process] = {}
        self._marked: set[int] = set()

    def look(self) -> bool:
        """Read who is new; True when one of them had ended: it may have left a child unseen."""
        fleeting = False
        for number in _numbers():
            if number in self._read:
                continue
            process = _read(number)
            fleeting = fleeting or process is None or process.state in _GONE
            if process is None:
                continue
            self._read[number] = process
            if self._mark and process.started >= self._since and _carries(number, self._mark):
                self._marked.add(number)
        return fleeting

    def members(self) -> list[_Process]:
        table = {process.pid: process for process in self._read.values() if process.state not in _GONE}
        pid, own = self._pid, os.getpid()
        # A living `pid` without the mark is a stranger that was given the number of a child long gone.
        by_number = not (self._mark and pid in table and pid not in self._marked)
        # The caller's own session and group hold its elders and, in a shell's pipeline, strangers.
        named = {n for n, p in table.items() if by_number and pid != own and pid in (n, p.session, p.group)}
        roots = self._marked | named
        children: dict[int, list[int]] = {}
        for process in table.values():
            children.setdefault(process.parent, []).append(process.pid)
        out = {*self._spare, *_below(self._spare, children), own}
        found = _below(roots | ({pid} if by_number else set()), children) | roots
        return [table[number] for number in found - out if number in table]


def _below(roots: set[int], children: Mapping[int, list[int]]) -> set[int]:
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        fresh = [child for child in children.get(waiting.pop(), ()) if child not in found]
        found.update(fresh)
        waiting += fresh
    return found


def _carries(pid: int, wanted: bytes) -> bool:
    return wanted in _environment(pid)


def mark(pid: int) -> str:
    """The value of MARK that `pid` was started with; '' when it has none or cannot be looked into."""
    wanted = f"{MARK}=".encode()
    return next((each[len(wanted) :].decode() for each in _environment(pid) if each.startswith(wanted)), "")


def _environment(pid: int) -> list[bytes]:
    try:
        return _contents(f"/proc/{pid}/environ").split(b"\0")
    except OSError:
        return []


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that all of them can be found from here."""
    # Imported here: it costs more than all the rest, and most who look for processes do not ask for it.
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def has_children() -> bool:
    """Whether this process has any, dead ones included. Of a subreaper it is the question whether anybody is below."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def carriers(name: str, value: str) -> list[int]:
    """Every living process, but the caller, that was started with this environment variable."""
    wanted = f"{name}={value}".encode()
    own = os.getpid()
    living = (process for number in _numbers() if (process := _read(number)) and process.state not in _GONE)
    return [process.pid for process in living if process.pid != own and _carries(process.pid, wanted)]


def kill(pid: int, started: int) -> None:
    """End the process that began at `started` ticks since boot; a later one with its number is left alone."""
    process = _read(pid)
    if process is not None and process.started == started:
        _send(process, signal.SIGKILL)


def frozen(pid: int) -> bool:
    """True while `pid` is stopped: it lives and does nothing."""
    process = _read(pid)
    return process is not None and process.state == "T"


def thaw(pid: int) -> None:
    """Wake `pid` and all that came out of it, where somebody froze them."""
    for process in _family(pid):
        if process.state == "T":
            _send(process, signal.SIGCONT)


def _numbers() -> list[int]:
    # A Path for each process would cost more than reading it.
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]  # noqa: PTH208


def _read(pid: int) -> _Process | None:
    try:
        text = _contents(f"/proc/{pid}/stat")
    except OSError:
        return None
    # The command's name stands in brackets and may hold spaces and brackets itself.
    fields = text[text.rindex(b")") + 2 :].split()
    return _Process(
        pid=pid,
        state=fields[0].decode(),
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        started=int(fields[19]),
    )


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


def _same(process: _Process) -> bool:
    now = _read(process.pid)
    return now is not None and now.started == process.started and now.state not in _GONE


def _send(process: _Process, number: signal.Signals) -> None:
    """Signal exactly this process: the handle is opened first, then the number is checked to be still the same one's."""
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:
        return
    try:
        if _same(process):
            signal.pidfd_send_signal(handle, number)
    except OSError:
        return
    finally:
        os.close(handle)
