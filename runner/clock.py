"""The one clock of a run.

`t` counts seconds since the run began on CLOCK_BOOTTIME, which goes on through a suspend and never jumps; every
process of a run shares it through `origin`. `at` is wall-clock UTC, for people. Durations come from `t` only.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

# CLOCK_BOOTTIME is Linux's; elsewhere (checking, reviewing) the monotonic clock serves.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boottime_ns() -> int:
    """Nanoseconds since boot, suspends included: comparable between all processes of one boot."""
    return time.clock_gettime_ns(_CLOCK)


def suspended_ns() -> int:
    """Nanoseconds this machine has spent suspended since boot; a growth of it is a suspend."""
    return boottime_ns() - time.clock_gettime_ns(time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A moment: `at` as ISO 8601 UTC with microseconds and a Z; `t` in seconds since the run began."""

    at: str
    t: float


class Clock(Protocol):
    """Where time comes from; `runner.testing.ManualClock` is the other one."""

    @property
    def origin(self) -> int:
        """`boottime_ns()` at the run's beginning."""
        ...

    def now(self) -> float:
        """Seconds since the run began."""
        ...

    def stamp(self, t: float | None = None) -> Stamp:
        """Both ways: now, or the moment `t` that a child stamped."""
        ...


class SystemClock:
    """The real clock. Pass `origin` to share another process's run."""

    def __init__(self, origin: int | None = None) -> None:
        self._origin = boottime_ns() if origin is None else origin

    @property
    def origin(self) -> int:
        return self._origin

    def now(self) -> float:
        return round((boottime_ns() - self._origin) / 1e9, 6)

    def stamp(self, t: float | None = None) -> Stamp:
        now = self.now()
        moment = utc_now()
        if t is None:
            return Stamp(at=iso(moment), t=now)
        return Stamp(at=iso(moment - timedelta(seconds=now - t)), t=t)


def utc_now() -> datetime:
    """The wall clock, for people; never for durations."""
    return datetime.now(UTC)


def moment_of(clock: Clock, wall: int) -> float:
    """What the wall clock called `wall`, in µs since 1970, a moment ago, in seconds of the run."""
    return round(clock.now() - (time.time_ns() / 1e3 - wall) / 1e6, 6)


def resumed_origin(at: str, origin: int, *, same_boot: bool) -> int:
    """The origin with which a later process goes on with a run's clock: the run's own within one boot, else the one
    that puts now as far behind `at` (the run's beginning, ISO) as the wall clock says."""
    if same_boot:
        return origin
    passed = (utc_now() - parse_iso(at)).total_seconds()
    return boottime_ns() - round(passed * 1e9)


def iso(moment: datetime) -> str:
    """`2026-11-20T17:40:00.000000Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_iso(text: str) -> datetime:
    """The inverse of `iso`. Raises ValueError."""
    return datetime.fromisoformat(text)
