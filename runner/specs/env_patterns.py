"""Which variables of the shell a run hands on: by name, or by a pattern with `*`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

#: What a run's own processes get says these; nothing of the shell takes their place.
OWN_PREFIXES = ("GAMEDAY_", "TARGET_")
PATTERN = re.compile(r"[A-Za-z_*?][A-Za-z0-9_*?]*")


def passing(patterns: Iterable[str], env: Mapping[str, str]) -> dict[str, str]:
    """name → value of each variable of `env` that one of the patterns fits, sorted by name."""
    wanted = tuple(patterns)
    names = sorted(name for name in env if not name.startswith(OWN_PREFIXES))
    return {name: env[name] for name in names if any(fnmatchcase(name, each) for each in wanted)}


def unmatched(patterns: Iterable[str], names: Iterable[str]) -> Iterator[str]:
    """The patterns that fit none of the names."""
    known = tuple(names)
    return (each for each in patterns if not any(fnmatchcase(name, each) for name in known))
