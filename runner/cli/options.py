"""What several commands read from their options."""

from __future__ import annotations

import getpass
import os

from runner.errors import InputError, Problem


def pair(text: str) -> tuple[str, str]:
    """`load.users=10` → ("load.users", "10"). Raises InputError."""
    key, _, value = text.partition("=")
    if not key or not value.strip():
        what = "has no value" if key else "names no field"
        meant = "write it as KEY=VALUE, such as load.users=10"
        raise InputError(Problem(file=f"--set {key or text}".rstrip(), what=what, meant=meant))
    return key, value


def login() -> str:
    """Who is at the terminal, as far as the system knows: a name, else the uid."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
