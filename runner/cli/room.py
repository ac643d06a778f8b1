"""The room for the commands that open one."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.errors import InputError, TranscriptError

if TYPE_CHECKING:
    from runner.engine.commands import Role
    from runner.planning.request import Request
    from runner.supervision.launch import RunHandle, Started

#: What somebody may be in a run.
ROLES = ("participant", "facilitator", "observer")


def at_a_terminal() -> bool:
    """Whether there is somebody who could see a room and type into it."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    # A stream that was closed before we began is None.
    return all(stream is not None and stream.isatty() for stream in streams) and os.environ.get("TERM") != "dumb"


def need_a_terminal(instead: str) -> None:
    """Raises InputError where no room could be shown, with what shows the same without one."""
    if not at_a_terminal():
        raise InputError(f"a room needs a terminal; without one: {instead}")


def is_drill(what: str) -> bool:
    """Whether there are people's steps in it: an experiment alone is printed line by line, and over when it is over."""
    from runner.cli.runs import project_root

    named = project_root() / "drills" / what
    return named.is_dir() or Path(what).is_dir() or Path(what).name.startswith("drill.")


def pick(runs: str | None) -> tuple[str, str | None] | None:
    """What somebody chooses of what is here, and on which target when it does not say; None when nothing."""
    from runner.clock import utc_now
    from runner.host.run_registry import run_folders, runs_dir
    from runner.specs.catalogue import Catalogue
    from runner.views.tui.picker_app import Picker

    catalogue = Catalogue.around(Path.cwd(), "")
    picked = Picker.here(catalogue, run_folders(runs_dir(runs, catalogue.root)), utc_now()).run()
    return None if picked is None else (picked.what, picked.target)


def look_over(request: Request) -> Request | None:
    """The plan and the guard's verdict, before anything starts; what was looked at is what will run. None: not now."""
    from runner.guard.plan_remarks import plan_remarks
    from runner.guard.policies import judge_plan
    from runner.guard.refusal import Refusal, placed
    from runner.guard.secrets import lacking_secrets
    from runner.planning.compile import compile_named
    from runner.planning.run_plan import opened
    from runner.views.tui.preflight_app import Preflight

    catalogue = opened(request)
    plan = compile_named(
        catalogue, request.what, target=request.target, sets=dict(request.sets), attended=True, remarks=plan_remarks
    )
    lacking = lacking_secrets(plan, catalogue.root)

    def refusals(consent: str) -> tuple[Refusal, ...]:
        return placed((*lacking, *judge_plan(plan, attended=True, consent=consent)), catalogue.where)

    go = Preflight(plan, refusals, request.consent).run()
    return None if go is None else replace(request, consent=go.consent, plan_hash=request.plan_hash or go.plan_hash)


def enter(folder: Path, socket: Path, name: str, role: Role) -> bool:
    """Be in the room until it is left; whether the run was over by then."""
    # Textual takes a fifth of a second to import: nothing else pays for it.
    from runner.views.tui.app import Room
    from runner.views.tui.run_client import Visitor

    _step_back()
    return bool(Room(folder, socket, Visitor(name=name, role=role)).run())


def _step_back() -> None:
    """Where it is the system's to say: a room never takes a core from what its run does at that moment."""
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def play_in_room(handle: RunHandle, started: Started, name: str, role: Role) -> int:
    """The room of a run that this terminal has started. The run is left to itself: this room may be killed or closed."""
    handle.detach()
    over = enter(started.folder, Path(started.socket), name, role)
    return conclude(handle, started) if over else say_it_goes_on(started.folder)


def conclude(handle: RunHandle, started: Started) -> int:
    """The run is over: its exit code, and its scorecard on the terminal that the room gives back."""
    from runner.cli.runs import show_ended

    code = handle.wait()
    show_ended(started.folder)
    return code


def say_it_goes_on(folder: Path) -> int:
    click.echo(f"the run goes on; come back with: gameday attach {folder.name.rpartition('-')[2]}", err=True)
    if limit := _abandoned_after(folder):
        click.echo(f"it is aborted, with undo, when nobody is there for {limit}", err=True)
    return 0


def _abandoned_after(folder: Path) -> str:
    """As its transcript has it; '' when that cannot be read."""
    from runner.engine.events import RunStarted
    from runner.transcript.reader import read
    from runner.views.text import whole

    with suppress(TranscriptError):
        first = next(read(folder), None)
        seconds = first.event.plan.get("abandon_after") if first and isinstance(first.event, RunStarted) else None
        return whole(seconds) if isinstance(seconds, int | float) else ""
    return ""
