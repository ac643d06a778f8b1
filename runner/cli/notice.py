"""The line on stderr that no command forgets: what runs left open on this machine. Costs a look into a folder."""

from __future__ import annotations

import os

from runner.host.state_folder import state_path

#: They tell it themselves.
_TOLD = frozenset({"recover", "halt"})
_NAMED = 3


def left_open_line(command: str | None) -> str:
    """What is left open, and the cure, in one line; '' when nothing is, or `command` tells it anyway."""
    if command in _TOLD or not _recorded():
        return ""
    from runner.host.run_registry import Registry

    registry = Registry()
    dead = [run for run in registry.open_runs() if not run.alive]
    if dead:
        from runner.undo.recovery import left_open

        dead = left_open(registry)
    names = ", ".join(f"{run.run} (target {run.target})" for run in dead[:_NAMED])
    more = f" and {len(dead) - _NAMED} more" if len(dead) > _NAMED else ""
    damaged = [str(problem) for problem in registry.damaged()[:1]]
    return "; ".join([*([f"left open: {names}{more}; undo with: gameday recover"] if dead else []), *damaged])


def _recorded() -> bool:
    try:
        with os.scandir(state_path() / "open") as entries:
            return next(entries, None) is not None
    except OSError:
        return False
