"""Checking plain values by hand, where a document is not ours to model: Chaos Toolkit's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runner.specs.diagnostics import Diagnostics, nearest, no_truth, shown
from runner.specs.substitution import placeholders
from runner.specs.yaml import Path_
from runner.specs.yaml_composer import Json


class Shape:
    """Looks at the values of one document; each method notes what is wrong at `path`."""

    def __init__(self, notes: Diagnostics) -> None:
        self.notes = notes

    def mapping(self, path: Path_, value: Json, known: Iterable[str] = (), required: Iterable[str] = ()) -> bool:
        """A mapping with no key but the `known` (any, when none are named), and all the `required`."""
        if not isinstance(value, dict):
            self._expected(path, value, "a mapping", "write `key: value` lines")
            return False
        names = list(known)
        for key in value:
            if names and key not in names:
                self.notes.add((*path, key), f"unknown key {key!r}", nearest(key, names), key=True)
        for key in required:
            if key not in value:
                self.notes.add(path, f"{key!r} is missing")
        return True

    def items(self, path: Path_, value: Json) -> Iterator[tuple[Path_, Json]]:
        """The items of a list, with their paths; none of what is not a list."""
        if not isinstance(value, list):
            self._expected(path, value, "a list", "write `- item` lines, or [item, item]")
            return
        for index, item in enumerate(value):
            yield (*path, index), item

    def text(self, path: Path_, value: Json) -> bool:
        """A text that is not empty."""
        if isinstance(value, str) and value.strip():
            return True
        if isinstance(value, str):
            self.notes.add(path, f"{_name(path)}is empty")
        elif isinstance(value, bool | int | float):
            word = self.notes.document.place(path).word or str(value).lower()
            reading = "a truth value" if isinstance(value, bool) else f"the number {value}"
            self.notes.add(path, f"{_name(path)}{word} would be read as {reading}", f'quote it: "{word}"')
        else:
            self._expected(path, value, "a text", "")
        return False

    def line(self, path: Path_, value: Json) -> None:
        """A text of one line."""
        if self.text(path, value) and ("\n" in value.strip() or len(value) > 500):
            self.notes.add(path, f"{_name(path)}runs over several lines", "a name is one line")

    def flag(self, path: Path_, value: Json) -> None:
        """true or false."""
        if not isinstance(value, bool):
            what, meant = no_truth(value)
            self.notes.add(path, f"{_name(path)}{what}", meant)

    def word(self, path: Path_, value: Json, allowed: Iterable[str]) -> bool:
        """One of a few words."""
        if isinstance(value, str) and value in allowed:
            return True
        meant = nearest(str(value), allowed, noun="one of")
        self.notes.add(path, f"{_name(path)}{shown(value)} is not possible here", meant)
        return False

    def seconds(self, path: Path_, value: Json) -> None:
        """A number of seconds, not negative, or a ${placeholder}."""
        if isinstance(value, str) and placeholders(value):
            return
        if isinstance(value, bool) or not isinstance(value, int | float):
            meant = "Chaos Toolkit takes seconds, such as 2.5"
            self.notes.add(path, f"{_name(path)}{shown(value)} is not a number", meant)
        elif value < 0:
            self.notes.add(path, f"{_name(path)}{value:g} is negative", "seconds are not below 0")

    def _expected(self, path: Path_, value: Json, noun: str, meant: str) -> None:
        self.notes.add(path, f"{_name(path)}{shown(value)} stands where {noun} is meant", meant)


def _name(path: Path_) -> str:
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    return f"{name}: " if name else ""


def texts(path: Path_, value: Json) -> Iterator[tuple[Path_, str]]:
    """Every text under a value, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts((*path, key), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts((*path, index), item)


def note_nulls(
    notes: Diagnostics, value: Json, base: Path_ = (), *, free: tuple[str, ...] = ("arguments", "expect")
) -> None:
    """A key with nothing behind it is a slip, never a way to ask for the default; below the `free` keys it is data."""
    if notes.document.has_nulls:
        for path in _nulls(base, value, free):
            notes.add(path, f"{_name(path)}has no value", "write one, or leave the key out")


def _nulls(path: Path_, value: Json, free: tuple[str, ...]) -> Iterator[Path_]:
    if value is None:
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            if item is None or key not in free:
                yield from _nulls((*path, key), item, free)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _nulls((*path, index), item, free)
