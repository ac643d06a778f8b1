"""What a run reads from its surroundings, and this machine has not: named before anything else is blamed for it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from importlib.machinery import PathFinder
from typing import Any

from runner.engine.plan import RunPlan
from runner.guard.refusal import Refusal
from runner.specs.configuration import converted
from runner.specs.place import Path_

_RULE = "environment"
#: Given to everything that a run starts, whatever the shell has.
_GIVEN = ("TARGET_", "GAMEDAY_RUN")


def judge_environment(plan: RunPlan) -> Iterator[Refusal]:
    """Variables that the configuration of an experiment cannot do without; each once, where it is asked for first."""
    told: set[str] = set()
    given = {*plan.secrets, *plan.secret_sources, *plan.target.secrets}
    for experiment in plan.experiments:
        for at, variable, what, cure in missing(experiment.document, given, os.environ):
            if variable not in told:
                told.add(variable)
                yield Refusal(rule=_RULE, what=what, where=experiment.file, at=at, cure=cure, here=True)


def missing(
    document: Mapping[str, Any], given: Collection[str], env: Mapping[str, str]
) -> Iterator[tuple[Path_, str, str, str]]:
    """Place, variable, what is wrong, and the cure; `given` are variables that come from elsewhere than `env`."""
    for name, entry in _mapping(document.get("configuration")).items():
        if _mapping(entry).get("type") == "env":
            yield from _variable(("configuration", name), entry, given, env)
    for group, entries in _mapping(document.get("secrets")).items():
        for name, entry in _mapping(entries).items():
            if _mapping(entry).get("type") == "vault" and PathFinder.find_spec("hvac") is None:
                what = f"secret {name}: it is read from Vault, and there is no Python module 'hvac' on this machine"
                cure = "install it beside this program: pip install 'chaostoolkit-lib[vault]'"
                yield ("secrets", group, name), "hvac", what, cure


def _variable(
    at: Path_, entry: Mapping[str, Any], given: Collection[str], env: Mapping[str, str]
) -> Iterator[tuple[Path_, str, str, str]]:
    variable = str(entry.get("key"))
    if variable in given or variable.startswith(_GIVEN):
        return
    if variable in env:
        try:
            converted(entry.get("env_var_type"), env[variable])
        except ValueError as error:
            what = f"configuration {at[-1]}: the environment variable {variable} holds {error}"
            yield (*at, "key"), variable, what, "set it to one"
    elif "default" not in entry:
        what = f"configuration {at[-1]}: the environment variable {variable} is not set"
        yield (*at, "key"), variable, what, "set it, or give the entry a default"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
