"""`gameday recover`."""

from __future__ import annotations

import click

from runner.cli.completion import complete_runs
from runner.conductor.recovery import left_open, recover
from runner.conductor.registry import Registry
from runner.errors import ExitCode, InputError


@click.command("recover")
@click.argument("run", metavar="[RUN]", required=False, shell_complete=complete_runs)
def recover_command(run: str | None) -> int:
    """Undo what runs left open after everything of them was killed, or after a power cut.

    All of them, or the one named. May be repeated: what is undone stays undone.
    """
    registry = Registry()
    waiting = left_open(registry)
    chosen = [each for each in waiting if not run or each.run.startswith(run) or each.run.endswith(f"-{run}")]
    if run and not chosen:
        names = ", ".join(each.run for each in waiting) or "nothing is left open"
        raise InputError(f"{run!r} left nothing open; waiting: {names}")
    if not chosen:
        click.echo("nothing is left open")
        return 0
    codes = []
    for each in chosen:
        codes.append(recover(each, registry))
        done = codes[-1] == ExitCode.PASSED
        click.echo(f"{each.run}: {'undone' if done else 'NOT undone; see it with: gameday show ' + each.run}")
    return int(max(codes))


COMMANDS = {"recover": recover_command}
