"""YAML → plain values, composed from the parser's events: bounded before anything is built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from runner.errors import Problem
from runner.lazy_dataclass import lazy_dataclass
from runner.specs.json_text import TOO_DEEP
from runner.specs.place import MAX_PROBLEMS
from runner.specs.place import Path_ as Path_
from runner.specs.scalars import MAYBE_TYPED, Plain, read_plain
from runner.specs.yaml_syntax import complaint

Json = Any
#: How deep mappings and lists may nest; how many values a file may hold, aliases expanded; how many aliases.
MAX_DEPTH = 64
MAX_VALUES = 20_000
MAX_ALIASES = 100
_SCALAR, _ALIAS = yaml.ScalarEvent, yaml.AliasEvent
_MAPPING, _MAPPING_END = yaml.MappingStartEvent, yaml.MappingEndEvent
_SEQUENCE, _SEQUENCE_END = yaml.SequenceStartEvent, yaml.SequenceEndEvent
_CORE = "tag:yaml.org,2002:"


@lazy_dataclass(frozen=True)
class Place:
    """Line and column, both from 1; `word` is what stands there when it is unquoted."""

    line: int
    column: int
    word: str | None = None


@lazy_dataclass(frozen=True)
class Trap:
    """An unquoted word that other tools read as something else than its text."""

    line: int
    column: int
    word: str
    as_: str


class _UnusableError(Exception):
    """The rest of the file cannot be read; the problem is recorded."""


class Composer:
    """One pass over one file."""

    def __init__(self, file: str, content: bytes, *, locate: bool = False) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.traps: list[Trap] = []
        self.places: dict[Path_, Place] = {}
        self.keys: dict[Path_, Place] = {}
        self.has_nulls = False
        self._locate = locate
        self._content = content
        self._anchors: dict[str, tuple[Json, int]] = {}
        self._count = 0
        self._aliases = 0
        self._next: Callable[[], Any] = lambda: None

    def document(self) -> Json:
        """The value of the only document in the file; None when there is none to use."""
        loader = None
        try:
            loader = yaml.CSafeLoader(self._content)
            self._next = loader.get_event
            return self._whole()
        except _UnusableError:
            return None
        except yaml.YAMLError as error:
            self.problems.append(_syntax_problem(self.file, error, self._content))
            return None
        finally:
            if loader is not None:
                loader.dispose()

    def _whole(self) -> Json:
        self._next()
        first = self._next()
        if type(first) is yaml.StreamEndEvent:
            self.problems.append(problem_at(self.file, 1, 1, "is empty"))
            return None
        value = self._value(self._next(), (), 0)
        self._next()
        after = self._next()
        if type(after) is not yaml.StreamEndEvent:
            self._fail(after, "a second document begins here", "one file holds one document")
        if value is None:
            self.problems.append(problem_at(self.file, 1, 1, "is empty"))
        return value

    def _value(self, event: Any, path: Path_, depth: int) -> Json:
        kind = type(event)
        self._count += 1
        if self._count > MAX_VALUES:
            self._fail(event, "too many values", f"a file holds at most {MAX_VALUES:,}, aliases counted each time")
        if self._locate:
            mark = event.start_mark
            word = event.value if kind is _SCALAR and event.implicit[0] else None
            self.places[path] = Place(mark.line + 1, mark.column + 1, word)
        if kind is _ALIAS:
            return self._alias(event, depth)
        before = self._count
        if event.tag is not None:
            self._check_tag(event)
        if kind is _SCALAR:
            value = self._scalar(event)
        elif depth >= MAX_DEPTH:
            self._fail(event, TOO_DEEP, f"at most {MAX_DEPTH} levels")
        else:
            value = self._mapping(path, depth) if kind is _MAPPING else self._sequence(path, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._count - before + 1)
        return value

    def _scalar(self, event: Any) -> Json:
        text: str = event.value
        if (text and text[0] not in MAYBE_TYPED) or not event.implicit[0] or event.tag is not None:
            return text
        plain = read_plain(text)
        if plain.as_ or plain.refused:
            self._note(event, plain)
        if plain.value is None:
            self.has_nulls = True
        return plain.value

    def _sequence(self, path: Path_, depth: int) -> list[Json]:
        items: list[Json] = []
        while type(event := self._next()) is not _SEQUENCE_END:
            items.append(self._value(event, (*path, len(items)) if self._locate else path, depth + 1))
        return items

    def _mapping(self, path: Path_, depth: int) -> dict[str, Json]:
        items: dict[str, Json] = {}
        merged: list[Json] = []
        while type(event := self._next()) is not _MAPPING_END:
            if type(event) is not _SCALAR:
                self._fail(event, "a key must be one word or text", "quote it if it holds brackets or braces")
            key = self._key(event)
            if key == "<<" and event.implicit[0]:
                merged.append((event, self._value(self._next(), path, depth + 1)))
                continue
            if key in items:
                self._add(event, f"the key {_short(key)} stands here twice", "keep one of the two")
            at = path
            if self._locate:
                at = (*path, key)
                mark = event.start_mark
                self.keys[at] = Place(mark.line + 1, mark.column + 1, event.value)
            items[key] = self._value(self._next(), at, depth + 1)
        return self._merge(items, merged) if merged else items

    def _key(self, event: Any) -> str:
        key: str = event.value
        if event.tag is not None:
            self._check_tag(event)
        if (not key or key[0] in MAYBE_TYPED) and event.implicit[0]:
            plain = read_plain(key)
            if plain.as_ or plain.refused:
                self._note(event, plain)
            elif plain.value is None:
                self._add(event, "a key is missing before ':'", "write `key: value`")
            elif isinstance(plain.value, float):
                self._note(event, Plain(key, as_=f"the number {plain.value!r}"))
        return key

    def _merge(self, items: dict[str, Json], merged: list[Any]) -> dict[str, Json]:
        inherited: dict[str, Json] = {}
        for event, value in merged:
            for source in value if isinstance(value, list) else [value]:
                if not isinstance(source, dict):
                    self._add(event, "'<<' merges mappings only", "give it an alias of a mapping")
                    continue
                inherited = {**source, **inherited}
        return {**inherited, **items}

    def _alias(self, event: Any, depth: int) -> Json:
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            self._fail(event, "too many aliases", f"a file uses at most {MAX_ALIASES}")
        if event.anchor not in self._anchors:
            self._fail(event, f"there is no anchor &{event.anchor} before this", "define it above, or write it out")
        value, size = self._anchors[event.anchor]
        self._count += size
        if self._count > MAX_VALUES:
            self._fail(event, "too many values", f"a file holds at most {MAX_VALUES:,}, aliases counted each time")
        if depth + _height(value) > MAX_DEPTH:
            self._fail(event, TOO_DEEP, f"at most {MAX_DEPTH} levels")
        return value

    def _check_tag(self, event: Any) -> None:
        known = event.tag == _CORE + "str" if type(event) is _SCALAR else event.tag in (_CORE + "map", _CORE + "seq")
        if not known:
            tag = event.tag.replace(_CORE, "!!")
            self._add(event, f"the tag {_short(tag)} is not allowed", "write the value itself")

    def _note(self, event: Any, plain: Plain) -> None:
        if plain.refused:
            self._add(event, plain.refused, "write a number, or quote it if text is meant")
            return
        mark = event.start_mark
        if len(self.traps) < MAX_PROBLEMS:
            self.traps.append(Trap(mark.line + 1, mark.column + 1, event.value, plain.as_))

    def _add(self, event: Any, what: str, meant: str) -> None:
        mark = event.start_mark
        self.problems.append(problem_at(self.file, mark.line + 1, mark.column + 1, what, meant))
        if len(self.problems) >= MAX_PROBLEMS:
            self.problems.append(
                problem_at(self.file, 0, 0, f"holds more than {MAX_PROBLEMS} mistakes; these are the first")
            )
            raise _UnusableError

    def _fail(self, event: Any, what: str, meant: str) -> None:
        self._add(event, what, meant)
        raise _UnusableError


def _height(value: Json) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_height, value), default=0) if isinstance(value, list) else 0


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _too_deep_at(before: str) -> Any:
    """The mark of the first mapping or list in this beginning of a file that MAX_DEPTH others hold; None without one.

    libyaml reads up to 1,024 characters ahead and bounds nesting there too, so its error can come before the event that
    passes our bound. In the text before its error there is nothing that it objects to.
    """
    depth = 0
    loader: Any = yaml.CSafeLoader(before.encode())
    try:
        while (kind := type(event := loader.get_event())) is not yaml.StreamEndEvent:
            depth += (kind in (_MAPPING, _SEQUENCE)) - (kind in (_MAPPING_END, _SEQUENCE_END))
            if depth > MAX_DEPTH:
                return event.start_mark
    except yaml.YAMLError:
        pass
    finally:
        loader.dispose()
    return None


def _syntax_problem(file: str, error: yaml.YAMLError, content: bytes) -> Problem:
    mark = getattr(error, "problem_mark", None)
    if mark is not None and (deep := _too_deep_at(content.decode()[: mark.index])):
        return problem_at(file, deep.line + 1, deep.column + 1, TOO_DEEP, f"at most {MAX_DEPTH} levels")
    told = complaint(error, content)
    return problem_at(file, told.line, told.column, told.what, told.meant)


def problem_at(file: str, line: int, column: int, what: str, meant: str = "") -> Problem:
    return Problem(file=file, line=line, column=column, what=what, meant=meant)
