"""The room for the commands that open one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from runner.conductor.launch import Front, Started

#: What somebody may be in a run.
ROLES = ("participant", "facilitator", "observer")


def at_a_terminal() -> bool:
    """Whether there is somebody who could see a room and type into it."""
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


def is_drill(what: str) -> bool:
    """Whether there are people's steps in it: an experiment alone is told line by line, and over when it is over."""
    from runner.cli.runs import project_root

    named = project_root() / "drills" / what
    return named.is_dir() or Path(what).is_dir() or Path(what).name.startswith("drill.")


def enter(folder: Path, socket: Path, name: str, role: str) -> bool:
    """Be in the room until it is left; whether the run was over by then."""
    # Textual takes a fifth of a second to import: nothing else pays for it.
    from runner.views.tui.app import Room
    from runner.views.tui.door import Visitor

    return bool(Room(folder, socket, Visitor(name=name, role=role)).run())


def play_in_room(front: Front, started: Started, name: str, role: str) -> int:
    """The room of a run that this terminal has started. The run is left to itself: this room may be killed or closed."""
    front.detach()
    over = enter(started.folder, Path(started.socket), name, role)
    return conclude(front, started) if over else say_it_goes_on(started.run)


def conclude(front: Front, started: Started) -> int:
    """The run is over: its exit code, and its scorecard on the terminal that the room gives back."""
    from runner.cli.runs import show_folder

    code = front.wait()
    show_folder(started.folder, as_json=False, story=True)
    return code


def say_it_goes_on(run: str) -> int:
    click.echo(f"the run goes on; come back with: gameday attach {run.rpartition('-')[2]}", err=True)
    return 0
