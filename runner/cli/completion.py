"""Shell completion of drills, experiments and runs: quick, and never an error."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def complete_drills(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Drill names here, and experiment files once something like a path is typed."""
    from click.shell_completion import CompletionItem

    from runner.specs.names import Names

    names = list(Names(_root()).of("drills"))
    if "/" in incomplete:
        names += [str(path) for pattern in ("*.yaml", "*.yml", "*.json") for path in Path("experiments").glob(pattern)]
    return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]


def complete_shipped(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names of the drills that come with Gameday, and the one for all of them."""
    from click.shell_completion import CompletionItem

    from runner.specs.shipped import ALL, shipped

    return [CompletionItem(name) for name in [*shipped().drills(), ALL] if name.startswith(incomplete)]


def complete_runbooks(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The names of the runbooks here."""
    from click.shell_completion import CompletionItem

    from runner.specs.names import Names

    names = Names(_root()).of("runbooks")
    return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]


def complete_runs(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Run ids, newest first."""
    from click.shell_completion import CompletionItem

    from runner.host.run_registry import run_folders, runs_dir

    names = [folder.name for folder in run_folders(runs_dir(None, _root()))]
    return [CompletionItem(name) for name in reversed(names) if incomplete in name]


def complete_running(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The runs that are going on, wherever their folders are."""
    return _recorded(incomplete, alive=True)


def complete_left_open(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The runs that are recorded as open and have nobody any more."""
    return _recorded(incomplete, alive=False)


def _recorded(incomplete: str, *, alive: bool) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from runner.errors import GamedayError
    from runner.host.run_registry import Registry

    try:
        runs = Registry().open_runs()
    except (GamedayError, OSError):
        return []
    return [CompletionItem(each.run) for each in reversed(runs) if each.alive is alive and incomplete in each.run]


def complete_commands(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The commands that a running drill takes."""
    from click.shell_completion import CompletionItem

    from runner.engine.command_lookup import BY_WORD

    return [CompletionItem(word) for word in sorted(BY_WORD) if word.startswith(incomplete)]


def complete_words(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The values that a command still lacks: each that is possible, or the key alone."""
    from click.shell_completion import CompletionItem

    from runner.engine.command_lookup import BY_WORD

    spec = BY_WORD.get(context.params.get("command") or "")
    takes = {each.name: each.typed for each in spec.parameters} if spec else {}
    words = _whole(context.params.get("words") or ())
    found: Iterable[str]
    if words and words[-1] in takes:
        found = takes[words[-1]]
    else:
        given = {word.partition("=")[0] for word in words}
        found = (f"{name}={value}" for name in takes if name not in given for value in takes[name] or ("",))
    return [CompletionItem(word) for word in found if word.startswith(incomplete)]


def _whole(words: Iterable[str]) -> list[str]:
    """The words as they were typed: bash takes them apart at `=`. Of the last one the value may be to come."""
    whole: list[str] = []
    for word in words:
        if whole and (word == "=" or whole[-1].endswith("=")):
            whole[-1] += word
        else:
            whole.append(word)
    return [*whole[:-1], whole[-1].removesuffix("=")] if whole else []


def _root() -> Path:
    """The folder that holds drills/, experiments/ or runbooks/, here or above; else this one."""
    from runner.specs.names import repository

    return repository(Path.cwd()) or Path.cwd()
