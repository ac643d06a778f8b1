"""`gameday init`: the files to begin with."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from runner.cli.completion import complete_shipped
from runner.errors import InputError


@click.command()
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--with",
    "names",
    metavar="DRILL",
    multiple=True,
    shell_complete=complete_shipped,
    help="Also a drill that comes with Gameday, with its runbook and experiments; `all` for every one.",
)
def init(directory: Path, names: tuple[str, ...]) -> int:
    """Lay out drills/, experiments/ and runbooks/ in DIR, with one small example that runs at once.

    Where there are drills already, --with adds to them, without the example. Never overwrites a file.
    """
    from runner.specs.catalogue import Catalogue
    from runner.specs.shipped import drill_files, example_files, in_the_way

    chosen = drill_files(names)
    example = {} if names and Catalogue(directory).drills() else example_files()
    wanted = {directory / path: source for path, source in (example | chosen).items()}
    if taken := in_the_way(wanted):
        raise InputError(f"nothing was written: {', '.join(map(str, taken))} would be overwritten")
    for path, source in wanted.items():
        click.echo(f"  {path}{'' if _written(path, source) else '  (is there already)'}")
    where = "" if directory == Path() else f"cd {_typed(directory)} && "
    first = next((path.parts[1] for path in (chosen or example) if path.name == "drill.yaml"), "")
    click.echo(f"\nNow: {where}gameday run {first}")
    return 0


def _typed(directory: Path) -> str:
    """As it can be typed in a shell, whatever its name."""
    return shlex.quote(f"./{directory}" if str(directory).startswith("-") else str(directory))


def _written(path: Path, source: Path) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as file:
            file.write(source.read_bytes())
    except FileExistsError:
        return False
    return True


COMMANDS = {"init": init}
