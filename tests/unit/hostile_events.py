"""One event of every kind with strings in it that want to act on a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from runner.engine.events import Event

#: Escape sequences, a line of its own, a bell, a direction change, markup.
EVIL = "\x1b[31mred\x1b]0;title\x07\x9b2J\r\n+99:99.99  ✓ forged\u202e[/nope] [@click=app.quit]x\x00"


def every_event(text: str = EVIL) -> Iterator[Event]:
    """Of each kind one, every string in it `text`."""
    for kind in sorted(Event.__subclasses__(), key=lambda kind: kind.kind):
        hints = get_type_hints(kind)
        yield kind(**{field.name: _value(hints[field.name], text) for field in fields(kind)})


def _value(wanted: Any, text: str) -> Any:
    origin, parts = get_origin(wanted), get_args(wanted)
    if origin in (Union, UnionType):
        return _value(next(part for part in parts if part is not type(None)), text)
    if origin is tuple:
        return (_value(parts[0], text),)
    if wanted is bool:
        return False
    if wanted in (int, float):
        return wanted(1)
    if wanted is str:
        return text
    return {} if origin is not None else text


def turned(value: Any, text: str) -> Any:
    """The same value with `text` for every string in it, in its keys and in the values that it holds."""
    if isinstance(value, str):
        return text
    if isinstance(value, Mapping):
        return {key: turned(item, text) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(turned(item, text) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: turned(getattr(value, each.name), text) for each in fields(value)})
    return value


def acts(text: str) -> list[str]:
    """The characters of a text, but line ends, that a terminal would obey."""
    return sorted({repr(c) for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")})
