"""Whether the tools are there: the commands that are run, the packages whose functions are called."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder

from runner.engine.plan import RunPlan
from runner.guard.calls import Call
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
    package = module.partition(".")[0]
    return package in sys.stdlib_module_names or PathFinder.find_spec(package) is not None
