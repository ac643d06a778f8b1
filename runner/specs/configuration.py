"""What of an experiment's `configuration` is known before Chaos Toolkit resolves it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

#: The types that a variable's text is turned into, by their names.
TYPES = ("str", "string", "int", "integer", "float", "number", "bytes", "bool", "json")


def _json(text: Any) -> Any:
    value = json.loads(text, parse_constant=_refuse) if isinstance(text, str) and text else text
    # A number beyond a double is read as infinite, however deep it stands.
    json.dumps(value, allow_nan=False)
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _number(value: Any) -> float:
    """A finite one: nothing else can be written down."""
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def _bool(value: Any) -> bool:
    return value if isinstance(value, bool) else value.lower() not in ("false", "0", "no")


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "int": int,
    "integer": int,
    "float": _number,
    "number": _number,
    "bytes": lambda text: text.encode(),
    "bool": _bool,
    "json": _json,
}


def converted(kind: str | None, value: Any) -> Any:
    """What Chaos Toolkit makes of a variable's text, or of a default. Raises ValueError for what is no such value."""
    try:
        return _CONVERTERS[kind](value) if kind is not None and kind in _CONVERTERS else value
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"no value of the type {kind}") from error


def known_configuration(document: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    """name → value of every entry that is written down or read from an environment variable that `env` has.

    Entries that ask a probe, and variables that are missing and have no default, are left out.
    """
    known: dict[str, Any] = {}
    for name, entry in (document.get("configuration") or {}).items():
        if not isinstance(entry, Mapping) or "type" not in entry:
            known[name] = entry
        elif entry.get("type") == "env":
            value = env.get(str(entry.get("key")), entry.get("default"))
            if value is not None:
                known[name] = value
    return known
