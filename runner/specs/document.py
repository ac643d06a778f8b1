"""What the document of a checked experiment says, for those who need no model of it: models take long to import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.specs.place import Path_

Json = Any


def variables(document: Mapping[str, Json]) -> list[str]:
    """The names that `${…}` may stand for: of the configuration, and of the secrets in all groups."""
    configuration, secrets = document.get("configuration"), document.get("secrets")
    names = list(configuration) if isinstance(configuration, dict) else []
    for group in secrets.values() if isinstance(secrets, dict) else ():
        names.extend(group if isinstance(group, dict) else ())
    return names


def opens_unasked(document: Mapping[str, Json], *, controlled: bool = False) -> bool:
    """Whether its method may change something to be undone before an action asks: with a probe, or a control.

    `controlled` when controls that are not the experiment's own are called around it too.
    """
    method = document.get("method")
    if controlled or document.get("controls"):
        return True
    if not isinstance(method, list) or not method:
        return bool(document.get("rollbacks"))
    hypothesis = document.get("steady-state-hypothesis")
    probes = hypothesis.get("probes") or () if isinstance(hypothesis, dict) else ()
    named = {each["name"]: each for each in (*method, *probes) if "name" in each}
    first = named.get(method[0]["ref"], {}) if "ref" in method[0] else method[0]
    if first.get("controls"):
        return True
    return first.get("type") != "action" and bool(document.get("rollbacks"))


def environment(document: Mapping[str, Json]) -> tuple[str, ...]:
    """The environment variables that its configuration is read from."""
    return _variables_of([document.get("configuration")])


def secret_variables(document: Mapping[str, Json]) -> tuple[str, ...]:
    """The environment variables that its secrets are read from."""
    secrets = document.get("secrets")
    return _variables_of(list(secrets.values()) if isinstance(secrets, dict) else [])


def secret_entry(document: Mapping[str, Json], variable: str) -> Path_:
    """Where its secrets name that environment variable; () when none does."""
    groups = document.get("secrets")
    for group, entries in groups.items() if isinstance(groups, dict) else ():
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            if isinstance(entry, dict) and entry.get("type") == "env" and entry.get("key") == variable:
                return "secrets", group, name, "key"
    return ()


def _variables_of(groups: list[Json]) -> tuple[str, ...]:
    entries = [entry for group in groups if isinstance(group, dict) for entry in group.values()]
    keys = (str(each.get("key")) for each in entries if isinstance(each, dict) and each.get("type") == "env")
    return tuple(dict.fromkeys(keys))


def has_controls(document: Mapping[str, Json]) -> bool:
    """Whether anything of it is under control: the whole, its hypothesis, an activity."""
    hypothesis = document.get("steady-state-hypothesis")
    parts = [document, hypothesis, *_listed(hypothesis, "probes"), *_listed(document, "method")]
    return any(isinstance(each, Mapping) and each.get("controls") for each in [*parts, *_listed(document, "rollbacks")])


def _listed(holder: Json, key: str) -> list[Json]:
    value = holder.get(key) if isinstance(holder, Mapping) else None
    return value if isinstance(value, list) else []
