"""Taking secrets out of whatever is about to be written or shown, by value.

A secret is found as it is, and in the spellings that tools give it: base64, percent-encoded, hexadecimal, JSON-escaped.
Where a secret stood, `MASK` stands.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "[redacted]"

# Shorter ones are found only as a whole value: taking every "1" or "no" out of a text would leave nothing of it.
_SHORTEST_INSIDE_TEXT = 4
# A key or certificate is often printed line by line; a shorter line may be anybody's.
_SHORTEST_LINE = 12
# What is left of a base64 spelling once the characters shared with its neighbours are cut off.
_SHORTEST_BASE64_CORE = 8


class Redactor:
    """Knows the secrets of a run. Immutable; safe to share between threads.

    `secrets` are the plain values. Empty ones are ignored; those shorter than four characters are masked only where
    they are a whole value.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = frozenset(secret for secret in secrets if secret)
        spellings = {s for secret in self._secrets for s in _spellings(secret) if len(s) >= _SHORTEST_INSIDE_TEXT}
        # The longest first, or a spelling contained in another would leave the rest of it standing.
        self._spellings = tuple(sorted(spellings, key=lambda spelling: (-len(spelling), spelling)))

    @property
    def secrets(self) -> frozenset[str]:
        """The plain values this redactor was made of."""
        return self._secrets

    def including(self, more: Iterable[str]) -> Redactor:
        """A redactor that knows `more` secrets too."""
        return Redactor(self._secrets.union(more))

    def text(self, text: str) -> str:
        """`text` with every spelling of every secret masked."""
        if text in self._secrets:
            return MASK
        for spelling in self._spellings:
            if spelling in text:
                text = text.replace(spelling, MASK)
        return text

    def value(self, value: Any) -> Any:
        """A copy of a JSON-like value, masked in keys, strings and numbers alike."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        if isinstance(value, int | float) and not isinstance(value, bool) and str(value) in self._secrets:
            return MASK
        return value


def _spellings(secret: str) -> Iterator[str]:
    # A value read from a file often keeps its last newline, and is used without.
    for plain in {secret, secret.strip()} - {""}:
        raw = plain.encode("utf-8", "surrogateescape")
        yield plain
        yield from _percent(plain)
        yield from _escaped(plain)
        yield raw.hex()
        yield raw.hex().upper()
        yield from _base64(raw)
    lines = secret.splitlines()
    if len(lines) > 1:
        yield from (line.strip() for line in lines if len(line.strip()) >= _SHORTEST_LINE)


def _percent(plain: str) -> Iterator[str]:
    for encoded in (
        quote(plain, safe="", errors="surrogateescape"),
        quote(plain, errors="surrogateescape"),
        quote_plus(plain, errors="surrogateescape"),
    ):
        yield encoded
        yield _lower_percent(encoded)


def _lower_percent(encoded: str) -> str:
    head, *rest = encoded.split("%")
    return "%".join([head, *(part[:2].lower() + part[2:] for part in rest)])


def _escaped(plain: str) -> Iterator[str]:
    for ascii_only in (True, False):
        once = json.dumps(plain, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]
    yield repr(plain)[1:-1]


def _base64(raw: bytes) -> Iterator[str]:
    """As a whole, and inside a longer value (`user:password`), where it begins at one of three offsets."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(raw).decode()
        yield whole
        yield whole.rstrip("=")
        for before in range(3):
            encoded = encode(b"\0" * before + raw).decode().rstrip("=")
            partly_ours = -(-before * 8 // 6)
            tail = 1 if (before + len(raw)) % 3 else 0
            core = encoded[partly_ours : len(encoded) - tail]
            if len(core) >= _SHORTEST_BASE64_CORE:
                yield core
