"""The one lever: every run on this machine is stopped and undone, and none begins until somebody says so.

It works when everything hangs. A run is asked over its socket; what does not answer within a second is killed, from
the conductor up, and whoever is left above it undoes: the guardian, else `recover`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from runner.actuators.processes import Origin, alive, descendants, fence, frozen, kill, start_time, thaw
from runner.control.client import ask
from runner.engine import events as ev
from runner.errors import ExitCode, GamedayError, InputError
from runner.host.boot_id import boot_id
from runner.host.halt_file import HaltRecord, halted, lift_halt, write_halt
from runner.host.run_registry import OpenRun, Registry, has_begun
from runner.lazy_dataclass import lazy_dataclass
from runner.targets.registry import started_roles
from runner.transcript.reader import Follower
from runner.transcript.run_folder import TRANSCRIPT, UNDO_LOCK
from runner.transcript.writer import Entry
from runner.undo.finalize import open_transcript
from runner.undo.recovery import recover

#: Seconds a run gets to answer, and to be seen undoing after that; the same for a guardian whose conductor is dead.
_ANSWER, _BEGIN, _RESCUE = 1.0, 2.0, 3.0
#: Seconds for a lock that a frozen process may hold.
_PATIENCE = 1.0
_LOOK = 0.05


@lazy_dataclass(frozen=True, kw_only=True)
class Stopped:
    """One run that was stopped: `how` in words, `code` 0 when nothing of it is left, 6 when something is."""

    run: str
    how: str
    code: int


def halt(person: str, why: str) -> tuple[HaltRecord, Iterator[Stopped]]:
    """Block new runs, on disk when it returns; then stop each, as the iterator goes on.

    What cannot be written down is stopped all the same: then the iterator is the same, and `Halt.at` is ''.
    """
    registry = Registry()
    with registry.locked(patience=_PATIENCE):
        runs = registry.open_runs()
        try:
            record = write_halt(person, why, [run.folder for run in runs])
        except InputError:
            record = HaltRecord(person=person, why=why)
    return record, _stop_all(runs, HaltRecord(person=person, uid=os.getuid(), why=why), registry)


def resume(person: str, why: str) -> HaltRecord | None:
    """Let runs begin again, and say so in the transcript of each that the halt stopped; the halt, None when there was none."""
    with Registry().locked(patience=_PATIENCE):
        found = halted()
        if found is not None:
            lift_halt()
    for folder in found.runs if found else ():
        _tell(Path(folder), ev.HaltLifted(why=why, uid=os.getuid()), person)
    return found


def _stop_all(runs: list[OpenRun], record: HaltRecord, registry: Registry) -> Iterator[Stopped]:
    if not runs:
        return
    with ThreadPoolExecutor(len(runs)) as pool:
        yield from pool.map(lambda run: _Stop(run, record, registry).through(), runs)


class _Stop:
    """One run, from the word to the end of its undo."""

    def __init__(self, run: OpenRun, record: HaltRecord, registry: Registry) -> None:
        self._run = run
        self._record = record
        self._registry = registry
        self._guardian = Origin(run.pid, run.start_time)
        self._folder = Path(run.folder)
        self._story = Follower(self._folder / TRANSCRIPT)
        self._undo_begun = self._undo_over = False
        self._conductor: ev.ProcessStarted | None = None
        self._undoers: set[int] = set()
        self._targets: dict[int, int] = {}

    def through(self) -> Stopped:
        try:
            return self._through()
        except (GamedayError, OSError) as error:
            return Stopped(run=self._run.run, how=f"NOT undone: {error}", code=ExitCode.LEFT_BEHIND)

    def _through(self) -> Stopped:
        how = self._stop() if self._tended() else "had been left open, is undone"
        if self._registry.holds(self._run.run) and not self._tended():
            code = recover(self._run, self._registry) if has_begun(self._folder) else self._forget()
            return self._stopped(how, code)
        return self._stopped(how, ExitCode.PASSED)

    def _stop(self) -> str:
        """Ask, and kill what does not hear, from the conductor up; how it went, in words."""
        answered = self._answers()
        how = "undone" if answered else "did not answer, was killed and undone"
        if not answered:
            self._kill_conductor()
        begun = self._wait(_BEGIN if answered else _RESCUE)
        if not begun and answered:
            how = "hung, was killed and undone"
            self._kill_conductor()
            begun = self._wait(_RESCUE)
        if not begun:
            how = "hung as a whole, was killed and undone"
            self._kill_guardian()
        self._until_over()
        return how

    def _stopped(self, how: str, code: int) -> Stopped:
        if code:
            how = f"NOT undone; see it with: gameday show {self._run.run}"
        return Stopped(run=self._run.run, how=how, code=int(code))

    # -- asking --------------------------------------------------------------------------------------------------------

    def _answers(self) -> bool:
        """Whether it says that it ends, or is about to; a run that only begins has no ears yet."""
        word = {"command": "halt", "why": self._record.why, "by": self._record.person, "role": "facilitator"}
        end = time.monotonic() + _ANSWER
        while (left := end - time.monotonic()) > 0 and self._tended():
            with contextlib.suppress(InputError, ValueError):
                ask(Path(self._run.socket), word, timeout=left)
                return True
            time.sleep(_LOOK)
        return False

    # -- looking -------------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        for recorded in self._story.poll():
            match recorded.event:
                case ev.ProcessStarted(role="conductor") as conductor:
                    self._conductor = conductor
                case ev.ProcessStarted(role=role, pid=pid, start_time=started) if role in started_roles():
                    self._targets[pid] = started
                case ev.UndoStarted(pid=pid):
                    self._undoers.add(pid)
                    self._undo_begun = True
                case ev.UndoEnded() | ev.RunClosed():
                    self._undo_begun = self._undo_over = True

    def _undoing(self) -> bool:
        """Whether the undo was seen to begin, or there is none to do."""
        self._look()
        return self._undo_begun or self._gone()

    def _gone(self) -> bool:
        return not self._registry.holds(self._run.run)

    def _tended(self) -> bool:
        self._look()
        return self._run.alive or self._conducted()

    def _conducted(self) -> bool:
        known = self._conductor
        here = self._run.boot_id == boot_id()
        return here and known is not None and alive(known.pid) and start_time(known.pid) == known.start_time

    def _wait(self, seconds: float) -> bool:
        """Whether the undo began within so many seconds; a frozen guardian is woken meanwhile."""
        end = time.monotonic() + seconds
        while not (begun := self._undoing()) and self._tended() and time.monotonic() < end:
            self._wake()
            time.sleep(_LOOK)
        return begun

    def _until_over(self) -> None:
        """While somebody of the run still undoes; each rollback has its deadline."""
        while self._tended() and not self._gone() and not self._undo_over:
            self._wake()
            time.sleep(_LOOK)
        # The last lines, and the record: they follow at once, but for a debrief, in which people talk.
        end = time.monotonic() + _RESCUE
        while self._tended() and not self._gone() and time.monotonic() < end:
            self._wake()
            time.sleep(_LOOK)

    def _wake(self) -> None:
        if self._run.alive and frozen(self._run.pid):
            with contextlib.suppress(OSError):
                os.kill(self._run.pid, signal.SIGCONT)
        for pid in self._undoers:
            if frozen(pid) and _undoes(pid, self._folder):
                thaw(pid)

    # -- killing -------------------------------------------------------------------------------------------------------

    def _kill_conductor(self) -> None:
        """By its own number while its guardian lives, which fences the rest; else with all that came out of it."""
        self._look()
        if not self._run.alive:
            if self._conducted() and self._conductor is not None:
                fence(Origin(self._conductor.pid, self._conductor.start_time), spare=self._spared())
        elif self._conductor is not None:
            kill(self._conductor.pid, self._conductor.start_time)
        else:
            for pid in descendants(self._guardian):
                kill(pid, start_time(pid) or 0)
        _tell(self._folder, ev.Halted(why=self._record.why, uid=self._record.uid), self._record.person)

    def _kill_guardian(self) -> None:
        if self._run.alive:
            fence(self._guardian, spare=self._spared())

    def _spared(self) -> set[int]:
        """The target's processes and those that undo, as far as the numbers are still theirs."""
        targets = {pid for pid, started in self._targets.items() if start_time(pid) == started}
        return targets | {pid for pid in self._undoers if _undoes(pid, self._folder)}

    def _forget(self) -> int:
        """It never began, so there is nothing to undo."""
        self._registry.forget(self._run.run)
        return ExitCode.PASSED


def _undoes(pid: int, folder: Path) -> bool:
    """Whether this process holds the lock of the undo, and is not a later one with its number."""
    lock = str(folder / UNDO_LOCK)
    with contextlib.suppress(OSError):
        return any(str(entry.readlink()) == lock for entry in Path(f"/proc/{pid}/fd").iterdir())
    return False


def _tell(folder: Path, event: ev.Event, person: str) -> None:
    """Write it into the transcript, where there is one; a halt that cannot be written still stops the run."""
    with contextlib.suppress(GamedayError, OSError):
        writer = open_transcript(folder)
        writer.append(Entry(event=event, by=person))
        writer.close()
