"""Where secrets come from: the environment, a file, or a command. They are read once, and kept in memory only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from runner.errors import InputError, Problem

_WITHIN = 15.0


def resolve_secrets(sources: Mapping[str, Mapping[str, str]], root: Path, *, file: str = "gameday") -> dict[str, str]:
    """name → value, from `RunPlan.secret_sources`; `file` is the one that wants them.

    Raises InputError naming every one that cannot be had, and never a value.
    """
    values: dict[str, str] = {}
    missing: list[Problem] = []
    for name, source in sources.items():
        value, why = _resolve(name, source, root)
        if why:
            cure = "set it, or say where it is declared whence it comes: {file: PATH} or {command: LINE}"
            missing.append(Problem(file=file, what=f"secret {name}: {why}", meant="" if source else cure))
        else:
            values[name] = value
    if missing:
        raise InputError(*missing)
    return values


def _resolve(name: str, source: Mapping[str, str], root: Path) -> tuple[str, str]:
    if file := source.get("file"):
        try:
            return (root / file).read_text().rstrip("\n"), ""
        except (OSError, UnicodeDecodeError) as error:
            return "", f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}"
    if command := source.get("command"):
        return _run(command, root)
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
