"""What of an experiment's `configuration` is known before Chaos Toolkit resolves it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

#: The types that a variable's text is turned into, by their names.
TYPES = ("str", "string", "int", "integer", "float", "number", "bytes", "bool", "json")


def _json(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) and text else text


def _bool(value: Any) -> bool:
    return value if isinstance(value, bool) else value.lower() not in ("false", "0", "no")


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "int": int,
    "integer": int,
    "float": float,
    "number": float,
    "bytes": lambda text: text.encode(),
    "bool": _bool,
    "json": _json,
}


def converted(kind: str | None, value: Any) -> Any:
    """What Chaos Toolkit makes of a variable's text, or of a default. Raises ValueError for what is no such value."""
    try:
        return _CONVERTERS[kind](value) if kind is not None and kind in _CONVERTERS else value
    except (ValueError, TypeError, AttributeError) as error:
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
