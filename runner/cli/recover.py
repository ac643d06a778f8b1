"""`gameday recover`."""

from __future__ import annotations

from pathlib import Path

import click

from runner.cli.completion import complete_left_open
from runner.cli.options import person
from runner.errors import ExitCode, GamedayError, InputError
from runner.host.run_registry import OpenRun, Registry
from runner.inert import inert, inert_lines
from runner.undo.recovery import accept, left_open, recover, why_left, write_acceptance


@click.command("recover")
@click.argument("run", metavar="[RUN]", required=False, shell_complete=complete_left_open)
@click.option(
    "--accept", "accepted", metavar="RUN", help="Close this run: its fault can never be undone.",
    shell_complete=complete_left_open,
)  # fmt: skip
@click.option("--why", default="", help="Why nothing waits for it any more; with --accept.")
@click.option("--name", help="Who you are; with --accept.  [default: your login name]")
def recover_command(run: str | None, accepted: str | None, why: str, name: str | None) -> int:
    """Undo what runs left open after everything of them was killed, or after a power cut.

    All of them, or the one named. May be repeated: what is undone stays undone.
    """
    registry = Registry()
    if accepted is not None:
        return _accept(accepted, registry, person(name), why.strip())
    chosen = _chosen(run, registry)
    damaged = [] if run else registry.damaged()
    for problem in damaged:
        click.echo(str(problem), err=True)
    if not chosen and not damaged:
        click.echo("nothing is left open")
    return max([*(_recover(each, registry) for each in chosen), int(ExitCode.BAD_INPUT if damaged else 0)])


def _recover(run: OpenRun, registry: Registry) -> int:
    """One that cannot be undone keeps no other waiting."""
    try:
        code = int(recover(run, registry, lambda lack: click.echo(inert(f"{run.run}: {lack}"), err=True)))
    except GamedayError as error:
        click.echo(inert_lines(str(error)), err=True)
        return int(ExitCode.LEFT_BEHIND)
    how = f"NOT undone; see it with: gameday show {run.run}" if code else "undone"
    click.echo(inert(f"{run.run}: {how}"))
    for why in why_left(Path(run.folder)) if code else ():
        click.echo(inert(f"{run.run}: {why}"), err=True)
    return code


def _accept(run: str, registry: Registry, person: str, why: str) -> int:
    if not why:
        raise InputError("--accept needs --why: what became of the fault, and why nobody has to undo it")
    if registry.discard_damaged(run):
        write_acceptance(OpenRun.unknown(run), person, why)
    else:
        [found] = _chosen(run, registry)
        accept(found, registry, person, why)
    click.echo(inert(f"{run}: accepted by {person}; nobody waits for its fault any more"))
    return 0


def _chosen(run: str | None, registry: Registry) -> list[OpenRun]:
    """Those that are left open, or the one that is meant. Raises InputError when none or several fit."""
    waiting = left_open(registry)
    if not run:
        return waiting
    fits = [each for each in waiting if each.run.startswith(run) or each.run.endswith(f"-{run}")]
    if not fits:
        names = ", ".join(each.run for each in waiting) or "nothing"
        raise InputError(f"{run!r} left nothing open; waiting: {names}")
    if len(fits) > 1 and run not in {each.run for each in fits}:
        raise InputError(f"{run!r} fits {len(fits)} runs: {', '.join(each.run for each in fits)}")
    return [each for each in fits if each.run == run] or fits


COMMANDS = {"recover": recover_command}
