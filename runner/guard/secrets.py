"""Where secrets come from: the environment, a file, or a command. They are read once, and kept in memory only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from runner.errors import InputError
from runner.specs.target import SecretSource

_WITHIN = 15.0


def resolve_secrets(sources: Mapping[str, SecretSource], root: Path) -> dict[str, str]:
    """name → value. Raises InputError naming every one that cannot be had, and never a value."""
    values: dict[str, str] = {}
    missing: list[str] = []
    for name, source in sources.items():
        value, why = _resolve(name, source, root)
        if why:
            missing.append(f"secret {name}: {why}")
        else:
            values[name] = value
    if missing:
        raise InputError(*missing)
    return values


def _resolve(name: str, source: SecretSource, root: Path) -> tuple[str, str]:
    if source.file is not None:
        try:
            return (root / source.file).read_text().rstrip("\n"), ""
        except (OSError, UnicodeDecodeError) as error:
            return "", f"{source.file} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}"
    if source.command is not None:
        return _run(source.command, root)
    value = os.environ.get(name)
    return (value, "") if value else ("", f"the environment variable {name} is not set")


def _run(command: str, root: Path) -> tuple[str, str]:
    try:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_WITHIN,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "", f"its command did not answer within {_WITHIN:g} s"
    if done.returncode:
        # Its output could hold half a secret; the exit code cannot.
        return "", f"its command ended with exit code {done.returncode}"
    return done.stdout.decode(errors="replace").rstrip("\n"), ""
