"""What is open on this machine: a record per unfinished run, a lock per target, where runs live.

Records live in `$XDG_STATE_HOME/gameday` (`~/.local/state/gameday`), apart from the run folders, so that any
`gameday` command can name what is open, wherever it is typed. A recorded pid means something only while boot id and
start time match.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path

from runner.actuators.processes import alive, start_time
from runner.errors import InputError, Problem, Refused
from runner.host.boot_id import boot_id
from runner.host.halt_file import refuse_halted
from runner.host.state_folder import Lock, remove_durably, state_dir, write_durably
from runner.lazy_dataclass import lazy_dataclass
from runner.transcript.run_folder import TRANSCRIPT


def keep_crash(text: str) -> Path:
    """Put the details of a failure of the tool where its one line can point to. Raises InputError or OSError."""
    kept = state_dir() / "crash.log"
    kept.write_text(text)
    return kept


def runs_dir(chosen: str | None, root: Path) -> Path:
    """Where run folders go: `--runs-dir`, else `$GAMEDAY_RUNS_DIR`, else `runs/` beside the drills."""
    return Path(chosen or os.environ.get("GAMEDAY_RUNS_DIR") or root / "runs").absolute()


@lazy_dataclass(frozen=True, kw_only=True)
class OpenRun:
    """A run that has not closed. `pid` is its guardian's; `person`, `host` and `since` (ISO) say who began it."""

    run: str
    folder: str
    target: str
    exclusive: bool
    pid: int
    start_time: int
    boot_id: str
    socket: str
    drill: str = ""
    person: str = ""
    host: str = ""
    since: str = ""

    @classmethod
    def unknown(cls, run: str) -> OpenRun:
        """A run of which nothing is known but its id."""
        return cls(run=run, folder="", target="", exclusive=False, pid=0, start_time=0, boot_id="", socket="")

    @property
    def alive(self) -> bool:
        """Whether its guardian still lives."""
        return self.boot_id == boot_id() and start_time(self.pid) == self.start_time and alive(self.pid)

    @property
    def holder(self) -> str:
        """`ana, guardian pid 4711 on stage-1, since 2026-11-20T17:40:00Z`."""
        where = f"guardian pid {self.pid}" + (f" on {self.host}" if self.host else "")
        since = f"since {self.since.partition('.')[0]}Z" if self.since else ""
        return ", ".join(part for part in (self.person, where, since) if part)


