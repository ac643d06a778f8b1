"""Shell completion of drills, experiments and runs: quick, and never an error."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def complete_drills(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Drill names here, and experiment files once something like a path is typed."""
    from click.shell_completion import CompletionItem

    names = [path.parent.name for path in _root().glob("drills/*/drill.yaml")]
    if "/" in incomplete:
        names = [str(path) for pattern in ("*.yaml", "*.yml", "*.json") for path in Path("experiments").glob(pattern)]
    return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]


def complete_runs(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Run ids, newest first."""
    from click.shell_completion import CompletionItem

    from runner.conductor.registry import run_folders, runs_dir

    names = [folder.name for folder in run_folders(runs_dir(None, _root()))]
    return [CompletionItem(name) for name in reversed(names) if incomplete in name]


def _root() -> Path:
    """The folder that holds drills/, here or above."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "drills").is_dir()), here)
