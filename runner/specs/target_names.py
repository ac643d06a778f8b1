"""The variables that a target gives to commands, TARGET_URL and the like: which there are, and which a step asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from runner.specs.diagnostics import Diagnostics, nearest
from runner.specs.question import asked_names, output_names
from runner.specs.yaml import Path_
from runner.specs.yaml_composer import Json

#: Shells that put a variable's value into a line; to any other program `$NAME` is a text.
_SHELLS = frozenset(("bash", "sh", "dash", "zsh", "ksh", "ash"))
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
#: `provided`: with `${NAME:-x}` and its like somebody knows that it may not be there, or gives it a value.
_ASKED = re.compile(
    r"(?<![\\$])(?:\\\\|\$\$)*\$(?:\{#?(?P<braced>TARGET_\w+)(?P<provided>:?[-=+?])?|(?P<plain>TARGET_\w+))", re.ASCII
)
_SET = re.compile(r"(?:^|[\s;&|(`])(TARGET_\w+)\+?=|\bfor\s+(TARGET_\w+)\s", re.ASCII)
_DECLARED = re.compile(
    r"\b(?:read|export|local|declare|typeset|readonly|mapfile|readarray|getopts|printf\s+-v)\b[^;&|\n]*", re.ASCII
)
_NAME = re.compile(r"(?<![$\w{])TARGET_\w+", re.ASCII)


def variable(attribute: str) -> str:
    """The variable of a target's attribute: `proxy-url` → TARGET_PROXY_URL."""
    return "TARGET_" + attribute.upper().replace("-", "_")


def given_by(attributes: Iterable[str]) -> list[str]:
    """The variables of a target with these attributes."""
    return [variable(each) for each in ("name", *attributes)]


def note_undefined(runbook: Json, known: Iterable[str], lacks: str, notes: Diagnostics) -> None:
    """Note every variable of the target that a step asks for and that is not `known`.

    `lacks` begins the sentence: "the target 'shop' has no".
    """
    steps = [step if isinstance(step, dict) else {} for step in runbook["steps"]]
    told = list(known)
    elsewhere = {*told, *asked_names(steps), *output_names(steps)}
    for index, step in enumerate(steps):
        own = {*_names(step.get("env")), *_names(step.get("secrets"))}
        for path, text in _shell_texts(step, ("steps", index)):
            for name, at in _undefined(text, own, elsewhere):
                place = notes.document.place_in(path, text, at)
                attribute = name.removeprefix("TARGET_").lower()
                what = f"{lacks} {attribute!r}, so there is no {name}"
                notes.add_at(place.line, place.column, what, nearest(name, told, noun="it gives"))


def _names(value: Json) -> Iterable[str]:
    return [str(each) for each in value] if isinstance(value, Mapping | list) else ()


def _shell_texts(step: Mapping[str, Json], path: Path_) -> Iterator[tuple[Path_, str]]:
    """The command, and the values of its variables: whatever a shell may be given to read."""
    shell = str(step.get("shell") or "bash").split()[0].rpartition("/")[2]
    if shell not in _SHELLS:
        return
    if isinstance(step.get("run"), str):
        yield (*path, "run"), step["run"]
    env = step.get("env")
    for name, value in env.items() if isinstance(env, Mapping) else ():
        if isinstance(value, str):
            yield (*path, "env", name), value


def _undefined(text: str, *known: set[str]) -> Iterator[tuple[str, int]]:
    """Name and index of what is asked for and in none of the `known`, each name once."""
    # As long as it was, so that everything stands where it stood.
    text = _COMMENT.sub(lambda comment: " " * len(comment[0]), text)
    asked = [(match["braced"] or match["plain"], match) for match in _ASKED.finditer(text)]
    provided_for = {name for name, match in asked if match["provided"]}
    seen = {*_set_in(text), *provided_for}
    for name, match in asked:
        if not any(name in names for names in (seen, *known)):
            seen.add(name)
            yield name, text.rindex("$", match.start(), match.end())


def _set_in(text: str) -> Iterator[str]:
    """What the command gives a value itself."""
    for match in _SET.finditer(text):
        yield match[1] or match[2]
    for match in _DECLARED.finditer(text):
        yield from _NAME.findall(match[0])
