"""What the guard cannot see into, as the plan lists it: `NAME: what runs`, with the whole command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from runner.engine.plan import Experiment, Load
from runner.specs.place import Path_
from runner.targets.kubernetes_actions import kubernetes_action


def opaque_activities(experiment: Experiment) -> Iterator[tuple[Path_, str]]:
    """The actions and rollbacks of an experiment that run a process or a function of their own, and their places.

    A control is such a function too: it is called around them, and may do and change what it likes.
    """
    for part in ("method", "rollbacks"):
        for index, activity in enumerate(experiment.document.get(part) or ()):
            provider = activity.get("provider") or {}
            if what := _what(provider):
                yield (part, index), f"{activity.get('name')}: {what}"
    for at, control in controls_of(experiment.document):
        yield at, f"{control.get('name')}: control {(control.get('provider') or {}).get('module')}"


def controls_of(document: Mapping[str, Any]) -> Iterator[tuple[Path_, Mapping[str, Any]]]:
    """The controls of an experiment, of its hypothesis and of each activity, and their places."""
    yield from _controls(document, ())


def _controls(value: Any, at: Path_) -> Iterator[tuple[Path_, Mapping[str, Any]]]:
    for index, control in enumerate(value.get("controls") or ()):
        yield (*at, "controls", index), control
    if hypothesis := value.get("steady-state-hypothesis"):
        yield from _controls(hypothesis, (*at, "steady-state-hypothesis"))
    for part in ("probes", "method", "rollbacks"):
        for index, activity in enumerate(value.get(part) or ()):
            yield from _controls(activity, (*at, part, index))


def _what(provider: Mapping[str, Any]) -> str:
    if provider.get("type") == "process":
        return command_line(provider)
    if provider.get("type") != "python":
        return ""
    action = kubernetes_action(provider)
    if str(provider.get("module")).partition(".")[0] == "chaosk8s" and not (action and action.opaque):
        return ""
    arguments = json.dumps(provider.get("arguments") or {}, sort_keys=True)
    return f"{provider.get('module')}.{provider.get('func')} {arguments}"


def opaque_controls(controls: Mapping[str, str]) -> tuple[str, ...]:
    """The controls of Chaos Toolkit's settings: name → module."""
    return tuple(f"{name}: control {module}" for name, module in controls.items())


def opaque_load(load: Load | None) -> tuple[str, ...]:
    """The locustfile: it may call what it likes."""
    return (f"load: {load.locustfile}",) if load else ()


def command_line(provider: Mapping[str, Any]) -> str:
    """What a process provider runs, as one would type it."""
    arguments = provider.get("arguments")
    if isinstance(arguments, Mapping):
        words = [str(word) for pair in arguments.items() for word in pair]
    elif isinstance(arguments, list | tuple):
        words = [str(word) for word in arguments]
    else:
        return f"{provider.get('path')} {arguments or ''}".rstrip()
    return shlex.join([str(provider.get("path")), *(word for word in words if word)])
