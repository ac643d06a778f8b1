"""One indicator's way through an incident: when it broke its tolerance, and since when it has been inside again.

Buckets come in order per indicator, not across indicators: a probe's answer may be seconds late.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from runner.engine.events import IndicatorJudged
from runner.engine.indicators import BUCKET
from runner.engine.plan import Indicator

#: Consecutive bad buckets that make a breach; one alone is noise.
BREACH = 2

#: Seconds. No moment is known better than this.
FINEST = 0.001


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment on the run's clock (s), how well it is known (s), and the indicator that showed it."""

    t: float
    resolution: float = FINEST
    indicator: str = ""


@dataclass(frozen=True, slots=True)
class Trait:
    """What of an indicator matters here: its name, how far apart consecutive buckets lie (s), whether it is a rate."""

    name: str
    step: int = 1
    rate: bool = False

    @classmethod
    def of(cls, indicator: Indicator) -> Trait:
        slow_probe = indicator.source == "probe" and indicator.every > BUCKET
        rate = indicator.source == "load" and indicator.metric == "rate"
        return cls(indicator.name, math.ceil(indicator.every) if slow_probe else 1, rate)


class Track:
    """The run of bad buckets an indicator is in, and the start of the good time it is in, for one tolerance.

    `run` counts bad buckets in a row, `began` is the first bad observation of that row. `clear` is where the time
    without a bad observation begins: None when the last bad bucket was empty and nothing was seen since. `until` is the
    end of the last judged bucket, `good` whether that one was inside.
    """

    __slots__ = ("_last_bad", "began", "clear", "good", "run", "trait", "until")

    def __init__(self, trait: Trait) -> None:
        self.trait = trait
        self.until = -math.inf
        self.good = True
        self.clear: Moment | None = Moment(-math.inf)
        self.forget()

    def copy(self) -> Track:
        twin = Track(self.trait)
        twin.until, twin.good, twin.clear = self.until, self.good, self.clear
        twin.run, twin.began, twin._last_bad = self.run, self.began, self._last_bad
        return twin

    def forget(self) -> None:
        """What came before does not belong to a breach that comes now."""
        self.run = 0
        self.began = Moment(-math.inf)
        self._last_bad = -math.inf

    def inside(self, bucket: IndicatorJudged) -> None:
        self.until, self.good, self.run = bucket.since + BUCKET, True, 0
        if self.clear is None:
            first = bucket.since if bucket.first is None else bucket.first
            self.clear = Moment(first, self._spacing(bucket), self.trait.name)

    def outside(self, bucket: IndicatorJudged, last: float | None, floor: float) -> None:
        """A bad bucket, whose last bad observation is `last`; nothing before `floor` (s) belongs to the breach."""
        row = bucket.since - self._last_bad <= self.trait.step
        self.run = self.run + 1 if row else 1
        if self.run == 1:
            began = bucket.since if bucket.bad_from is None else bucket.bad_from
            self.began = Moment(max(began, floor), self._spacing(bucket), self.trait.name)
        self.until, self.good, self._last_bad = bucket.since + BUCKET, False, bucket.since
        self.clear = Moment(last, self._spacing(bucket), self.trait.name) if last is not None else None

    def state(self) -> tuple[object, ...]:
        return self.until, self.good, self.clear, self.run, self.began, self._last_bad

    def _spacing(self, bucket: IndicatorJudged) -> float:
        """Seconds between two observations: the moment lies somewhere between them."""
        if not bucket.n or self.trait.rate:
            return BUCKET
        return max(FINEST, round(BUCKET / bucket.n, 3))


def bad_until(bucket: IndicatorJudged, *, degraded: bool = False) -> float | None:
    """The last bad observation in a bad bucket; None when the bucket is empty."""
    if not bucket.n:
        return None
    last = bucket.degraded_bad_until if degraded else bucket.bad_until
    return bucket.since + BUCKET if last is None else last
