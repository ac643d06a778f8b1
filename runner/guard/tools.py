"""Whether the tools are there: the commands that are run, the packages whose functions are called."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from runner.engine.plan import RunPlan
from runner.guard.refusal import Refusal
from runner.planning.calls import Call
from runner.planning.opaque_calls import controls_of
from runner.specs.place import Path_
from runner.specs.substitution import placeholders


def judge_tools(call: Call) -> Iterator[Refusal]:
    """What this machine lacks. Nothing is imported: that would run it."""
    path, module = call.provider.get("path"), call.provider.get("module")
    if call.kind == "process" and isinstance(path, str) and not placeholders(path) and not _on_path(path):
        what = f"{call.name}: the command {path!r} is not on this machine"
        at = (*call.at, "path") if call.at else ()
        yield Refusal(
            rule="tools", what=what, where=call.file, at=at, cure="install it, or write its full path", here=True
        )
    if call.kind == "python" and isinstance(module, str) and not placeholders(module):
        from runner.guard.functions import judge_function  # many runs call none

        yield from judge_function(call)


def judge_controls(plan: RunPlan) -> Iterator[Refusal]:
    """Controls that cannot be there: what they stand before would not be asked about, or not be told of."""
    for name, module in plan.global_controls.items():
        yield from _judge_control(name, module, plan.settings, ("controls", name))
    for experiment in plan.experiments:
        yield from judge_controls_of(experiment.document, experiment.file)


def judge_controls_of(document: Mapping[str, Any], file: str) -> Iterator[Refusal]:
    """The same of one experiment, as it stands in its file."""
    for at, control in controls_of(document):
        if module := (control.get("provider") or {}).get("module"):
            yield from _judge_control(str(control.get("name")), str(module), file, at)


def _judge_control(name: str, module: str, file: str, at: Path_) -> Iterator[Refusal]:
    from runner.guard.functions import faulty_control, missing_module  # as above

    what, cure = missing_module(module)
    here = bool(what)
    if not what:
        what, cure = faulty_control(module)
    if what:
        place = (*at, "provider", "module")
        yield Refusal(rule="tools", what=f"control {name}: {what}", where=file, at=place, cure=cure, here=here)


def judge_shells(plan: RunPlan) -> Iterator[Refusal]:
    """What the steps' commands are given to."""
    for index, step in enumerate(plan.steps):
        program = (step.shell.split() or ["bash"])[0]
        if step.run and not _on_path(program):
            what = f"step {step.id}: its shell {program!r} is not on this machine"
            at = ("steps", index, "shell" if step.shell else "run")
            yield Refusal(
                rule="tools", what=what, where=plan.runbook_file or step.where, at=at, cure="install it", here=True
            )


def _on_path(command: str) -> bool:
    return shutil.which(os.path.expanduser(command)) is not None  # noqa: PTH111 - as Chaos Toolkit finds it