class Registry:
    """The open runs of this user on this machine."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or state_dir()
        self._open = self._folder / "open"
        self._open.mkdir(parents=True, exist_ok=True, mode=0o700)

    def open_runs(self) -> list[OpenRun]:
        """Every recorded run, oldest first; a damaged record is passed over: see `damaged`."""
        return [each for each in self._records() if isinstance(each, OpenRun)]

    def damaged(self) -> list[Problem]:
        """The records that cannot be read, each with its file and what to do."""
        return [each for each in self._records() if isinstance(each, Problem)]

    def record(self, run: OpenRun) -> None:
        """Note a run as open, on disk when it returns.

        Raises Refused while this machine is halted, and, naming the holder, when the run wants a target that is taken.
        """
        with self.locked():
            # Under the lock: a run is either seen by a halt, or sees it.
            refuse_halted()
            if run.exclusive:
                self._refuse_taken(run)
            try:
                write_durably(self._path(run.run), json.dumps(asdict(run)))
            except OSError as error:
                what = f"the run cannot be recorded there: {error.strerror}"
                cure = "set XDG_STATE_HOME to a folder with room"
                raise InputError(Problem(file=str(self._open), what=what, meant=cure)) from error

    def discard_damaged(self, run: str) -> bool:
        """Take away the record with this name if it cannot be read; whether there was one. Raises OSError."""
        path = self._path(run)
        if not any(problem.file == str(path) for problem in self.damaged()):
            return False
        remove_durably(path)
        return True

    def forget(self, run: str) -> None:
        """The run is closed and nothing of it is open. Raises OSError."""
        remove_durably(self._path(run))

    def holds(self, run: str) -> bool:
        """Whether there is a record of this run."""
        return self._path(run).exists()

    def locked(self, *, patience: float | None = None) -> Lock:
        """Keep every other process from recording a run meanwhile; see `Lock`."""
        return Lock(self._folder, patience=patience)

    def _refuse_taken(self, run: OpenRun) -> None:
        for other in self._records():
            if isinstance(other, Problem):
                raise Refused(f"{other}; until then nobody knows whose target is still taken")
            if other.target != run.target or not other.exclusive or other.run == run.run:
                continue
            if other.alive:
                raise Refused(
                    f"target {run.target} is taken by run {other.run} ({other.holder}); "
                    f"wait for it, or end it with: gameday abort {other.run} --why ..."
                )
            # Without a first line of its transcript it has done nothing.
            if not has_begun(Path(other.folder)):
                continue
            raise Refused(
                f"run {other.run} on target {run.target} ({other.holder}) did not close and may have left its fault; "
                f"undo it with: gameday recover {other.run}"
            )

    def _records(self) -> Iterator[OpenRun | Problem]:
        for path in sorted(self._open.glob("*.json")):
            try:
                yield _read_record(path.read_text())
            except FileNotFoundError:
                continue
            except (OSError, ValueError, TypeError, AttributeError) as error:
                yield _damaged(path, error)

    def _path(self, run: str) -> Path:
        return self._open / f"{run}.json"


def _read_record(text: str) -> OpenRun:
    """Raises ValueError, TypeError or AttributeError. What a later release adds is passed over."""
    known = {each.name for each in fields(OpenRun)}
    run = OpenRun(**{name: value for name, value in json.loads(text).items() if name in known})
    if not (isinstance(run.pid, int) and isinstance(run.start_time, int) and isinstance(run.folder, str)):
        raise TypeError("its values are of other kinds")
    return run


def _damaged(path: Path, error: Exception) -> Problem:
    why = error.strerror if isinstance(error, OSError) else "it cannot be read"
    cure = f"see what is left of that run, then: gameday recover --accept {path.stem} --why ..."
    return Problem(file=str(path), what=f"the record of an open run is damaged: {why}", meant=cure)


def has_begun(folder: Path) -> bool:
    """Whether the transcript of a run has a first line; before that nothing can have been done."""
    try:
        return (folder / TRANSCRIPT).stat().st_size > 0
    except OSError:
        return False


def find_run(runs: Path, wanted: str | None, *, extra: list[Path] | None = None) -> Path:
    """The folder of the run a user named: a unique prefix of its id, its last word, or nothing for the latest.

    Raises InputError when none or several fit.
    """
    folders = sorted({*_run_folders(runs), *(extra or [])}, key=lambda folder: folder.name)
    if not folders:
        raise InputError(f"no runs in {runs}; start one with: gameday run DRILL")
    if not wanted:
        return max(folders, key=_last_written)
    fits = [folder for folder in folders if folder.name.startswith(wanted) or folder.name.endswith(f"-{wanted}")]
    exact = [folder for folder in fits if folder.name == wanted]
    if len(exact or fits) == 1:
        return (exact or fits)[0]
    if not fits:
        raise InputError(f"no run begins with {wanted!r} in {runs}; gameday runs lists them")
    raise InputError(f"{wanted!r} fits {len(fits)} runs: " + ", ".join(folder.name for folder in fits[:5]))


def _last_written(folder: Path) -> int:
    """When its transcript grew last (ns); 0 for a folder without one."""
    try:
        return (folder / TRANSCRIPT).stat().st_mtime_ns
    except OSError:
        return 0


def run_folders(runs: Path) -> list[Path]:
    """Every run folder there, oldest first by name."""
    return sorted(_run_folders(runs), key=lambda folder: folder.name)


def _run_folders(runs: Path) -> list[Path]:
    if not runs.is_dir():
        return []
    return [path.parent for path in runs.glob("*/transcript.jsonl") if not re.match(r"\.", path.parent.name)]
