"""What the shims use of Chaos Toolkit, imported without what an experiment of commands never uses; see `put_off`."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from runner.actuators.shims.put_off import PutOff

__all__ = [
    "ActivityFailed",
    "ChaosException",
    "Control",
    "Dry",
    "InterruptExecution",
    "InvalidControl",
    "RunEventHandler",
    "Runner",
    "Schedule",
    "Strategy",
    "activities",
    "apply_python_control",
    "cache_activities",
    "cleanup_control",
    "cleanup_controls",
    "cleanup_global_controls",
    "complete",
    "control_module",
    "ensure_experiment_is_valid",
    "execute_activity",
    "get_controls",
    "hypotheses",
    "initialize_control",
    "initialize_controls",
    "initialize_global_controls",
    "load_configuration",
    "load_global_controls",
    "load_secrets",
    "loaded_settings",
    "process_provider",
    "substitute",
    "within_tolerance",
]

_PUT_OFF = PutOff(
    {
        "requests": ("Response",),
        "urllib3": ("disable_warnings", "exceptions"),
        "yaml": (),
        "hvac": (),
        "jsonpath2.path": ("Path",),
    }
)
#: The types of what an experiment consists of that need none of them.
_OF_COMMANDS = ("action", "probe", "process", "env", "range", "regex")
_METADATA = "importlib.metadata"


def _version(distribution: str) -> str:
    """The version of the toolkit's library, from the name of the folder that pip keeps beside it. Raises LookupError."""
    spec = PathFinder.find_spec("chaoslib")
    home = Path(spec.origin).parents[1] if spec is not None and spec.origin else Path()
    found = [path.stem for path in home.glob(f"{distribution.replace('-', '_')}-*.dist-info")]
    if len(found) == 1:
        return found[0].rpartition("-")[2]
    sys.modules.pop(_METADATA, None)
    from importlib import metadata

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError as error:
        raise LookupError(distribution) from error


@contextmanager
def _one_version_only() -> Iterator[None]:
    """Inside, `importlib.metadata` tells one version and no more: the whole of it takes as long as all of the toolkit."""
    if _METADATA in sys.modules:
        yield
        return
    module = ModuleType(_METADATA)
    vars(module).update(version=_version, PackageNotFoundError=LookupError)
    sys.modules[_METADATA] = module
    try:
        yield
    finally:
        sys.modules.pop(_METADATA, None)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Imports make little garbage, and what they made stays: no later collection need look through it either."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


with _nothing_collected(), _PUT_OFF.importing(), _one_version_only():
    from chaoslib import activity as activities
    from chaoslib import control as control_module
    from chaoslib import hypothesis as hypotheses
    from chaoslib import substitute
    from chaoslib.activity import execute_activity
    from chaoslib.caching import cache_activities
    from chaoslib.configuration import load_configuration
    from chaoslib.control import (
        Control,
        cleanup_controls,
        cleanup_global_controls,
        get_controls,
        initialize_controls,
        initialize_global_controls,
        load_global_controls,
    )
    from chaoslib.control.python import apply_python_control, cleanup_control, initialize_control
    from chaoslib.exceptions import ActivityFailed, ChaosException, InterruptExecution, InvalidControl
    from chaoslib.experiment import ensure_experiment_is_valid
    from chaoslib.hypothesis import within_tolerance
    from chaoslib.provider import process as process_provider
    from chaoslib.run import RunEventHandler, Runner
    from chaoslib.secret import load_secrets
    from chaoslib.settings import loaded_settings
    from chaoslib.types import Dry, Schedule, Strategy


def complete(*documents: Any) -> None:
    """Import the rest now, unless these hold nothing but commands: no activity shall wait for an import."""
    if not documents or not all(map(_only_commands, documents)):
        _PUT_OFF.complete()


def _only_commands(value: Any) -> bool:
    if isinstance(value, dict):
        known = value.get("type", "process") in _OF_COMMANDS and "controls" not in value
        return known and all(map(_only_commands, value.values()))
    return not isinstance(value, list) or all(map(_only_commands, value))
