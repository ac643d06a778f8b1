"""Which variables of the shell a run hands on: by name, or by a pattern with `*`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import AfterValidator

from runner.specs.fields import wrong

#: What a run's own processes get says these; nothing of the shell takes their place.
OWN_PREFIXES = ("GAMEDAY_", "TARGET_")
_PATTERN = re.compile(r"[A-Za-z_*?][A-Za-z0-9_*?]*")


def _pattern(text: str) -> str:
    if not _PATTERN.fullmatch(text):
        wrong(f"{text!r} is not the name of a variable", "write it like AWS_PROFILE or VAULT_*")
    if not text.strip("*?_"):
        wrong(f"{text!r} would let every variable through", "name those that are needed, such as VAULT_*")
    if text.startswith(OWN_PREFIXES):
        wrong(f"{text!r} is one that Gameday itself sets", "leave it out")
    return text


#: A name of an environment variable, or a pattern of several: `*` stands for any part of it, `?` for one character.
Passing = Annotated[str, AfterValidator(_pattern)]


def passing(patterns: Iterable[str], env: Mapping[str, str]) -> dict[str, str]:
    """name → value of each variable of `env` that one of the patterns fits, sorted by name."""
    wanted = tuple(patterns)
    names = sorted(name for name in env if not name.startswith(OWN_PREFIXES))
    return {name: env[name] for name in names if any(fnmatchcase(name, each) for each in wanted)}


def unmatched(patterns: Iterable[str], names: Iterable[str]) -> Iterator[str]:
    """The patterns that fit none of the names."""
    known = tuple(names)
    return (each for each in patterns if not any(fnmatchcase(name, each) for name in known))
