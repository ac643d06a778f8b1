"""Undoing what a run left open after everything of it was killed, or after a power cut; any number of times."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from runner.actuators.processes import alive, start_time
from runner.clock import iso, utc_now
from runner.engine.apply import apply
from runner.engine.events import FaultAccepted, FaultUndone, ProcessStarted, RunStarted, UndoFailed
from runner.engine.plan_json import plan_from_json
from runner.engine.state import State
from runner.errors import ExitCode, GamedayError, InputError, Refused
from runner.guard.secrets import resolve_secrets
from runner.host.boot_id import boot_id
from runner.host.run_registry import OpenRun, Registry
from runner.host.state_folder import append_durably, state_dir
from runner.transcript.reader import read
from runner.transcript.run_folder import TRANSCRIPT, UNDO_LOCK
from runner.transcript.writer import Entry
from runner.undo.fencing import fence_strays
from runner.undo.finalize import close, open_transcript, record_death, running_steps
from runner.undo.undo_process import UndoProcess


def left_open(registry: Registry) -> list[OpenRun]:
    """Recorded runs that nobody tends any more, oldest first."""
    return [each for each in registry.open_runs() if not each.alive and not tended(Path(each.folder))]


def recover(run: OpenRun, registry: Registry, tell: Callable[[str], None] = lambda _: None) -> int:
    """Undo, verify, close the transcript; 0 when nothing is left of it, 6 when something is. `tell` hears what is lacking here.

    Idempotent: what is undone already is not undone again. Raises Refused while a process of the run still tends it.
    """
    folder = Path(run.folder)
    if run.alive or tended(folder):
        raise Refused(f"run {run.run} is still going on; end it with: gameday abort {run.run} --why …")
    if not (folder / TRANSCRIPT).is_file():
        raise InputError(
            f"{folder}: the run's folder is gone, and with it what would undo it; bring it back where it was moved, then: "
            f"gameday recover; else undo it by hand, then: gameday recover --accept {run.run} --why ..."
        )
    fenced = fence_strays(run.run, running_steps(folder))
    worker = UndoProcess.stand_by(folder)
    worker.go(secrets_again(folder, tell))
    record_death(folder, "every process of the run was killed, or the machine went down", fenced)
    code = worker.wait()
    close(folder)
    if code == ExitCode.PASSED:
        registry.forget(run.run)
        with contextlib.suppress(OSError):
            Path(run.socket).unlink(missing_ok=True)
        return ExitCode.PASSED
    return ExitCode.LEFT_BEHIND


def why_left(folder: Path) -> tuple[str, ...]:
    """Why each experiment is not undone, as its run tells it; as far as that can be read."""
    whys: dict[str, str] = {}
    with contextlib.suppress(GamedayError, OSError):
        for recorded in read(folder / TRANSCRIPT):
            if isinstance(recorded.event, UndoFailed):
                whys[recorded.event.experiment] = recorded.event.why
            elif isinstance(recorded.event, FaultUndone):
                whys.pop(recorded.event.experiment, None)
    return tuple(f"{slug}: {why}" for slug, why in whys.items())


def accept(run: OpenRun, registry: Registry, person: str, why: str) -> None:
    """Close what can never be undone: a person answers for it, by name, in the transcript and in the state folder.

    Raises Refused while somebody tends the run or undoes it, InputError when it cannot be written down.
    """
    folder = Path(run.folder)
    if run.alive or tended(folder):
        raise Refused(f"run {run.run} is still going on; end it with: gameday abort {run.run} --why ...")
    with _nobody_undoes(run):
        left = _faults_in(folder)
        write_acceptance(run, person, why, left)
        _tell_acceptance(folder, person, why, left)
        registry.forget(run.run)
        with contextlib.suppress(OSError):
            Path(run.socket).unlink(missing_ok=True)


def write_acceptance(run: OpenRun, person: str, why: str, left: tuple[str, ...] = ()) -> None:
    """Note it where it stays when the run's folder is gone. Raises InputError."""
    path = state_dir() / "accepted.jsonl"
    said = {"at": iso(utc_now()), "person": person, "uid": os.getuid(), "why": why, "experiments": left}
    try:
        append_durably(path, json.dumps({**said, "run": run.run, "target": run.target, "folder": run.folder}))
    except OSError as error:
        raise InputError.of(error) from error


def _tell_acceptance(folder: Path, person: str, why: str, left: tuple[str, ...]) -> None:
    """The transcript may be damaged or gone: what counts is in the state folder already."""
    record_death(folder, "every process of the run was killed, or the machine went down", ())
    with contextlib.suppress(GamedayError, OSError):
        events = (recorded.event for recorded in read(folder / TRANSCRIPT))
        known = {event.experiment for event in events if isinstance(event, UndoFailed)}
        writer = open_transcript(folder)
        writer.append(
            *(Entry(event=UndoFailed(experiment=slug, why=why), by=person) for slug in left if slug not in known),
            Entry(event=FaultAccepted(experiments=left, why=why, uid=os.getuid()), by=person),
        )
        writer.close()
    close(folder)


def _faults_in(folder: Path) -> tuple[str, ...]:
    """The experiments that nobody has undone, as far as the transcript can be read."""
    state = State.empty()
    with contextlib.suppress(GamedayError, OSError):
        for recorded in read(folder / TRANSCRIPT):
            state = apply(state, recorded)
    return tuple(slug for slug, view in state.experiments.items() if view.fault_open)


@contextlib.contextmanager
def _nobody_undoes(run: OpenRun) -> Iterator[None]:
    path = Path(run.folder) / UNDO_LOCK
    if not path.exists():
        yield
        return
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused(f"run {run.run} is being undone at this moment; wait for it") from error
        yield


def tended(folder: Path) -> bool:
    """Whether the conductor outlived its guardian: then it undoes by itself."""
    with contextlib.suppress(Exception):
        for recorded in read(folder / TRANSCRIPT):
            event = recorded.event
            if isinstance(event, RunStarted) and event.boot_id != boot_id():
                return False
            if isinstance(event, ProcessStarted) and event.role == "conductor":
                return start_time(event.pid) == event.start_time and alive(event.pid)
    return False


def secrets_again(folder: Path, tell: Callable[[str], None]) -> dict[str, str]:
    """Read again from their sources, for they were never written down; the undo goes on without those that lack."""
    first = next(iter(read(folder / TRANSCRIPT)), None)
    if first is None or not isinstance(first.event, RunStarted):
        return {}
    found: dict[str, str] = {}
    for name, source in plan_from_json(first.event.plan).secret_sources.items():
        try:
            # A file of secrets is named from where the run worked.
            found.update(resolve_secrets({name: source}, Path(first.event.cwd or folder)))
        except InputError as error:
            tell(f"{error.problems[0].what}; what undoes has to do without it")
    return found
