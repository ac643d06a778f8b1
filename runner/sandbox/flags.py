"""The feature flags of the sandbox: what may be set, what it means, who changed what when. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h))+|\d+(?:\.\d+)?")


class FlagError(ValueError):
    """A value the flag does not take; the text says which ones it does."""


class UnknownFlag(KeyError):
    """No such flag; the text names the nearest one."""

    def __str__(self) -> str:
        return str(self.args[0])


def seconds(text: str) -> float:
    """`250ms`, `5s`, `1m30s`, or a bare number of seconds. Raises `FlagError`."""
    if not _DURATION.fullmatch(text):
        raise FlagError(f"{text!r} is no duration such as 250ms, 5s or 1m")
    if parts := re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text):
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    return float(text)


def _duration(text: str) -> str:
    value = seconds(text)
    if not 0.001 <= value <= 3600:
        raise FlagError(f"{text!r} is outside 1ms to 1h")
    return text


def _choice(*words: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in words:
            raise FlagError(f"{text!r} is none of {', '.join(words)}")
        return text

    return check


def _percent(text: str) -> str:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%?", text)
    if not match or not 1 <= float(match[1]) <= 100:
        raise FlagError(f"{text!r} is no share between 1% and 100%")
    return f"{match[1]}%"


def _whole(low: int, high: int) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not re.fullmatch(r"\d{1,6}", text) or not low <= int(text) <= high:
            raise FlagError(f"{text!r} is no whole number from {low} to {high}")
        return str(int(text))

    return check


@dataclass(frozen=True)
class Flag:
    """`check` takes a value's text and returns its normal form, or raises `FlagError`."""

    name: str
    default: str
    meaning: str
    check: Callable[[str], str]


_ON_OFF = _choice("on", "off")

FLAGS: Mapping[str, Flag] = {
    flag.name: flag
    for flag in (
        Flag("gateway", "primary", "which payment gateway takes the charges", _choice("primary", "backup")),
        Flag("gateway-timeout", "1s", "how long checkout waits for the gateway", _duration),
        Flag("breaker", "on", "whether checkout stops calling a gateway that fails", _ON_OFF),
        Flag("breaker-threshold", "50%", "the share of failed calls in 2 s that opens the breaker", _percent),
        Flag("breaker-cooldown", "1s", "how long an open breaker waits before it tries one call", _duration),
        Flag("checkout", "on", "whether shoppers may check out at all", _ON_OFF),
        Flag("checkout-timeout", "5s", "how long the storefront waits for checkout", _duration),
        Flag(
            "catalogue-mode",
            "normal",
            "what a cache miss does: ask the backend, ask it once for all who wait (coalesce), or serve the last copy (stale)",
            _choice("normal", "coalesce", "stale"),
        ),
        Flag("cache-ttl", "10m", "how long a cached entry lives, give or take a fifth", _duration),
        Flag("workers", "16", "requests the storefront handles at once", _whole(1, 256)),
        Flag(
            "queue-limit",
            "64",
            "requests that may wait for a worker before shoppers are turned away",
            _whole(0, 10_000),
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class Change:
    """One entry of the history. `at` is ISO 8601 UTC."""

    at: str
    name: str
    was: str
    now: str
    correlation: str


class FlagStore:
    """The values in force. A refused change changes nothing."""

    def __init__(self) -> None:
        self._values = {name: flag.default for name, flag in FLAGS.items()}
        self.history: list[Change] = []

    def values(self) -> dict[str, str]:
        return dict(self._values)

    def get(self, name: str) -> str:
        """Raises `UnknownFlag`."""
        return self._values[_known(name).name]

    def set(self, name: str, text: str, *, at: str, correlation: str = "") -> str:
        """The value as stored. Raises `UnknownFlag` or `FlagError`."""
        flag = _known(name)
        try:
            value = flag.check(text.strip())
        except FlagError as error:
            raise FlagError(f"flag {name}: {error}") from error
        change = Change(at=at, name=name, was=self._values[name], now=value, correlation=correlation)
        self._values[name] = value
        self.history.append(change)
        return value

    def reset(self, name: str, *, at: str, correlation: str = "") -> str:
        """Back to the default. Raises `UnknownFlag`."""
        return self.set(name, _known(name).default, at=at, correlation=correlation)


def _known(name: str) -> Flag:
    if flag := FLAGS.get(name):
        return flag
    near = difflib.get_close_matches(name, FLAGS, n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(FLAGS)}"
    raise UnknownFlag(f"no flag is called {name!r}{hint}")


@dataclass(frozen=True, kw_only=True)
class FlagSettings:
    """The flags as the services use them; durations in seconds, shares from 0 to 1."""

    gateway: str
    gateway_timeout: float
    breaker: bool
    breaker_threshold: float
    breaker_cooldown: float
    checkout: bool
    checkout_timeout: float
    catalogue_mode: str
    cache_ttl: float
    workers: int
    queue_limit: int

    @classmethod
    def of(cls, values: Mapping[str, str]) -> FlagSettings:
        """From a `FlagStore`'s values."""
        return cls(
            gateway=values["gateway"],
            gateway_timeout=seconds(values["gateway-timeout"]),
            breaker=values["breaker"] == "on",
            breaker_threshold=float(values["breaker-threshold"].rstrip("%")) / 100,
            breaker_cooldown=seconds(values["breaker-cooldown"]),
            checkout=values["checkout"] == "on",
            checkout_timeout=seconds(values["checkout-timeout"]),
            catalogue_mode=values["catalogue-mode"],
            cache_ttl=seconds(values["cache-ttl"]),
            workers=int(values["workers"]),
            queue_limit=int(values["queue-limit"]),
        )
