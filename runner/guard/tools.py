"""Whether the tools are there: the commands that are run, the packages whose functions are called."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder

from runner.engine.plan import RunPlan
from runner.guard.calls import Call
from runner.guard.opaque import controls_of
from runner.guard.refusal import Refusal
from runner.specs.substitution import placeholders


def judge_tools(call: Call) -> Iterator[Refusal]:
    """What this machine lacks. Nothing is imported: that would run it."""
    path, module = call.provider.get("path"), call.provider.get("module")
    if call.kind == "process" and isinstance(path, str) and not placeholders(path) and not _on_path(path):
        what = f"{call.name}: the command {path!r} is not on this machine"
        yield _refusal(call, "path", what, "install it, or write its full path")
    if call.kind == "python" and isinstance(module, str) and not placeholders(module) and not _found(module):
        what = f"{call.name}: there is no Python module {module!r} on this machine"
        yield _refusal(call, "module", what, f"install the package that has it, beside this program: {sys.prefix}")


def judge_controls(plan: RunPlan) -> Iterator[Refusal]:
    """Controls that cannot be there: what they stand before would not be asked about, or not be told of."""
    for experiment in plan.experiments:
        for at, control in controls_of(experiment.document):
            module = (control.get("provider") or {}).get("module")
            if isinstance(module, str) and not _found(module):
                what = f"control {control.get('name')}: there is no Python module {module!r} on this machine"
                cure = f"install the package that has it, beside this program: {sys.prefix}"
                yield Refusal(rule="tools", what=what, where=experiment.file, at=(*at, "provider", "module"), cure=cure)


def judge_shells(plan: RunPlan) -> Iterator[Refusal]:
    """What the steps' commands are given to."""
    for index, step in enumerate(plan.steps):
        program = (step.shell.split() or ["bash"])[0]
        if step.run and not _on_path(program):
            what = f"step {step.id}: its shell {program!r} is not on this machine"
            at = ("steps", index, "shell" if step.shell else "run")
            yield Refusal(rule="tools", what=what, where=plan.runbook_file or step.where, at=at, cure="install it")


def _refusal(call: Call, key: str, what: str, cure: str) -> Refusal:
    at = (*call.at, key) if call.at else ()
    return Refusal(rule="tools", what=what, where=call.file, at=at, cure=cure)


def _on_path(command: str) -> bool:
    return shutil.which(os.path.expanduser(command)) is not None  # noqa: PTH111 - as Chaos Toolkit finds it


def _found(module: str) -> bool:
    """Whether it could be imported, as far as that is known without importing the packages above it."""
    package, *below = module.split(".")
    if package in sys.stdlib_module_names:
        return True
    name, spec = package, PathFinder.find_spec(package)
    for part in below:
        # What is no package may still put modules of its own below its name.
        if spec is None or spec.submodule_search_locations is None:
            break
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, spec.submodule_search_locations)
    return spec is not None
