"""`--var` and `--var-file`: values that take the place of an experiment's own, as `chaos run` takes them.

A value of the configuration is put into the experiment before it is checked: the plan, its hash and the transcript hold it.
One of a secret stays in its file: the experiment is given the name of a variable that is read from there.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path

from runner.errors import InputError, Problem
from runner.lazy_dataclass import lazy_dataclass
from runner.specs.configuration import TYPES, converted
from runner.specs.diagnostics import Diagnostics, nearest
from runner.specs.env_patterns import OWN_PREFIXES
from runner.specs.files import read_bytes
from runner.specs.shape import Shape
from runner.specs.yaml import Document, read_document
from runner.specs.yaml_composer import Json

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOCUMENTS = (".yaml", ".yml", ".json")
_PARTS = ("configuration", "secrets")
_HOW = "write it as NAME=VALUE or NAME:TYPE=VALUE"


@lazy_dataclass(frozen=True)
class Given:
    """A value of the configuration and where it was given; `typed` on the command line, which must not be in vain."""

    value: Json
    origin: str
    typed: bool


@lazy_dataclass(frozen=True)
class Variables:
    """What was given. `configuration`: name → value. `secrets`: group → name → value or entry, `origins`: their files.
    `environment`: variables as if the shell had them.
    """

    configuration: Mapping[str, Given] = field(default_factory=dict)
    secrets: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def applied(self, document: Document) -> Document:
        """The experiment with these values; problems at their places name where each came from."""
        declared = document.value if isinstance(document.value, dict) else {}
        names = [name for name in self.configuration if name in _mapping(declared.get("configuration"))]
        groups = [group for group in self.secrets if group in _mapping(declared.get("secrets"))]
        if not names and not groups:
            return document
        changed = replace(document, value=copy.deepcopy(document.value), options=dict(document.options), has_nulls=True)
        for name in names:
            changed.value["configuration"][name] = self.configuration[name].value
            changed.options[("configuration", name)] = self.configuration[name].origin
        for group in groups:
            changed.value["secrets"][group] = {
                name: _entry(group, name, value) for name, value in self.secrets[group].items()
            }
            changed.options[("secrets", group)] = self.origins[group]
        return changed

    def sources(self) -> dict[str, dict[str, str]]:
        """Variable → the file and the entry that hold its value, of every secret that is written in one."""
        return {
            variable_of(group, name): {"var-file": self.origins[group], "entry": f"{group}/{name}"}
            for group, entries in self.secrets.items()
            for name, value in entries.items()
            if not isinstance(value, dict)
        }

    def in_vain(self, documents: Sequence[Mapping[str, Json]]) -> Iterator[Problem]:
        """What was typed, and none of these experiments has."""
        known = [name for document in documents for name in _mapping(document.get("configuration"))]
        for name, given in self.configuration.items():
            if given.typed and name not in known:
                what = f"no configuration is called {name!r}"
                yield Problem(file=given.origin, what=what, meant=nearest(name, known, noun="there are"))


def variable_of(group: str, name: str) -> str:
    """The variable that a secret of a var-file is handed on in."""
    return "CHAOS_SECRET_" + re.sub(r"\W", "_", f"{group}_{name}", flags=re.ASCII).upper()


def secret_of(path: str, entry: str) -> tuple[str, str]:
    """The value of a secret in a var-file, and why there is none."""
    group, _, name = entry.partition("/")
    try:
        value = read_document(Path(path), path).value
    except InputError as error:
        return "", f"{path} {error.problems[0].what}"
    found = _mapping(_mapping(_mapping(value).get("secrets")).get(group)).get(name)
    if found is None or isinstance(found, dict | list):
        return "", f"{path} holds no secret {entry}"
    return str(found), ""


def read_variables(texts: Iterable[str], files: Iterable[str]) -> Variables:
    """From `--var` texts and the paths of `--var-file`. A later file counts before an earlier one, what is typed before all.

    Raises InputError with everything that is wrong.
    """
    reading = _Reading()
    for path in files:
        reading.file(path)
    for text in texts:
        reading.typed(text)
    if reading.problems:
        raise InputError(*reading.problems)
    return Variables(reading.configuration, reading.secrets, reading.origins, reading.environment)


class _Reading:
    def __init__(self) -> None:
        self.configuration: dict[str, Given] = {}
        self.secrets: dict[str, Mapping[str, Json]] = {}
        self.origins: dict[str, str] = {}
        self.environment: dict[str, str] = {}
        self.problems: list[Problem] = []

    def typed(self, text: str) -> None:
        left, equals, value = text.partition("=")
        name, _, kind = left.rpartition(":") if ":" in left else (left, "", "str")
        option = f"--var {left or text}"
        if not equals or not name:
            self.problems.append(Problem(file=option, what="is not a name and a value", meant=_HOW))
        elif kind not in TYPES:
            meant = nearest(kind, TYPES, noun="one of")
            self.problems.append(Problem(file=option, what=f"there is no type {kind!r}", meant=meant))
        elif kind == "bytes":
            self.problems.append(Problem(file=option, what="bytes cannot be written down", meant="give a text"))
        else:
            self._keep_typed(name, kind, value, option)

    def _keep_typed(self, name: str, kind: str, value: str, option: str) -> None:
        try:
            self.configuration[name] = Given(converted(kind, value), option, True)
        except ValueError as error:
            self.problems.append(Problem(file=option, what=f"{value!r} is {error}"))

    def file(self, path: str) -> None:
        try:
            if Path(path).suffix in _DOCUMENTS:
                self._document(read_document(Path(path), path))
            else:
                self._lines(path, read_bytes(Path(path), path).decode())
        except InputError as error:
            self.problems += error.problems
        except UnicodeDecodeError:
            self.problems.append(Problem(file=path, what="is not UTF-8 text", meant="save the file as UTF-8"))

    def _document(self, document: Document) -> None:
        notes = Diagnostics(document)
        shape = Shape(notes)
        value = document.value
        if document.readable and shape.mapping((), value, _PARTS):
            for part in value:
                shape.mapping((part,), value[part])
            for group, entries in _mapping(value.get("secrets")).items():
                shape.mapping(("secrets", group), entries)
        self.problems += notes.problems()
        if notes or not document.readable:
            return
        for name, each in _mapping(value.get("configuration")).items():
            place = document.place(("configuration", name))
            self.configuration[name] = Given(each, f"{document.file}:{place.line}:{place.column}", False)
        for group, entries in _mapping(value.get("secrets")).items():
            self.secrets[group], self.origins[group] = entries, document.file

    def _lines(self, path: str, text: str) -> None:
        for number, line in enumerate(text.splitlines(), start=1):
            said = line.strip().removeprefix("export ").lstrip()
            if not said or said.startswith("#"):
                continue
            name, equals, value = said.partition("=")
            if not equals or not _NAME.fullmatch(name):
                what, meant = "is not a variable and its value", "write NAME=VALUE, or # before a remark"
            elif name.startswith(OWN_PREFIXES):
                what, meant = f"{name} is one that Gameday itself sets", "leave it out"
            else:
                self.environment[name] = value
                continue
            self.problems.append(Problem(file=path, line=number, column=1, what=what, meant=meant))


def _entry(group: str, name: str, value: Json) -> Json:
    return value if isinstance(value, dict) else {"type": "env", "key": variable_of(group, name)}


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
