"""Secrets in the arguments of a process, where everybody on the machine can read them.

A secret reaches a command by its environment only. In the plan it is known by its name; once the values are there,
also by its value, whoever wrote that into a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from runner.engine.plan import Experiment, RunPlan
from runner.guard.refusal import Refusal
from runner.guard.shell_syntax import exposed
from runner.planning.calls import Call, asked_calls, command_words, planned_calls
from runner.redact import MASK, Redactor
from runner.specs.document import secret_variables
from runner.specs.place import Path_
from runner.specs.substitution import placeholders

_RULE = "secrets"
_CURE = "let it read the environment variable, or give it on its standard input"
#: Shells that put a variable's value into a line; to any other program `$NAME` is a text.
_EXPANDING = ("", "bash", "sh", "dash", "zsh", "ksh")


def judge_leaks(plan: RunPlan) -> Iterator[Refusal]:
    """Every place of the plan that would put a secret into a process list."""
    by_variable = [*plan.secrets, *plan.secret_sources, *plan.target.secrets]
    names = {experiment.file: _placeholders_of(experiment, by_variable) for experiment in plan.experiments}
    for call in (*planned_calls(plan), *asked_calls(plan)):
        yield from _in_call(call, names.get(call.file, frozenset(by_variable)), by_variable)
    for index, step in enumerate(plan.steps):
        own = [*step.secrets, *(question.name for each in plan.steps for question in each.ask if question.secret)]
        if step.shell in _EXPANDING:
            for name in exposed(step.run, own):
                yield _refusal(f"step {step.id}", name, plan.runbook_file, ("steps", index, "run"))


def judge_values(plan: RunPlan, secrets: Iterable[str]) -> tuple[Refusal, ...]:
    """The same for the values themselves, written out in a command of any file."""
    redactor = Redactor(secrets)
    calls = (
        _written(call.name, call.file, _arguments(call))
        for call in (*planned_calls(plan), *asked_calls(plan))
        if call.kind == "process" and any(redactor.text(word) != word for word in command_words(call.provider))
    )
    steps = (
        _written(f"step {step.id}", plan.runbook_file, ("steps", index, "run"))
        for index, step in enumerate(plan.steps)
        if redactor.text(step.run) != step.run
    )
    return (*calls, *steps)


def judge_masked(call: Call) -> Iterator[Refusal]:
    """At the gate secrets are masked already: a mask in an argument is a secret in it."""
    if call.kind == "process" and any(MASK in word for word in command_words(call.provider)):
        yield _written(call.name, call.file, _arguments(call))


def _in_call(call: Call, hidden: frozenset[str], by_variable: list[str]) -> Iterator[Refusal]:
    if call.kind != "process":
        return
    words = command_words(call.provider)
    found = [name for name in placeholders(words) if name in hidden]
    if not isinstance(call.provider.get("arguments"), Mapping | list | tuple):
        # One text goes through a shell, with the command before it.
        found += exposed(" ".join(words), by_variable)
    else:
        found += exposed(f"{words[0]} {' '.join(map(_quoted, words[1:]))}", by_variable)
    for name in dict.fromkeys(found):
        yield _refusal(call.name, name, call.file, _arguments(call))


def _quoted(word: str) -> str:
    """As a shell would be given a word that it must not read."""
    return "'" + word.replace("'", "") + "'"


def _arguments(call: Call) -> Path_:
    return (*call.at, "arguments") if call.at else ()


def _placeholders_of(experiment: Experiment, by_variable: Iterable[str]) -> frozenset[str]:
    """What `${…}` stands for a secret in it: its own secrets, and configuration read from a secret's variable."""
    document = experiment.document
    variables = {*by_variable, *secret_variables(document)}
    groups = [group for group in _mapping(document.get("secrets")).values() if isinstance(group, Mapping)]
    configuration = _mapping(document.get("configuration"))
    read = (name for name, entry in configuration.items() if _mapping(entry).get("key") in variables)
    return frozenset({*variables, *(name for group in groups for name in group), *read})


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _refusal(what: str, name: str, file: str, at: Path_) -> Refusal:
    said = f"{what}: the secret {name} would stand in the arguments of a process, where everybody can read it"
    return Refusal(rule=_RULE, what=said, where=file, at=at, cure=_CURE)


def _written(what: str, file: str, at: Path_) -> Refusal:
    said = f"{what}: a secret's value stands in the arguments of a process, where everybody can read it"
    return Refusal(rule=_RULE, what=said, where=file, at=at, cure=_CURE)
