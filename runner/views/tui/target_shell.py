"""A shell beside the run, with the target's environment: for looking, and for what no step foresaw."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from runner.engine.state import State


def environment(state: State, folder: Path) -> dict[str, str]:
    """What the shell gets beside this terminal's own environment: as a step's command does, but for its secrets."""
    target = {"NAME": state.plan.target.name, "URL": state.target_url, **state.target_vars}
    named = {f"TARGET_{name.replace('.', '_').replace('-', '_').upper()}": value for name, value in target.items()}
    return {**{name: value for name, value in named.items() if value}, **_run(state, folder)}


def _run(state: State, folder: Path) -> Mapping[str, str]:
    return {"GAMEDAY_RUN": state.run, "GAMEDAY_RUN_FOLDER": str(folder)}


def open_shell(state: State, folder: Path) -> str:
    """The person's own shell, on the terminal that the room has let go of. '' when it could be started, else why not."""
    shell = os.environ.get("SHELL") or "/bin/sh"
    try:
        subprocess.run([shell], env={**os.environ, **environment(state, folder)}, check=False)
    except OSError as error:
        return f"{shell} cannot be started: {error.strerror}"
    return ""
