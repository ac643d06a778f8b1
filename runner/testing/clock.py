"""A clock that a test moves by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from runner.clock import Stamp, iso

_BEGINNING = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)


def stamp_at(t: float) -> Stamp:
    """The moment `t` seconds after the beginning of every run on a fake clock."""
    return Stamp(at=iso(_BEGINNING + timedelta(seconds=t)), t=t)


class ManualClock:
    """A clock that stands still until somebody moves it."""

    def __init__(self, now: float = 0.0) -> None:
        self._now = now

    @property
    def origin(self) -> int:
        return 0

    def now(self) -> float:
        return self._now

    def stamp(self, t: float | None = None) -> Stamp:
        return stamp_at(self._now if t is None else t)

    def advance(self, seconds: float) -> None:
        """Time passes. Raises ValueError for a negative number."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self._now = round(self._now + seconds, 6)

    def advance_to(self, t: float) -> None:
        """On to the moment `t`, if that is still to come."""
        self._now = max(self._now, t)
