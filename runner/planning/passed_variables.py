"""The variables of the shell that a run hands on, apart those that look like secrets: these are kept like secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from runner.planning.secret_values import unfit
from runner.specs.env_patterns import passing
from runner.specs.settings import texts_of

_SECRET_NAME = re.compile(
    r"TOKEN|SECRET|PASSW|PASSPHRASE|APIKEY|CREDENTIAL|(?:^|_)(?:KEYS?|PASS|PAT|JWT|DSN)(?:_|$)|_(?:AUTH|PWD)$"
)
#: The name of a place where a secret is, which is none itself.
_PLACE_NAME = re.compile(r"_(?:FILE|PATH|DIR|SOCK|SOCKET|URL|URI|HOST|PORT|COMMAND)$|PASSFILE$")
_SECRET_VALUE = (
    # An address with a password, or with what is too long for a login.
    re.compile(r"://(?:[^/\s@]*:[^/\s@]+|[^/\s@]{16,})@"),
    re.compile(r"(?i)(?:token|secret|passw(?:or)?d|pwd|api_?key|signature)=[^\s&;]"),
    re.compile(r"(?i)\b(?:bearer|basic)\s+\S{8}"),
    re.compile(r"PRIVATE KEY-----"),
    re.compile(r"^eyJ[\w-]+\.[\w-]+\."),
)


def split(patterns: Iterable[str], *, declared: Collection[str] = ()) -> tuple[dict[str, str], tuple[str, ...]]:
    """name → value of what may be written down, and the names of what looks secret, or is `declared` to be one."""
    found = passing(patterns, os.environ)
    secret = tuple(name for name, value in found.items() if name in declared or looks_secret(name, value))
    return {name: value for name, value in found.items() if name not in secret}, secret


def secrets_of(settings: Any) -> list[str]:
    """The values in Chaos Toolkit's settings that look secret; of its `auths` every value."""
    auths = settings.get("auths") if isinstance(settings, Mapping) else None
    own = [text for key, text in texts_of(settings) if looks_secret(key.replace("-", "_"), text)]
    return [*own, *(text for key, text in texts_of(auths) if key == "value" and not unfit(text))]


def looks_secret(name: str, value: str) -> bool:
    """By its name or by its value. What no text could be kept free of counts as none."""
    upper = name.upper()
    is_place = bool(_PLACE_NAME.search(upper)) or ("CREDENTIAL" in upper and value.startswith(("/", "~", "./")))
    named = bool(_SECRET_NAME.search(upper)) and not is_place
    return (named or any(each.search(value) for each in _SECRET_VALUE)) and not unfit(value)
