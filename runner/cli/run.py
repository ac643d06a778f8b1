"""`gameday run`."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.completion import complete_drills
from runner.cli.options import absolute, absolutes, given_beside, pairs, person
from runner.cli.room import ROLES, at_a_terminal, is_drill, look_over, pick, play_in_room
from runner.errors import InputError
from runner.inert import inert
from runner.planning.request import Request
from runner.supervision.launch import NotStarted, RunHandle, Started, launch

if TYPE_CHECKING:
    from runner.engine.commands import Role
    from runner.supervision.orphaned_conductor import Survivor
    from runner.transcript.reader import Follower
    from runner.views.printer import Printer

#: Seconds between two looks at the transcript.
_LOOK = 0.1


@click.command()
@click.argument("what", metavar="[DRILL|EXPERIMENT]", required=False, shell_complete=complete_drills)
@click.option(
    "--headless",
    is_flag=True,
    help="Print the run line by line on stderr instead of opening the room; so it is where there is no terminal.",
)
@click.option("--detach", is_flag=True, help="Start it and leave it to itself.")
@click.option("--json", "as_json", is_flag=True, help="The scorecard as JSON on stdout at the end.")
@click.option("--operator", metavar="FILE", help="Scripted answers for the steps.")
@click.option("--attended", is_flag=True, help="People answer (with `gameday tell`); steps wait for them.")
@click.option("--yes", is_flag=True, help="Begin at once: no screen with the plan and the guard's verdict first.")
@click.option("--as", "role", type=click.Choice(ROLES), default=ROLES[0], help="What you are in the room.")
@click.option("--name", help="Who you are, for the transcript.  [default: your login name]")
@click.option("--target", metavar="NAME", help="Another target than the drill's.")
@click.option("--set", "sets", metavar="K=V", multiple=True, help="Change a field of the drill, such as load.users=10.")
@given_beside
@click.option("--runs-dir", metavar="DIR", help="Where run folders go.  [default: runs/ beside the drills]")
@click.option("--plan", "plan_hash", metavar="HASH", help="Refuse unless the plan is still the one with this hash.")
@click.option("--consent", metavar="TARGET", default="", help="The target's name, typed, for a production target.")
def run(
    what: str | None,
    headless: bool,
    detach: bool,
    as_json: bool,
    operator: str | None,
    attended: bool,
    yes: bool,
    role: Role,
    name: str | None,
    target: str | None,
    sets: tuple[str, ...],
    variables: tuple[str, ...],
    variable_files: tuple[str, ...],
    settings: str | None,
    runs_dir: str | None,
    plan_hash: str | None,
    consent: str,
) -> int:
    """Run a drill, by its name, or an experiment, by its file; with undo, whatever happens.

    Without people each step takes its `unattended` way. The exit code says how it ended.
    """
    could_show = not (headless or detach or as_json or operator) and at_a_terminal()
    if what is None:
        picked = pick(runs_dir) if could_show else None
        if picked is None:
            return _nothing_named(could_show)
        what, target = picked[0], target or picked[1]
    in_room = could_show and is_drill(what)
    request = Request(
        what=what,
        cwd=str(Path.cwd()),
        person=person(name),
        headless=not in_room,
        detach=detach,
        attended=attended or in_room,
        operator=str(Path(operator).absolute()) if operator else None,
        target=target,
        sets=pairs(sets),
        variables=variables,
        variable_files=absolutes(variable_files),
        settings=absolute(settings),
        runs_dir=runs_dir,
        plan_hash=plan_hash,
        consent=consent,
    )
    if in_room and not yes:
        looked_over = look_over(request)
        if looked_over is None:
            return 0
        request = looked_over
    return play(request, in_room=in_room, role=role, as_json=as_json)


def play(request: Request, *, in_room: bool, role: Role, as_json: bool = False) -> int:
    """Launch it, and be there until its end, in a room or line by line; its exit code."""
    handle = launch(request)
    if not in_room:
        handle.forward_signals()
    outcome = handle.outcome()
    gc.enable()
    if isinstance(outcome, NotStarted):
        for line in outcome.lines:
            click.echo(inert(line), err=True)
        handle.wait()
        return outcome.exit_code
    if request.detach:
        handle.detach()
        click.echo(outcome.run)
        return 0
    if in_room:
        return play_in_room(handle, outcome, request.person, role)
    return _follow(handle, outcome, as_json)


def _nothing_named(asked: bool) -> int:
    """Somebody who was asked and chose nothing has done nothing wrong."""
    if asked:
        return 0
    raise InputError("name a drill or an experiment; see them with: gameday list")


def _follow(handle: RunHandle, started: Started, as_json: bool) -> int:
    from runner.supervision.orphaned_conductor import Survivor, last_line
    from runner.transcript.reader import Follower
    from runner.transcript.run_folder import CONDUCTOR_LOG, TRANSCRIPT
    from runner.views.printer import Printer

    # While the run goes on: at its end somebody waits for the scorecard.
    for module in ("runner.cli.runs", "runner.scoring.score", "runner.views.scorecard_text"):
        import_module(module)
    follower = Follower(started.folder / TRANSCRIPT)
    printer = Printer(sys.stderr)
    survivor = Survivor()
    parent = os.getppid()
    while True:
        # Printed before it is asked: whether a conductor goes on alone is known from the transcript.
        over = handle.ended()
        _tell(follower, printer, survivor)
        if over and not (handle.killed and survivor.goes_on()):
            break
        if os.getppid() != parent:
            # A headless run belongs to who started it.
            parent = os.getppid()
            handle.abort("the process that started the run went away")
        if survivor.waits_in_vain(handle.guardian):
            handle.give_up()
        handle.pause(_LOOK)
    _tell(follower, printer, survivor)
    code = survivor.exit_code if handle.killed else handle.wait()
    if not started.folder.exists():
        for line in handle.last_word():
            click.echo(inert(line), err=True)
        return code
    # Whoever read the lines may be gone (`gameday run … 2>&1 | head`); the exit code is the run's all the same.
    with contextlib.suppress(OSError):
        _show(started.folder, as_json)
        if not survivor.closed:
            why = last_line(started.folder / CONDUCTOR_LOG)
            click.echo(inert(f"this run has no end on record: {why or 'its processes were killed'}"), err=True)
    return code


def _tell(follower: Follower, printer: Printer, survivor: Survivor) -> None:
    for recorded in follower.poll():
        printer.take(recorded)
        survivor.take(recorded)


def _show(folder: Path, as_json: bool) -> None:
    from runner.cli.runs import show_ended

    show_ended(folder, as_json=as_json)


COMMANDS = {"run": run}
