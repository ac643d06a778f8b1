"""Characters that nobody sees, and where a file may hold them all the same: one rule for every kind of file.

A shell, a name, a key, an address take a no-break space for a letter. In prose it is one way to write: there it may
stand, as may what joins emoji or the letters of a script. Control characters and marks that turn the direction of
text may stand nowhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from runner.lazy_dataclass import lazy_dataclass

Json = Any
Path_ = tuple[str | int, ...]

#: Controls but tab and line ends, marks of direction, the mark at a file's beginning anywhere else.
NOWHERE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)
#: What some readers of YAML take for the end of a line, and others for a character of it.
LINE_ENDS = re.compile("[\x85\u2028\u2029]")
_IN_PROSE = re.compile(
    "[\u00a0\u00ad\u034f\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200d\u202f\u205f-\u2065\u206a-\u206f"
    "\u2800\u3000\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
_ANY = re.compile(f"{NOWHERE.pattern}|{_IN_PROSE.pattern}")

#: Keys of texts that only people read.
_PROSE = frozenset(("description", "briefing", "hint", "prompt", "confirm", "title", "no-undo", "why", "note"))
#: Keys below which everything is data: whatever somebody sends, or waits for.
_DATA = frozenset(("expect", "contributions"))


@lazy_dataclass(frozen=True)
class Hidden:
    """A character that may not stand there: in the text at `path`, or with `key` in the key, at its index `at`."""

    path: Path_
    key: bool
    text: str
    at: int

    @property
    def words(self) -> tuple[str, str]:
        """What is wrong, and the cure."""
        return explain(self.text[self.at])


def explain(character: str) -> tuple[str, str]:
    """What is wrong with this character, and the cure."""
    name = unicodedata.name(character, "").lower()
    what = f"holds the invisible character U+{ord(character):04X}{f' ({name})' if name else ''}"
    return what, "write an ordinary space" if unicodedata.category(character) == "Zs" else "remove it"


def first_hidden(text: str, *, prose: bool = False) -> int | None:
    """The index of the first character that may not stand in a text; None when there is none."""
    found = (match.start() for match in (NOWHERE if prose else _ANY).finditer(text))
    return next((at for at in found if not _shows_a_sign(text, at)), None)


def _shows_a_sign(text: str, at: int) -> bool:
    """A selector behind a symbol shows it in colour, or in black: ⚠️ is seen."""
    if not "\ufe00" <= text[at] <= "\ufe0f" or not at:
        return False
    return unicodedata.category(text[at - 1]).startswith("S") or text[at + 1 : at + 2] == "\u20e3"


def hidden_in(value: Json, content: str) -> Iterator[Hidden]:
    """Everything of the kind in a document's value, in order; `content` is the text that the value was read from."""
    # An escape may stand for any character.
    if _ANY.search(content) or "\\" in content:
        yield from _below((), value, data=False)


def _below(path: Path_, value: Json, *, data: bool) -> Iterator[Hidden]:
    if isinstance(value, str):
        at = first_hidden(value, prose=data or (bool(path) and path[-1] in _PROSE))
        if at is not None:
            yield Hidden(path, False, value, at)
    elif isinstance(value, dict):
        for key, item in value.items():
            if (at := first_hidden(key, prose=data)) is not None:
                yield Hidden((*path, key), True, key, at)
            yield from _below((*path, key), item, data=data or key in _DATA or _is_sent(key, value))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _below((*path, index), item, data=data)


def _is_sent(key: str, holder: dict[str, Json]) -> bool:
    """What an http call or a function is given is data; what a process is given are words of a command."""
    return key == "arguments" and holder.get("type") in ("http", "python")
