"""Undoing what a run left open after everything of it was killed, or after a power cut; any number of times."""

from __future__ import annotations

import contextlib
from pathlib import Path

from runner.actuators.processes import alive, start_time
from runner.conductor.fencing import fence_strays
from runner.conductor.registry import OpenRun, Registry, boot_id
from runner.conductor.rescue import TRANSCRIPT, close, record_death
from runner.conductor.standby import UndoWorker
from runner.engine.events import ProcessStarted, RunStarted
from runner.engine.plan_json import plan_from_json
from runner.errors import ExitCode, InputError, Refused
from runner.guard.secrets import resolve_secrets
from runner.transcript.reader import read


def left_open(registry: Registry) -> list[OpenRun]:
    """Recorded runs that nobody tends any more, oldest first."""
    return [each for each in registry.open_runs() if not each.alive and not tended(Path(each.folder))]


def recover(run: OpenRun, registry: Registry) -> int:
    """Undo, verify, close the story; 0 when nothing is left of it, 6 when something is.

    Idempotent: what is undone already is not undone again. Raises Refused while a process of the run still tends it.
    """
    folder = Path(run.folder)
    if run.alive or tended(folder):
        raise Refused(f"run {run.run} is still going on; end it with: gameday abort {run.run} --why …")
    if not (folder / TRANSCRIPT).is_file():
        raise InputError(f"{folder}: the run's folder is gone, and with it what would undo it; undo it by hand")
    fenced = fence_strays(run.run)
    worker = UndoWorker.stand_by(folder)
    worker.go(_secrets(folder))
    record_death(folder, "every process of the run was killed, or the machine went down", fenced)
    code = worker.wait()
    close(folder)
    if code == ExitCode.PASSED:
        registry.forget(run.run)
        with contextlib.suppress(OSError):
            Path(run.socket).unlink(missing_ok=True)
        return ExitCode.PASSED
    return ExitCode.LEFT_BEHIND


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


def _secrets(folder: Path) -> dict[str, str]:
    """Read again from their sources, for they were never written down; those that lack are the rollback's to name."""
    first = next(iter(read(folder / TRANSCRIPT)), None)
    if first is None or not isinstance(first.event, RunStarted):
        return {}
    found: dict[str, str] = {}
    for name, source in plan_from_json(first.event.plan).secret_sources.items():
        with contextlib.suppress(InputError):
            found.update(resolve_secrets({name: source}, folder))
    return found
