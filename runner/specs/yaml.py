"""YAML (and JSON) files → plain values, with the place of everything.

Composed by hand from the parser's event stream, so that size, depth, aliases and anchors are bounded before anything
is built, and so that values cost no more than they must; places are worked out only when somebody asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from itertools import islice
from pathlib import Path

from runner.errors import Problem
from runner.lazy_dataclass import lazy_dataclass
from runner.specs.files import read_bytes
from runner.specs.invisible import LINE_ENDS, NOWHERE, explain, hidden_in
from runner.specs.json_text import NotJsonError, read_json
from runner.specs.place import MAX_PROBLEMS
from runner.specs.place import Path_ as Path_
from runner.specs.yaml_composer import MAX_DEPTH, Composer, Json, Place, Trap, problem_at
from runner.specs.yaml_syntax import line_column


@lazy_dataclass
class Document:
    """One file: its plain `value` (None when it cannot be read at all), what is wrong so far, and where things are."""

    file: str
    value: Json = None
    problems: list[Problem] = field(default_factory=list)
    traps: list[Trap] = field(default_factory=list)
    path: Path | None = None
    content: bytes = b""
    options: dict[Path_, str] = field(default_factory=dict)
    has_nulls: bool = True
    _places: dict[Path_, Place] | None = None
    _keys: dict[Path_, Place] = field(default_factory=dict)

    @property
    def readable(self) -> bool:
        """Whether there is a value to look at."""
        return self.value is not None

    def option(self, path: Path_) -> str:
        """The command-line option that the value at `path` comes from; '' when it comes from the file."""
        return next((name for at, name in self.options.items() if path[: len(at)] == at), "")

    def place(self, path: Path_, *, key: bool = False) -> Place:
        """Where a value stands, or with `key` its key; for what is not written, where its nearest parent stands."""
        places = self._located()
        if key and path in self._keys:
            return self._keys[path]
        while path and path not in places:
            path = path[:-1]
            if path in self._keys:
                return self._keys[path]
        return places.get(path, Place(1, 1))

    def place_in(self, path: Path_, text: str, at: int, *, key: bool = False) -> Place:
        """Where the character at index `at` of the text at `path` stands; where the text begins, when it is escaped."""
        begin = self.place(path, key=key)
        content = self.content.decode("utf-8", "replace")
        lines = content.split("\n")
        start = sum(len(line) + 1 for line in lines[: begin.line - 1]) + begin.column - 1
        found = start - 1
        for _ in range(text.count(text[at], 0, at) + 1):
            found = content.find(text[at], found + 1)
            if found < 0:
                return begin
        # What stands between must be what the text has before it; indentation, quotes and folding left out.
        before = content[start:found]
        if before[:1] in ("|", ">"):
            before = before.partition("\n")[2]
        if _letters(before) != _letters(text[:at]):
            return begin
        return Place(*line_column(content[:found]))

    def _located(self) -> dict[Path_, Place]:
        if self._places is None:
            composer = Composer(self.file, self.content, locate=True)
            composer.document()
            self._places, self._keys = composer.places, composer.keys
        return self._places


def read_document(path: Path, shown: str) -> Document:
    """The file at `path`, called `shown` in messages. Raises InputError only if it cannot be opened; see `problems`."""
    content = read_bytes(path, shown)
    document = parse(content, shown, as_json=path.suffix == ".json")
    document.path = path
    return document


def parse(content: bytes, file: str, *, as_json: bool = False) -> Document:
    """Bytes → document. Never raises; `problems` says what is wrong with the text as such."""
    document = Document(file, content=content)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        document.problems.append(problem_at(file, *line_column(before), "is not UTF-8 text", "save the file as UTF-8"))
        return document
    if as_json:
        _parse_json(document, text)
    elif ends := LINE_ENDS.search(text):
        # No reader of YAML agrees with another on how many lines come before whatever else is wrong.
        document.problems.append(problem_at(file, *line_column(text[: ends.start()]), *explain(ends[0])))
    else:
        _parse_yaml(document)
    document.problems += _invisible(document, text)
    return document


def _parse_yaml(document: Document) -> None:
    composer = Composer(document.file, document.content)
    document.value = composer.document()
    document.problems, document.traps = composer.problems, composer.traps
    document.has_nulls = composer.has_nulls


def _invisible(document: Document, text: str) -> Iterator[Problem]:
    for hidden in islice(hidden_in(document.value, text), MAX_PROBLEMS):
        place = document.place_in(hidden.path, hidden.text, hidden.at, key=hidden.key)
        yield problem_at(document.file, place.line, place.column, *hidden.words)


# -- JSON --------------------------------------------------------------------------------------------------------------

#: Half a character: with its other half JSON knows it, YAML never does. Nor does it indent with tabs.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def _parse_json(document: Document, text: str) -> None:
    try:
        value = read_json(text, NOWHERE, MAX_DEPTH)
    except NotJsonError as error:
        at = line_column(text[: error.offset])
        document.problems.append(problem_at(document.file, *at, error.what, error.meant))
        return
    # As long as it was, so that everything stands where it stood.
    document.content = _SURROGATE.sub(rb"\\u0020", document.content.replace(b"\t", b" "))
    composer = Composer(document.file, document.content)
    composer.document()
    # The other reader bounds depth and size; what it thinks of JSON's escapes does not matter.
    document.problems = [problem for problem in composer.problems if "too " in problem.what]
    if value is None:
        document.problems.append(problem_at(document.file, 1, 1, "is empty"))
    if not document.problems:
        document.value = value


# -- YAML --------------------------------------------------------------------------------------------------------------


def _letters(text: str) -> str:
    return re.sub(r"[\s'\"]", "", text)
