"""The load of a drill, and a first look at its locustfile."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Annotated

from pydantic import Field

from runner.errors import InputError, Problem
from runner.specs.duration import Duration
from runner.specs.fields import Model, Name, Number, PositiveCount, VariableName, Word
from runner.specs.files import read_bytes


class LoadSpec(Model):
    """Simulated users, by Locust, all through the run."""

    locustfile: Name = "locustfile.py"
    """Beside the drill's file."""
    host: Name | None = None
    """The base address of the users; the target's when left out."""
    users: PositiveCount = 1
    """How many users."""
    spawn_rate: Annotated[Number, Field(gt=0, le=100_000)] = 1.0
    """How many users start in a second."""
    processes: Annotated[PositiveCount, Field(le=256)] = 1
    """How many processes share the users."""
    warm_up: Duration = 10.0
    """How long the load runs before the first fault; the baseline is measured in it."""
    env: dict[VariableName, Word] = Field(default_factory=dict)
    """Environment variables for the locustfile."""
    tags: tuple[Name, ...] = ()
    """Only tasks with one of these tags."""
    user_classes: tuple[Name, ...] = ()
    """Only these classes of the locustfile."""


def check_locustfile(path: Path, shown: str) -> list[Problem]:
    """What is wrong with a locustfile, as far as it shows without running it; `shown` is its name in messages."""
    try:
        content = read_bytes(path, shown)
        tree = ast.parse(content, filename=shown)
    except InputError as error:
        return list(error.problems)
    except SyntaxError as error:
        what = f"is not Python: {error.msg}"
        return [Problem(file=shown, line=error.lineno or 1, column=max(error.offset or 1, 1), what=what)]
    except (ValueError, RecursionError, MemoryError) as error:
        return [Problem(file=shown, what=f"is not Python: {error or 'it nests too deep'}")]
    if _may_define_users(tree):
        return []
    meant = "define one, such as `class Shopper(HttpUser):`"
    return [Problem(file=shown, line=1, column=1, what="defines no User class", meant=meant)]


def _may_define_users(tree: ast.Module) -> bool:
    # Classes may also come from an import, be made in a branch, or by a call: only a file without any of it has none.
    imports_names = any(
        isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] not in ("locust", "__future__", "typing")
        for node in tree.body
    )
    return imports_names or any(isinstance(node, ast.ClassDef) and node.bases for node in ast.walk(tree))
