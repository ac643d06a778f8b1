"""What is open on this machine: a record per unfinished run, a lock per target, where sockets and runs live.

Records live in `$XDG_STATE_HOME/gameday` (`~/.local/state/gameday`), apart from the run folders, so that any
`gameday` command can name what is open, wherever it is typed. A recorded pid means something only while boot id and
start time match.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from runner.actuators.processes import start_time
from runner.errors import InputError, Problem, Refused
from runner.values import dataclass

_SOCKET_LIMIT = 107  # bytes in sockaddr_un.sun_path, less the terminating zero


def state_dir() -> Path:
    """Where this user's open runs are recorded; made on first use, 0700."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    folder = Path(base) / "gameday"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        what = f"open runs cannot be recorded there: {error.strerror}"
        raise InputError(
            Problem(file=str(folder), what=what, meant="set XDG_STATE_HOME to a folder you own")
        ) from error
    return folder


def keep_crash(text: str) -> Path:
    """Put the details of a failure of the tool where its one line can point to. Raises InputError or OSError."""
    kept = state_dir() / "crash.log"
    kept.write_text(text)
    return kept


def runs_dir(chosen: str | None, root: Path) -> Path:
    """Where run folders go: `--runs-dir`, else `$GAMEDAY_RUNS_DIR`, else `runs/` beside the drills."""
    return Path(chosen or os.environ.get("GAMEDAY_RUNS_DIR") or root / "runs").absolute()


def boot_id() -> str:
    """This boot's id; '' where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def new_run_id(slug: str, moment: datetime) -> str:
    """`20261120-174003-payment-gateway-outage-7f3a`: sorts by time; the last word alone names it too."""
    return f"{moment:%Y%m%d-%H%M%S}-{slug}-{secrets.token_hex(2)}"


def socket_path(run: str) -> Path:
    """A short path for the run's socket: sun_path holds 107 bytes, run folders are often deeper."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    for base in (runtime, f"/tmp/gameday-{os.getuid()}"):  # noqa: S108 - made 0700 and checked to be ours below
        if not base or len(f"{base}/gameday/{run}.sock".encode()) > _SOCKET_LIMIT:
            continue
        folder = Path(base) / "gameday"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if folder.stat().st_uid == os.getuid():
                return folder / f"{run}.sock"
        except OSError:
            continue
    raise InputError(
        f"no folder for the run's socket: XDG_RUNTIME_DIR and /tmp/gameday-{os.getuid()} cannot be used; "
        "set XDG_RUNTIME_DIR to a short path you own"
    )


@dataclass(frozen=True, kw_only=True)
class OpenRun:
    """A run that has not closed. `pid` is its guardian's."""

    run: str
    folder: str
    target: str
    exclusive: bool
    pid: int
    start_time: int
    boot_id: str
    socket: str
    drill: str = ""

    @property
    def alive(self) -> bool:
        """Whether its guardian still lives."""
        return self.boot_id == boot_id() and start_time(self.pid) == self.start_time


class Registry:
    """The open runs of this user on this machine."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or state_dir()
        self._open = self._folder / "open"
        self._open.mkdir(parents=True, exist_ok=True, mode=0o700)

    def open_runs(self) -> list[OpenRun]:
        """Every recorded run, oldest first; a damaged record is passed over."""
        return list(self._records())

    def record(self, run: OpenRun) -> None:
        """Note a run as open. Raises Refused, naming the holder, when it wants a target that is taken."""
        with self._locked():
            if run.exclusive:
                self._refuse_taken(run)
            path = self._path(run.run)
            draft = path.with_suffix(".new")
            try:
                draft.write_text(json.dumps(asdict(run)))
                draft.chmod(0o600)
                draft.replace(path)
            except OSError as error:
                draft.unlink(missing_ok=True)
                what = f"the run cannot be recorded there: {error.strerror}"
                cure = "set XDG_STATE_HOME to a folder with room"
                raise InputError(Problem(file=str(self._open), what=what, meant=cure)) from error

    def forget(self, run: str) -> None:
        """The run is closed and nothing of it is open."""
        self._path(run).unlink(missing_ok=True)

    def _refuse_taken(self, run: OpenRun) -> None:
        for other in self._records():
            if other.target != run.target or not other.exclusive or other.run == run.run:
                continue
            if other.alive:
                raise Refused(
                    f"target {run.target} is taken by run {other.run} (guardian pid {other.pid}); "
                    f"wait for it, or end it with: gameday abort {other.run} --why ..."
                )
            # Without a first line of its story it has done nothing.
            if not has_begun(Path(other.folder)):
                continue
            raise Refused(
                f"run {other.run} on target {run.target} did not close and may have left its fault; "
                f"undo it with: gameday recover {other.run}"
            )

    def _records(self) -> Iterator[OpenRun]:
        for path in sorted(self._open.glob("*.json")):
            try:
                yield OpenRun(**json.loads(path.read_text()))
            except (OSError, ValueError, TypeError):
                continue

    def _path(self, run: str) -> Path:
        return self._open / f"{run}.json"

    def _locked(self) -> _Lock:
        return _Lock(self._folder / "lock")


def has_begun(folder: Path) -> bool:
    """Whether the story of a run has a first line; before that nothing can have been done."""
    try:
        return (folder / "transcript.jsonl").stat().st_size > 0
    except OSError:
        return False


class _Lock:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._file = self._path.open("a")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


def target_key(name: str, kind: str, addresses: Mapping[str, str]) -> str:
    """What makes two targets the same one: kind and addresses, whatever they are called."""
    if not addresses:
        return f"{kind}:{name}" if kind != "local" else kind
    digest = hashlib.sha256(json.dumps(sorted(addresses.items())).encode()).hexdigest()[:12]
    return f"{kind}:{digest}"


def find_run(runs: Path, wanted: str | None, *, extra: list[Path] | None = None) -> Path:
    """The folder of the run a user named: a unique prefix of its id, its last word, or nothing for the latest.

    Raises InputError when none or several fit.
    """
    folders = sorted({*_run_folders(runs), *(extra or [])}, key=lambda folder: folder.name)
    if not folders:
        raise InputError(f"no runs in {runs}; start one with: gameday run DRILL")
    if not wanted:
        return max(folders, key=lambda folder: (folder / "transcript.jsonl").stat().st_mtime_ns)
    fits = [folder for folder in folders if folder.name.startswith(wanted) or folder.name.endswith(f"-{wanted}")]
    exact = [folder for folder in fits if folder.name == wanted]
    if len(exact or fits) == 1:
        return (exact or fits)[0]
    if not fits:
        raise InputError(f"no run begins with {wanted!r} in {runs}; gameday runs lists them")
    raise InputError(f"{wanted!r} fits {len(fits)} runs: " + ", ".join(folder.name for folder in fits[:5]))


def run_folders(runs: Path) -> list[Path]:
    """Every run folder there, oldest first by name."""
    return sorted(_run_folders(runs), key=lambda folder: folder.name)


def _run_folders(runs: Path) -> list[Path]:
    if not runs.is_dir():
        return []
    return [path.parent for path in runs.glob("*/transcript.jsonl") if not re.match(r"\.", path.parent.name)]
