"""The text of a JSON file → plain values, strictly: what other readers refuse or read otherwise is refused here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

Json = Any

# Strings whole, so that what looks like a number inside one is none.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s",:\[\]{}]+', re.DOTALL)
_HALF = re.compile("[\ud800-\udfff]")
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_DIGITS = 4300

#: What is said of a file of either kind whose mappings and lists nest deeper than they may.
TOO_DEEP = "nests too deep"


class NotJsonError(Exception):
    """Why, and where: the offset in the text."""

    def __init__(self, what: str, offset: int, meant: str = "") -> None:
        super().__init__(what)
        self.what, self.offset, self.meant = what, offset, meant


def read_json(text: str, hidden: re.Pattern[str], max_depth: int) -> Json:
    """The value. Raises NotJsonError; `hidden` are characters that no text in it may hold.

    `max_depth` is how many objects and lists may stand in each other. It is asked before the text is read, so that
    no limit of the reader comes first.
    """
    if (deep := _too_deep_at(text, max_depth)) is not None:
        raise NotJsonError(TOO_DEEP, deep, f"at most {max_depth} levels")
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_mapping)
    except json.JSONDecodeError as error:
        raise NotJsonError(f"is not JSON: {error.msg}", error.pos) from None
    except _WordError as error:
        raise NotJsonError(str(error), error.find(text)) from None
    except ValueError:
        offset = _offset(text, lambda token: len(token) > _DIGITS and token.lstrip("-").isdigit())
        raise NotJsonError("holds a number with too many digits", offset) from None
    for words in _texts(value):
        if (found := hidden.search(words)) or (found := _HALF.search(words)):
            _refuse_character(text, found[0])
    return value


def _too_deep_at(text: str, max_depth: int) -> int | None:
    if text.count("[") + text.count("{") <= max_depth:
        return None
    depth = 0
    for match in _BRACKETS.finditer(text):
        depth += (match[0] in "[{") - (match[0] in "]}")
        if depth > max_depth:
            return match.start()
    return None


class _WordError(Exception):
    """A word of the text is wrong; `find` says at which offset it stands."""

    def __init__(self, what: str, find: Callable[[str], int]) -> None:
        super().__init__(what)
        self.find = find


def _refuse(word: str) -> None:
    raise _WordError(f"{word} is not a finite number", lambda text: _offset(text, lambda token: token == word))


def _finite(word: str) -> float:
    value = float(word)
    if value in (float("inf"), float("-inf")):
        _refuse(word)
    return value


def _mapping(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    items = dict(pairs)
    if len(items) < len(pairs):
        seen: set[str] = set()
        doubled = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _WordError(f"the key {doubled!r} stands here twice", lambda text: _second(text, doubled))
    return items


def _second(text: str, key: str) -> int:
    """Where a key stands for the second time: in the file, for which object is no longer known."""
    places = (match.start() for match in _TOKEN.finditer(text) if _said(match[0]) == key and _is_key(text, match.end()))
    return next(islice(places, 1, None), 0)


def _is_key(text: str, end: int) -> bool:
    return text[end : end + 100].lstrip().startswith(":")


def _refuse_character(text: str, character: str) -> None:
    offset = _offset(text, lambda token: character in (_said(token) or ""))
    if _HALF.match(character):
        raise NotJsonError(f"holds U+{ord(character):04X}, which is half a character", offset, "write it out")
    raise NotJsonError(f"holds the invisible character U+{ord(character):04X}", offset, "remove it")


def _said(token: str) -> str | None:
    return json.loads(token) if token.startswith('"') else None


def _offset(text: str, wanted: Callable[[str], bool]) -> int:
    return next((match.start() for match in _TOKEN.finditer(text) if wanted(match[0])), 0)


def _texts(value: Json) -> Iterator[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from item
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
