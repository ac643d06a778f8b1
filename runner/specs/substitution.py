"""`${name}` in texts: which names a value asks for, and putting their values in.

A name is letters, digits, `_`, `-` and dots, as in `${target.url}`. `$${name}` stands for a literal `${name}`;
every other `$` means itself, so a JSON path needs no escaping. A text that is one placeholder and nothing else takes
the value with its type, as in Chaos Toolkit. Keys of mappings are never touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from runner.errors import InputError

_PLACEHOLDER = re.compile(r"(?P<escape>\$)?\$\{(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)\}")


class UndefinedVariable(InputError):
    """A `${name}` that nothing defines. `known` are the names that are."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(sorted(known))
        near = get_close_matches(name, self.known, n=1)
        self.what = f"nothing defines ${{{name}}}"
        self.meant = f"did you mean ${{{near[0]}}}?" if near else f"defined here: {', '.join(self.known) or 'nothing'}"
        super().__init__(f"{self.what}; {self.meant}")


def placeholders(value: object) -> list[str]:
    """The names that a text, or any JSON-like value, asks for: each once, in order of appearance."""
    return list(dict.fromkeys(_names(value)))


def _names(value: object) -> Iterable[str]:
    if isinstance(value, str):
        for found in _PLACEHOLDER.finditer(value):
            if not found["escape"]:
                yield found["name"]
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _names(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _names(item)


def substitute(value: Any, variables: Mapping[str, Any]) -> Any:
    """A copy of a JSON-like value with every placeholder replaced, once: a value put in is not read again.

    Raises UndefinedVariable at the first name that `variables` lacks.
    """
    if isinstance(value, str):
        return _substitute_text(value, variables)
    if isinstance(value, Mapping):
        return {key: substitute(item, variables) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(substitute(item, variables) for item in value)
    return value


def _substitute_text(text: str, variables: Mapping[str, Any]) -> Any:
    whole = _PLACEHOLDER.fullmatch(text)
    if whole and not whole["escape"]:
        return _lookup(whole["name"], variables)
    return _PLACEHOLDER.sub(
        lambda found: found[0][1:] if found["escape"] else str(_lookup(found["name"], variables)), text
    )


def _lookup(name: str, variables: Mapping[str, Any]) -> Any:
    if name not in variables:
        raise UndefinedVariable(name, variables)
    return variables[name]
