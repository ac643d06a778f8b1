"""Finding and ending every process that came out of a child.

Linux only; reads /proc. A process belongs to a child when the child is its ancestor, when it is in the child's
session or process group, or when it carries the child's mark: an environment variable that everything started below
inherits. The mark finds those that called setsid twice and lost their parent.

The child itself is known by pid and start time, never by its mark: whoever started it knows both at once, while its
environment cannot be read yet for a moment after exec. Of what it started an environment that cannot be read yet is
asked for again, for a bounded time; until then it is not known whose the process is.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection, Mapping

from runner.actuators.proc import NotYetKnown, Proc, ProcEntry
from runner.lazy_dataclass import lazy_dataclass

#: Environment variable whose value names the child a process came from.
MARK = "GAMEDAY_CHILD"

#: How often to look again, at a fraction of a millisecond each, where something ended before it could be read.
_LOOKS = 60
_POLL = 0.005
#: Seconds between two readings of an environment that cannot be read yet.
_AGAIN = 0.001
#: Seconds for which whoever asks for marks can be kept waiting: the guardian must not seem to hang.
_MARKS_WITHIN = 0.5
#: Seconds of doubt in all, where somebody new is in doubt at every look.
_DOUBT = 3.0
_PR_SET_CHILD_SUBREAPER = 36

_PROC = Proc()


@lazy_dataclass(frozen=True)
class Origin:
    """A process whose family is looked for: its pid, the clock tick at which it started, the value of MARK ('': none).

    With `started` 0 no living process is taken for it: it had ended before that could be read.
    """

    pid: int
    started: int
    mark: str = ""

    @classmethod
    def of(cls, pid: int, mark: str = "") -> Origin:
        """The process that has this number now. Its parent asks at once after the start; else it may be another."""
        return cls(pid, start_time(pid) or 0, mark)


_NOBODY = Origin(0, 0)


def start_time(pid: int) -> int | None:
    """Clock ticks since boot at which `pid` started, None if there is no such process.

    With the boot id it tells a process from a later one that was given the same number.
    """
    process = _PROC.read(pid)
    return process.started if process else None


def alive(pid: int) -> bool:
    """True while `pid` can still act: a zombie cannot."""
    process = _PROC.read(pid)
    return process is not None and not process.gone


def descendants(origin: Origin, spare: Collection[int] = (), proc: Proc = _PROC) -> list[int]:
    """Every living process that came out of `origin`, without itself; also after it is dead.

    After its death, ancestry is lost: then session, group and mark find what is left. The processes in `spare` and all
    below them are left out.
    """
    return [process.pid for process in _family(origin, spare, proc) if process.pid != origin.pid]


def fence(origin: Origin, grace: float = 1.0, spare: Collection[int] = ()) -> list[int]:
    """Kill `origin` and all that came out of it until none is left; the caller itself is never killed.

    Returns those that did not die within `grace` seconds (another user's, or stuck in the kernel); empty is good.
    Whoever started it still has to reap it. `spare` as for `descendants`.
    """
    deadline = time.monotonic() + grace
    marked = _Marked(_PROC, MARK, origin.mark)
    while True:
        family = _freeze(_Kin(origin, spare, marked, _PROC))
        for process in family:
            _send(process, signal.SIGKILL)
        left = [process.pid for process in family if _same(process)]
        if not family or (time.monotonic() >= deadline and left):
            return left
        time.sleep(_POLL)


def _freeze(kin: _Kin) -> list[ProcEntry]:
    """Stop the whole family before anyone is killed: a process that runs could fork past a list already made."""
    frozen: dict[int, ProcEntry] = {}
    looks = 0
    while looks < _LOOKS:
        fleeting = kin.look()
        found = [process for process in kin.members() if process.pid not in frozen]
        if not found and not fleeting:
            if not kin.in_doubt:
                break
            time.sleep(_AGAIN)
            continue
        # A family may have one that forks all the time, and slips from one look to the next.
        looks = 0 if found else looks + 1
        for process in found:
            _send(process, signal.SIGSTOP)
            frozen[process.pid] = process
    return list(frozen.values())


def _family(origin: Origin, spare: Collection[int], proc: Proc) -> list[ProcEntry]:
    kin = _Kin(origin, spare, _Marked(proc, MARK, origin.mark), proc)
    kin.settle()
    return kin.members()


class _Marked:
    """Who was started with an environment variable of this value; '' is carried by nobody.

    Where that cannot be read yet it is asked again with each `ask`, until it can be or is no longer worth it: a process
    that lets nobody look into it is known by its ancestors alone.
    """

    def __init__(self, proc: Proc, name: str, value: str) -> None:
        self._proc = proc
        self._wanted = f"{name}={value}".encode() if value else b""
        self._known: dict[tuple[int, int], bool] = {}
        self._until: dict[tuple[int, int], float] = {}

    def ask(self, process: ProcEntry) -> bool | None:
        """True or False; None when it is not known yet."""
        if not self._wanted:
            return False
        known = self._known.get(process.key)
        if known is None and (known := self._asked(process)) is not None:
            self._known[process.key] = known
        return known

    def _asked(self, process: ProcEntry) -> bool | None:
        try:
            return self._wanted in self._proc.environment(process.pid)
        except NotYetKnown as unknown:
            now = time.monotonic()
            until = self._until.setdefault(process.key, now + unknown.worth)
            return None if now < until else False


class _Kin:
    """The family of a child, as far as it was read. Each process is read once: to look again is to read who is new."""

    def __init__(self, origin: Origin, spare: Collection[int], marked: _Marked, proc: Proc) -> None:
        self._origin = origin
        self._spare = set(spare)
        self._carrying = marked
        self._proc = proc
        self._read: dict[int, ProcEntry] = {}
        self._marked: set[int] = set()
        self._unsure: list[ProcEntry] = []
        self._patient_until = time.monotonic() + _DOUBT

    @property
    def in_doubt(self) -> bool:
        """Whether of somebody it is not known yet whose it is; to look again is to ask again."""
        return bool(self._unsure) and time.monotonic() < self._patient_until

    def settle(self) -> None:
        """Look until nobody was missed and nobody is in doubt any more."""
        looks = 0
        while looks < _LOOKS and ((fleeting := self.look()) or self.in_doubt):
            looks += fleeting
            if not fleeting:
                time.sleep(_AGAIN)

    def look(self) -> bool:
        """Read who is new; True when one of them had ended: it may have left a child unseen."""
        fleeting = False
        doubtful, self._unsure = self._unsure, []
        for number in self._proc.numbers():
            if number in self._read:
                continue
            process = self._proc.read(number)
            fleeting = fleeting or process is None or process.gone
            if process is not None:
                self._read[number] = process
                doubtful.append(process)
        for process in doubtful:
            self._ask(process)
        return fleeting

    def _ask(self, process: ProcEntry) -> None:
        # What is older than the child did not come out of it.
        if process.gone or process.started < self._origin.started:
            return
        answer = self._carrying.ask(process)
        if answer is None:
            self._unsure.append(process)
        elif answer:
            self._marked.add(process.pid)

    def carriers(self) -> list[ProcEntry]:
        """Who carries the mark and lives, but the caller."""
        return [self._read[pid] for pid in sorted(self._marked) if pid != os.getpid()]

    def members(self) -> list[ProcEntry]:
        """The family, but the caller and the spared."""
        table = {process.pid: process for process in self._read.values() if not process.gone}
        roots = self._marked | self._named(table)
        children: dict[int, list[int]] = {}
        for process in table.values():
            children.setdefault(process.parent, []).append(process.pid)
        own = os.getpid()
        out = {*self._spare, *_below(self._spare, children), own}
        above = {self._origin.pid} if self._is_origin(table) else set()
        found = _below(roots | above, children) | roots
        return [table[number] for number in found - out if number in table]

    def _is_origin(self, table: Mapping[int, ProcEntry]) -> bool:
        """Whether nobody else has its number: it lives, or it is dead and the number is free."""
        process = table.get(self._origin.pid)
        return process is None or process.started == self._origin.started

    def _named(self, table: Mapping[int, ProcEntry]) -> set[int]:
        """Who has its number, as a process, session or group."""
        pid = self._origin.pid
        # The caller's own session and group hold its elders and, in a shell's pipeline, strangers.
        if pid == os.getpid() or not self._is_origin(table):
            return set()
        return {number for number, process in table.items() if pid in (number, process.session, process.group)}


def _below(roots: set[int], children: Mapping[int, list[int]]) -> set[int]:
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        fresh = [child for child in children.get(waiting.pop(), ()) if child not in found]
        found.update(fresh)
        waiting += fresh
    return found


def marks(pids: Collection[int], proc: Proc = _PROC) -> dict[int, str]:
    """The value of MARK that each was started with; '' when it has none, or that cannot be found out in bounded time."""
    found: dict[int, str] = {}
    unknown = dict.fromkeys(pids, 0.0)
    while unknown:
        for pid, until in list(unknown.items()):
            try:
                found[pid] = _value(MARK, proc.environment(pid))
                del unknown[pid]
            except NotYetKnown as answer:
                now = time.monotonic()
                unknown[pid] = until or now + min(answer.worth, _MARKS_WITHIN)
                if until and now >= until:
                    found[pid] = ""
                    del unknown[pid]
        if unknown:
            time.sleep(_AGAIN)
    return found


def _value(name: str, environment: list[bytes]) -> str:
    wanted = f"{name}=".encode()
    return next((each[len(wanted) :].decode(errors="replace") for each in environment if each.startswith(wanted)), "")


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


def carriers(name: str, value: str, proc: Proc = _PROC) -> list[ProcEntry]:
    """Every living process, but the caller, that was started with this environment variable."""
    kin = _Kin(_NOBODY, (), _Marked(proc, name, value), proc)
    kin.settle()
    return kin.carriers()


def kill(pid: int, started: int) -> None:
    """End the process that began at `started` ticks since boot; a later one with its number is left alone."""
    process = _PROC.read(pid)
    if process is not None and process.started == started:
        _send(process, signal.SIGKILL)


def session_members(session: int, proc: Proc = _PROC) -> list[int]:
    """The pids of a session's processes that can still act, in order."""
    found = map(proc.read, proc.numbers())
    return sorted(each.pid for each in found if each and each.session == session and not each.gone)


def frozen(pid: int) -> bool:
    """True while `pid` is stopped: it lives and does nothing."""
    process = _PROC.read(pid)
    return process is not None and process.state == "T"


def thaw(pid: int) -> None:
    """Wake `pid` and all that came out of it, where somebody froze them."""
    for process in _family(Origin.of(pid), (), _PROC):
        if process.state == "T":
            _send(process, signal.SIGCONT)


def _same(process: ProcEntry) -> bool:
    now = _PROC.read(process.pid)
    return now is not None and now.key == process.key and not now.gone


def _send(process: ProcEntry, number: signal.Signals) -> None:
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
