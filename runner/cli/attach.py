"""`gameday attach` and `gameday review`: the room on a run that goes on, and on one that is over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.completion import complete_runs
from runner.cli.options import login
from runner.cli.room import ROLES, enter, say_it_goes_on
from runner.errors import InputError

if TYPE_CHECKING:
    from runner.conductor.registry import OpenRun


@click.command()
@click.argument("run", metavar="[RUN]", required=False, shell_complete=complete_runs)
@click.option("--as", "role", type=click.Choice(ROLES), default="participant", help="What you are in this run.")
@click.option("--name", help="Who you are, for the transcript.  [default: your login name]")
def attach(run: str | None, role: str, name: str | None) -> int:
    """Join a run that is going on: by a unique prefix of its id, by its last word, or the latest."""
    found = _going_on(run)
    if not enter(Path(found.folder), Path(found.socket), name or login(), role):
        return say_it_goes_on(found.run)
    from runner.cli.runs import show_folder

    show_folder(Path(found.folder), as_json=False, story=False)
    return 0


def _going_on(run: str | None) -> OpenRun:
    from runner.conductor.registry import Registry

    alive = [each for each in Registry().open_runs() if each.alive]
    matching = [each for each in alive if run is None or each.run.startswith(run) or each.run.endswith(f"-{run}")]
    if not matching:
        raise InputError("no run is going on" if not alive else f"no run that is going on is called {run!r}")
    return max(matching, key=lambda each: each.run)


@click.command()
@click.argument("run", metavar="[RUN]", required=False, shell_complete=complete_runs)
@click.option("--runs-dir", metavar="DIR", help="Where run folders are.  [default: runs/ beside the drills]")
def review(run: str | None, runs_dir: str | None) -> int:
    """Look at a finished run in the room, at any moment of it; the transcript stays as it is."""
    from runner.cli.runs import run_folder
    from runner.views.reel import Reel
    from runner.views.tui.app import Review
    from runner.views.tui.door import Visitor

    folder = run_folder(run, runs_dir)
    Review(Reel(folder), folder, Visitor(name=login(), role="facilitator"), {}).run()
    return 0


COMMANDS = {"attach": attach, "review": review}
