"""What kind of file one is, by what stands in it, and how each kind is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from runner.specs.diagnostics import Diagnostics
from runner.specs.experiment import read_experiment
from runner.specs.operator_script import Script
from runner.specs.pydantic_errors import validated
from runner.specs.runbook_checks import read_runbook
from runner.specs.target_checks import read_targets
from runner.specs.yaml import Document

T = TypeVar("T")
Reader = Callable[[Document], tuple[T | None, Diagnostics]]


def _read_script(document: Document) -> tuple[Script | None, Diagnostics]:
    notes = Diagnostics(document)
    return (validated(Script, document.value, notes) if document.readable else None), notes


READERS: dict[str, Reader[Any]] = {
    "runbook": read_runbook,
    "experiment": read_experiment,
    "targets": read_targets,
    "script": _read_script,
}


def as_it_is(document: Document) -> tuple[None, Diagnostics]:
    """For a file of which only the document is wanted."""
    return None, Diagnostics(document, further=True)


def kind_by_keys(value: Any) -> str:
    """drill, runbook, experiment, targets or script, by the keys of a file; '' when they do not tell."""
    keys: Iterable[str] = value if isinstance(value, dict) else ()
    if "method" in keys or "steady-state-hypothesis" in keys:
        return "experiment"
    if "targets" in keys:
        return "targets"
    if "target" in keys or "runbook" in keys:
        return "drill"
    if "when" in keys or ("steps" in keys and isinstance(value["steps"], dict)):
        return "script"
    return "runbook" if "steps" in keys else ""
