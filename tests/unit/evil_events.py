"""One event of every kind with strings in it that want to act on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from runner.engine.events import Event

#: Escape sequences, a line of its own, a bell, a direction change, markup.
EVIL = "\x1b[31mred\x1b]0;title\x07\x9b2J\r\n+99:99.99  ✓ forged\u202e[/nope] [@click=app.quit]x\x00"


def every_event() -> Iterator[Event]:
    """Of each kind one, every string in it EVIL."""
    for kind in sorted(Event.__subclasses__(), key=lambda kind: kind.kind):
        hints = get_type_hints(kind)
        yield kind(**{field.name: _value(hints[field.name]) for field in fields(kind)})


def _value(wanted: Any) -> Any:
    origin, parts = get_origin(wanted), get_args(wanted)
    if origin in (Union, UnionType):
        return _value(next(part for part in parts if part is not type(None)))
    if origin is tuple:
        return (_value(parts[0]),)
    if wanted is bool:
        return False
    if wanted in (int, float):
        return wanted(1)
    if wanted is str:
        return EVIL
    return {} if origin is not None else EVIL


def acts(text: str) -> list[str]:
    """The characters of a text, but line ends, that a terminal would obey."""
    return sorted({repr(c) for c in text if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u202e\u2066")})
