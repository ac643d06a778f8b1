"""What several commands read from their options."""

from __future__ import annotations

import getpass
import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from runner.errors import InputError, Problem
from runner.people import not_a_name

Command = TypeVar("Command", bound=Callable[..., Any])


def pair(text: str) -> tuple[str, str]:
    """`load.users=10` → ("load.users", "10"). Raises InputError."""
    key, _, value = text.partition("=")
    if not key or not value.strip():
        what = "has no value" if key else "names no field"
        meant = "write it as KEY=VALUE, such as load.users=10"
        raise InputError(Problem(file=f"--set {key or text}".rstrip(), what=what, meant=meant))
    return key, value


def pairs(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Every `--set`. Raises InputError, also for a field that is set twice: one of the two would be lost."""
    found = tuple(pair(text) for text in texts)
    for name, times in Counter(name for name, _ in found).items():
        if times > 1:
            raise InputError(Problem(file=f"--set {name}", what=f"is given {times} times", meant="say it once"))
    return found


def given_beside(command: Command) -> Command:
    """Adds the options that Chaos Toolkit's own command has for an experiment's values and its settings."""
    options = (
        click.option("--var", "variables", metavar="K[:TYPE]=V", multiple=True, help="A value of the configuration."),
        click.option(
            "--var-file", "variable_files", metavar="FILE", multiple=True, help="Values, as `chaos run` has them."
        ),
        click.option("--settings", metavar="FILE", help="Chaos Toolkit's.  [default: ~/.chaostoolkit/settings.yaml]"),
    )
    for option in reversed(options):
        command = option(command)
    return command


def absolute(path: str | None) -> str | None:
    """A path from here, for a process that may stand elsewhere."""
    return None if path is None else str(Path(path).expanduser().absolute())


def absolutes(paths: Iterable[str]) -> tuple[str, ...]:
    """Each as `absolute` has it."""
    return tuple(str(Path(path).expanduser().absolute()) for path in paths)


def person(name: str | None) -> str:
    """Who somebody says they are, else their login name. Raises InputError for what is no name of a person."""
    chosen = (name or "").strip() or login()
    if why := not_a_name(chosen):
        raise InputError(Problem(file="--name", what=why, meant="say who you are, such as --name ana"))
    return chosen


def login() -> str:
    """Who is at the terminal, as far as the system knows: a name, else the uid."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
