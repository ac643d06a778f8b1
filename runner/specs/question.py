"""What the questions and the outputs of steps must be: both give a variable its value for the commands that follow."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator

from runner.specs.answer import why_unfit
from runner.specs.diagnostics import Diagnostics, nearest, shown
from runner.specs.fields import written
from runner.specs.yaml import Path_
from runner.specs.yaml_composer import Json

#: What every command is given anyway; a value in its place would make another command of it.
_GIVEN = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "IFS", "PWD", "LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "ENV")
_GIVEN_PREFIXES = ("TARGET_", "GAMEDAY_")


def check_questions(step: Json, path: Path_, notes: Diagnostics) -> None:
    """Note what is wrong between the fields of each question of a step."""
    names: set[str] = set()
    for at, question in _questions(step, path):
        name = str(question.get("name"))
        if name in names:
            notes.add((*at, "name"), f"{name!r} is asked already", "each question has a name of its own")
        names.add(name)
        _check_variable(name, (*at, "name"), notes)
        for key in ("choices", "default") if question.get("secret") is True else ():
            if key in question:
                notes.add((*at, key), f"{key!r} is not for secrets", "everybody could read it in this file", key=True)
        if "choices" in question and "pattern" in question:
            meant = "keep one: the choices are all the answers there are"
            notes.add((*at, "pattern"), "'choices' and 'pattern' exclude each other", meant, key=True)
        _check_choices(question, at, notes)
        _check_default(question, at, notes)


def _check_choices(question: dict[str, Json], path: Path_, notes: Diagnostics) -> None:
    choices = _choices(question)
    for index, choice in enumerate(choices):
        if choice in choices[:index]:
            notes.add((*path, "choices", index), f"{shown(choice)} is there already", "each choice is given once")


def _check_default(question: dict[str, Json], path: Path_, notes: Diagnostics) -> None:
    default = written(question.get("default"))
    if not isinstance(default, str):
        return
    choices, pattern = _choices(question), question.get("pattern")
    if not default:
        notes.add((*path, "default"), "default: is empty", "leave it out: then an answer must be given")
    elif choices and default not in choices:
        notes.add((*path, "default"), f"default: {default!r} is none of the choices", nearest(default, choices))
    elif isinstance(pattern, str) and _is_pattern(pattern) and (why := why_unfit(default, (), pattern)):
        notes.add((*path, "default"), f"default: {default!r} cannot be the answer: {why}", "change one of the two")


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def check_output(step: Json, path: Path_, asked: Container[str], notes: Diagnostics) -> None:
    """Note what is wrong with the names of a step's outputs; `asked` are those of all questions."""
    output = step.get("output")
    for name in output if isinstance(output, dict) else ():
        if name in asked:
            notes.add((*path, "output", name), f"{name!r} is the name of a question", "give it another name", key=True)
        _check_variable(name, (*path, "output", name), notes, key=True)


def _check_variable(name: str, path: Path_, notes: Diagnostics, *, key: bool = False) -> None:
    if name in _GIVEN or name.startswith(_GIVEN_PREFIXES):
        what = f"{name} would take the place of a variable that every command is given"
        notes.add(path, what, "give it another name", key=key)


def asked_names(steps: Iterable[Json]) -> list[str]:
    """The names of all questions of these steps."""
    return [str(each["name"]) for step in steps for _, each in _questions(step, ()) if "name" in each]


def output_names(steps: Iterable[Json]) -> list[str]:
    """The names of all outputs of these steps."""
    outputs = (step.get("output") for step in steps if isinstance(step, dict))
    return [name for output in outputs if isinstance(output, dict) for name in output]


def choices_by_name(steps: Iterable[Json]) -> dict[str, list[str]]:
    """For each question the answers that it may have; empty when it may be anything."""
    answers: dict[str, list[list[str]]] = {}
    for step in steps:
        for _, question in _questions(step, ()):
            if "name" in question:
                answers.setdefault(str(question["name"]), []).append(_choices(question))
    return {name: [each for given in asked for each in given] if all(asked) else [] for name, asked in answers.items()}


def _questions(step: Json, path: Path_) -> Iterator[tuple[Path_, dict[str, Json]]]:
    asked = step.get("ask") if isinstance(step, dict) else None
    for index, question in enumerate(asked if isinstance(asked, list) else ()):
        if isinstance(question, dict):
            yield (*path, "ask", index), question


def _choices(question: dict[str, Json]) -> list[str]:
    choices = question.get("choices")
    return [each for choice in choices if isinstance(each := written(choice), str)] if isinstance(choices, list) else []
