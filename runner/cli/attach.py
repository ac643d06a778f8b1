"""`gameday attach` and `gameday review`: the room on a run that goes on, and on one that is over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.completion import complete_runs
from runner.cli.options import person
from runner.cli.room import ROLES, enter, need_a_terminal, say_it_goes_on
from runner.errors import InputError

if TYPE_CHECKING:
    from runner.engine.commands import Role

_RUNS_DIR = click.option("--runs-dir", metavar="DIR", help="Where run folders are.  [default: runs/ beside the drills]")


@click.command()
@click.argument("run", metavar="[RUN]", required=False, shell_complete=complete_runs)
@click.option("--as", "role", type=click.Choice(ROLES), default="participant", help="What you are in this run.")
@click.option("--name", help="Who you are, for the transcript.  [default: your login name]")
@_RUNS_DIR
def attach(run: str | None, role: Role, name: str | None, runs_dir: str | None) -> int:
    """Join a run that is going on: by a unique prefix of its id, by its last word, or the latest."""
    need_a_terminal("gameday tell COMMAND, gameday show")
    folder, socket = _going_on(run, runs_dir)
    if not enter(folder, socket, person(name), role):
        return say_it_goes_on(folder)
    from runner.cli.runs import show_ended

    show_ended(folder)
    return 0


def _going_on(run: str | None, chosen: str | None) -> tuple[Path, Path]:
    """Folder and socket of a run of ours, or of one that another account opened to a group of ours."""
    from runner.cli.runs import project_root, socket_of
    from runner.control.socket_path import run_of
    from runner.host.run_registry import Registry, runs_dir

    socket = socket_of(run)
    own = next((each for each in Registry().open_runs() if each.socket == str(socket)), None)
    folder = Path(own.folder) if own is not None else run_of(socket, runs_dir(chosen, project_root()))
    if not folder.is_dir():
        raise InputError(f"the folder of run {socket.stem} is not in {folder.parent}; say where it is with --runs-dir")
    return folder, socket


@click.command()
@click.argument("run", metavar="[RUN]", required=False, shell_complete=complete_runs)
@_RUNS_DIR
@click.option("--beside", metavar="OTHER", help="Another run beside it, both from their impact on.")
@click.option("--name", help="Who you are, for your comments.  [default: your login name]")
def review(run: str | None, runs_dir: str | None, beside: str | None, name: str | None) -> int:
    """Look at a finished run in the room, at any moment of it; the transcript stays as it is.

    Comments go into a file beside it.
    """
    need_a_terminal("gameday show RUN, gameday show RUN --report")
    from runner.cli.runs import run_folder
    from runner.history.previous_run import last_times
    from runner.transcript.reader import read_run
    from runner.views.replay import Replay
    from runner.views.tui.app import Review
    from runner.views.tui.run_client import Visitor

    folder = run_folder(run, runs_dir)
    other = run_folder(beside, runs_dir) if beside else None
    for each in filter(None, (folder, other)):
        # A run that does not say which it was has nothing to show. Raises UnreadableTranscript.
        next(read_run(each))
    visitor = Visitor(name=person(name), role="facilitator")
    Review(Replay(folder), folder, visitor, last_times(folder), beside=Replay(other) if other else None).run()
    return 0


COMMANDS = {"attach": attach, "review": review}
