"""`gameday halt` and `gameday resume`."""

from __future__ import annotations

import click

from runner.cli.options import person
from runner.inert import inert

_NAME = click.option("--name", help="Who you are.  [default: your login name]")


@click.command("halt")
@click.option("--why", default="", help="Why, in words.")
@_NAME
def halt_command(why: str, name: str | None) -> int:
    """Stop every run on this machine, undo its faults, and let none begin until `gameday resume`.

    It works when rooms and runs hang: what does not answer within a second is killed, and undone all the same.
    """
    from runner.errors import ExitCode
    from runner.supervision.halt import halt

    record, stopped = halt(person(name), why or "no reason given")
    if record.at:
        click.echo(inert(f"halted by {record}"))
    codes = [ExitCode.PASSED if record.at else ExitCode.BROKEN]
    for each in stopped:
        click.echo(inert(f"{each.run}: {each.how}"))
        codes.append(ExitCode(each.code))
    if not record.at:
        click.echo("the halt could not be written down: runs may begin again; make room, and halt again", err=True)
    return int(max(codes))


@click.command("resume")
@click.option("--why", required=True, help="Why it is safe again, in words.")
@_NAME
def resume_command(why: str, name: str | None) -> int:
    """Lift a halt: runs may begin again."""
    from runner.supervision.halt import resume

    found = resume(person(name), why)
    click.echo("nothing was halted" if found is None else inert(f"runs may begin again; it was halted by {found}"))
    return 0


COMMANDS = {"halt": halt_command, "resume": resume_command}
