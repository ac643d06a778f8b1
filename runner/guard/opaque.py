"""What the guard cannot see into, as the plan lists it: `NAME: what runs`, with the whole command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from runner.engine.plan import Experiment, Load


def opaque_activities(experiment: Experiment) -> Iterator[str]:
    """The actions and rollbacks of an experiment that run a process or a function of their own."""
    for part in ("method", "rollbacks"):
        for activity in experiment.document.get(part) or ():
            provider = activity.get("provider") or {}
            if provider.get("type") == "process":
                yield f"{activity.get('name')}: {command_line(provider)}"
            elif provider.get("type") == "python" and not str(provider.get("module")).startswith("chaosk8s"):
                arguments = json.dumps(provider.get("arguments") or {}, sort_keys=True)
                yield f"{activity.get('name')}: {provider.get('module')}.{provider.get('func')} {arguments}"


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
