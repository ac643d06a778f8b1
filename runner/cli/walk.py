"""`gameday walk`: a runbook alone, as a tabletop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.completion import complete_runbooks
from runner.cli.options import person
from runner.cli.room import ROLES, at_a_terminal
from runner.planning.request import Request

if TYPE_CHECKING:
    from runner.engine.commands import Role


@click.command()
@click.argument("runbook", metavar="RUNBOOK", shell_complete=complete_runbooks)
@click.option("--headless", is_flag=True, help="No room: print it line by line on stderr; answer with `gameday tell`.")
@click.option("--detach", is_flag=True, help="Start it and leave it to itself; rooms come with `gameday attach`.")
@click.option("--as", "role", type=click.Choice(ROLES), default=ROLES[0], help="What you are in the room.")
@click.option("--name", help="Who you are, for the transcript.  [default: your login name]")
@click.option("--runs-dir", metavar="DIR", help="Where run folders go.  [default: runs/ beside the drills]")
def walk(runbook: str, headless: bool, detach: bool, role: Role, name: str | None, runs_dir: str | None) -> int:
    """Walk through a runbook, by its name or its file, as a tabletop: no target, no fault, no load, nothing is run.

    People say of every step when it is done; its command is shown as a text. What is said is kept like a drill's, in a
    transcript, but counts in no success rate.
    """
    in_room = not (headless or detach) and at_a_terminal()
    request = Request(
        what=runbook,
        cwd=str(Path.cwd()),
        person=person(name),
        walk=True,
        headless=not in_room,
        detach=detach,
        attended=True,
        runs_dir=runs_dir,
    )
    from runner.cli.run import play

    return play(request, in_room=in_room, role=role)


COMMANDS = {"walk": walk}
