"""Taking secrets out of whatever is about to be written or shown, by value.

A secret is found as it is, and in the spellings that tools give it: base64 wherever it begins, percent-encoded,
hexadecimal, escaped for JSON, HTML, Python or a shell. So is what a parser leaves of one that it cuts: see `with_pieces`.
Where a secret stood, `MASK` stands.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import unquote

from runner.secret_spellings import (
    PER_CHARACTER,
    SHORTEST,
    Span,
    base64_cores,
    fixed_spellings,
    forms,
    looser,
    places,
    words_with,
)

MASK = "[redacted]"

#: Characters of a piece of a secret; a shorter one tells little, and may be anybody's.
SHORTEST_PIECE = 8
# What addresses, headers, forms and lines are taken apart at.
_CUTS = re.compile(r"[/?#@:&=\s]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_MACHINE = re.compile(r"[^/?#\s]*")
# A secret with more pieces is a key or a certificate, and no parser of addresses gives its pieces another spelling.
_MANY_PIECES = 32


class Redactor:
    """Knows the secrets of a run. Immutable; safe to share between threads.

    `secrets` are the plain values. Empty ones are ignored; those shorter than SHORTEST are masked only where they are
    a whole value.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = frozenset(secret for secret in secrets if secret)

    @property
    def secrets(self) -> frozenset[str]:
        """The plain values this redactor was made of."""
        return self._secrets

    def including(self, more: Iterable[str]) -> Redactor:
        """A redactor that knows `more` secrets too."""
        more = frozenset(more)
        return self if more <= self._secrets else Redactor(self._secrets.union(more))

    def text(self, text: str) -> str:
        """`text` with every spelling of every secret masked."""
        if text in self._secrets:
            return MASK
        pieces, at = [], 0
        for start, end in self.spans(text):
            pieces += [text[at:start], MASK]
            at = end
        return "".join([*pieces, text[at:]]) if pieces else text

    def value(self, value: Any) -> Any:
        """A copy of a JSON-like value, masked in keys, strings and numbers alike."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        if isinstance(value, int | float) and not isinstance(value, bool) and self._is_secret(value):
            return MASK
        return value

    def _is_secret(self, number: float) -> bool:
        return bool(self._secrets) and (str(number) in self._secrets or f"{number:.0f}" in self._secrets)

    def spans(self, text: str) -> list[Span]:
        """Where in `text` a spelling of a secret stands, in order; none touches another."""
        found: list[Span] = []
        for spelling in self._exact:
            if spelling in text:
                found += places(spelling, text)
        for core in self._cores:
            if core in text:
                found += words_with(core, text)
        for anchor, pattern in self._patterns:
            if anchor in text:
                found += (match.span() for match in pattern.finditer(text))
        return _merged(found) if found else found

    @cached_property
    def reach(self) -> int:
        """The length of the longest spelling: no secret that ends later begins earlier."""
        return max((PER_CHARACTER * len(secret) for secret in self._known), default=0)

    @cached_property
    def openings(self) -> tuple[str, ...]:
        """What a secret of several lines begins with: its first line, its first two, and so on."""
        several = {plain for secret in self._known for plain in forms(secret) if "\n" in plain}
        return tuple({plain[: end.end()] for plain in several for end in re.finditer("\n", plain)} - several)

    @cached_property
    def _known(self) -> tuple[str, ...]:
        return tuple(secret for secret in self._secrets if len(secret) >= SHORTEST and secret not in self._plain)

    @cached_property
    def _plain(self) -> frozenset[str]:
        """The pieces that are looked for as they are."""
        long = (pieces(secret) for secret in self._secrets if len(secret) > _MANY_PIECES * SHORTEST_PIECE)
        many = (each for found in long if len(found) > _MANY_PIECES for each in found)
        return self._secrets.intersection(many)

    @cached_property
    def _exact(self) -> tuple[str, ...]:
        spellings = {each for secret in self._known for each in fixed_spellings(secret) if len(each) >= SHORTEST}
        spellings |= self._plain
        # What contains another is found with it; the other must be looked for all the same.
        return tuple(sorted(spellings))

    @cached_property
    def _patterns(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        sources = {each for secret in self._known for plain in forms(secret) for each in looser(plain)}
        return tuple((anchor, re.compile(source)) for anchor, source in sorted(sources))

    @cached_property
    def _cores(self) -> tuple[str, ...]:
        return tuple(
            sorted({core for secret in self._known for plain in forms(secret) for core in base64_cores(plain)})
        )


def pieces(secret: str) -> frozenset[str]:
    """What may be left of a secret that somebody takes apart as an address, a header or a form: what stands between
    `/ ? # @ : & =` and white space, percent-encoded or not, and in small letters as the name of a machine. The scheme and the
    machine of a secret that is itself an address are no secret.
    """
    rest = secret
    if scheme := _SCHEME.match(secret):
        login, _, after = secret[scheme.end() :].rpartition("@")
        rest = f"{login} {_MACHINE.sub('', after, count=1)}"
    found = {piece for form in (rest, unquote(rest)) for piece in _CUTS.split(form) if len(piece) >= SHORTEST_PIECE}
    return frozenset({form for piece in found for form in (piece, piece.lower())} - {secret})


def with_pieces(secrets: Iterable[str], ordinary: Callable[[], str] = str) -> list[str]:
    """The secrets, and the pieces of each that do not stand in the `ordinary` text, which has to be told."""
    whole = list(dict.fromkeys(secrets))
    cut = [piece for secret in whole for piece in sorted(pieces(secret))]
    told = ordinary() if cut else ""
    return list(dict.fromkeys((*whole, *(piece for piece in cut if piece not in told))))


class Redacts(Protocol):
    """Takes the secrets that it knows out of texts and JSON-like values."""

    def text(self, text: str) -> str: ...

    def value(self, value: Any) -> Any: ...


class Redaction:
    """The secrets known so far. More may be learnt while a run goes on: an answer, what an experiment reads itself.

    `cut` adds what else has to be masked of them.
    """

    def __init__(self, known: Redactor, cut: Callable[[Iterable[str]], Iterable[str]] = list) -> None:
        self.known = known
        self._cut = cut
        self._listeners: list[Callable[[list[str]], None]] = []

    def text(self, text: str) -> str:
        """See `Redactor.text`."""
        return self.known.text(text)

    def value(self, value: Any) -> Any:
        """See `Redactor.value`."""
        return self.known.value(value)

    def learn(self, secrets: Iterable[str]) -> None:
        """From here on these are secrets too, here and for whoever listens."""
        new = [secret for secret in dict.fromkeys(self._cut(secrets)) if secret and secret not in self.known.secrets]
        if new:
            self.known = self.known.including(new)
            for listener in self._listeners:
                listener(new)

    def tell(self, listener: Callable[[list[str]], None]) -> None:
        """Have it told what is learnt from here on."""
        self._listeners.append(listener)


class RedactedStream:
    """Redacts what comes in pieces. What it gives on is never part of a secret that the next piece completes.

    It holds back the last line until that is whole, and a longer one but for its last characters; and whole lines while
    a secret of several lines may be under way. What it holds is bounded, and each character is searched a bounded number
    of times, whatever comes in whatever pieces.
    """

    def __init__(self, redaction: Redaction, longest_line: int = 1 << 16) -> None:
        self._redaction = redaction
        self._longest_line = longest_line
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pieces: list[str] = []
        self._size = 0
        #: How many characters at the beginning of what is held belong to a secret whose mask was told already.
        self._masked = 0

    def take(self, data: bytes) -> str:
        """What can be told of all that came so far; '' when nothing can."""
        text = self._decoder.decode(data)
        self._pieces.append(text)
        self._size += len(text)
        redactor = self._redaction.known
        # At least as much is new as was searched before and held back.
        if "\n" not in text and self._size <= redactor.reach + max(self._longest_line, redactor.reach):
            return ""
        held = "".join(self._pieces)
        lines = held.rfind("\n") + 1
        lines -= max((len(each) for each in redactor.openings if held.endswith(each, 0, lines)), default=0)
        if len(held) - lines > self._longest_line:
            lines = max(len(held) - redactor.reach, lines)
        return self._told(redactor, held, lines)

    def end(self) -> str:
        """The rest."""
        held = "".join([*self._pieces, self._decoder.decode(b"", final=True)])
        return self._told(self._redaction.known, held, len(held))

    def _told(self, redactor: Redactor, held: str, until: int) -> str:
        """The first `until` characters of what is held, which are held no longer."""
        self._pieces, self._size = [held[until:]], len(held) - until
        if not until:
            return ""
        if until == len(held) and not self._masked:
            return redactor.text(held)
        begun, at, pieces = self._masked, 0, []
        self._masked = 0
        for start, end in _merged([*([(0, begun)] if begun else ()), *redactor.spans(held)]):
            if start >= until:
                break
            pieces += [held[at:start], "" if begun and start == 0 else MASK]
            # A secret that goes on has its mask now; the rest of it is told with no other.
            at, self._masked = min(end, until), max(end - until, 0)
        return "".join([*pieces, held[at:until]])


def _merged(spans: list[Span]) -> list[Span]:
    spans.sort()
    merged = spans[:1]
    for start, end in spans[1:]:
        last = merged[-1]
        if start < last[1]:
            merged[-1] = (last[0], max(last[1], end))
        else:
            merged.append((start, end))
    return merged
