"""No handler makes what acts outside by itself: it asks the run's ports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from runner.actuators.chaos import ChaosChild
from runner.actuators.command import StepCommand
from runner.conductor import handlers

#: Adapters that stand in one module with the values that handlers pass on; the others are forbidden by their module.
ADAPTERS = {ChaosChild.__name__, StepCommand.__name__}
FILES = sorted(Path(handlers.__path__[0]).glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_handler_names_no_adapter(file: Path) -> None:
    tree = ast.parse(file.read_text())
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    named |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    named |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert not named & ADAPTERS
