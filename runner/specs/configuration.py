"""What of an experiment's `configuration` is known before Chaos Toolkit resolves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


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
