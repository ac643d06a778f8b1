"""What several commands read from their options."""

from __future__ import annotations

import getpass
import os

import click


def pair(text: str) -> tuple[str, str]:
    """`load.users=10` → ("load.users", "10"). Raises click's usage error."""
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise click.BadParameter(f"{text!r}: write it as KEY=VALUE, such as load.users=10", param_hint="--set")
    return key, value


def login() -> str:
    """Who is at the terminal, as far as the system knows: a name, else the uid."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
