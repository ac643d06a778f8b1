"""One indicator's way through an incident: when it broke its tolerance, and since when it has been inside again.

Buckets come in order per indicator, not across indicators: a probe's answer may be seconds late.
"""

from __future__ import annotations

import math

from runner.engine.events import IndicatorJudged
from runner.engine.indicators import BUCKET
from runner.engine.plan import Indicator
from runner.lazy_dataclass import lazy_dataclass

#: Consecutive bad buckets that make a breach; one alone is noise.
BREACH = 2

#: Seconds. No moment is known better than this.
FINEST = 0.001


@lazy_dataclass(frozen=True)
class Moment:
    """A moment on the run's clock (s), how well it is known (s), and the indicator that showed it."""

    t: float
    resolution: float = FINEST
    indicator: str = ""


@lazy_dataclass(frozen=True)
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


class BreachTrack:
    """The run of bad buckets an indicator is in, and the start of the good time it is in, for one tolerance.

    `run` counts bad buckets in a row, `began` is the first bad observation of that row. `clear_t` is where the time
    without a bad observation begins: None when the last bad bucket was empty and nothing was seen since. `until` is the
    end of the last judged bucket, `good` whether that one was inside.
    """

    __slots__ = ("_began_n", "_began_t", "_clear_n", "_last_bad", "clear_t", "good", "run", "trait", "until")

    def __init__(self, trait: Trait) -> None:
        self.trait = trait
        self.until = -math.inf
        self.good = True
        self.clear_t: float | None = -math.inf
        self._clear_n = 0
        self.forget()

    def copy(self) -> BreachTrack:
        # Written out: it is done for every second of every indicator.
        twin = object.__new__(BreachTrack)
        twin.trait, twin.until, twin.good, twin.run = self.trait, self.until, self.good, self.run
        twin.clear_t, twin._clear_n = self.clear_t, self._clear_n
        twin._began_t, twin._began_n, twin._last_bad = self._began_t, self._began_n, self._last_bad
        return twin

    def forget(self) -> None:
        """What came before does not belong to a breach that comes now."""
        self.run = 0
        self._began_t = -math.inf
        self._began_n = 0
        self._last_bad = -math.inf

    @property
    def began(self) -> Moment:
        return self._moment(self._began_t, self._began_n)

    def clear_from(self, t: float) -> Moment:
        """`clear_t`, which is `t`, as a moment."""
        return self._moment(t, self._clear_n)

    def inside(self, bucket: IndicatorJudged) -> None:
        unseen = bucket.since - self.until > self.trait.step - BUCKET and self.until > -math.inf
        self.until, self.good, self.run = bucket.since + BUCKET, True, 0
        if self.clear_t is None or unseen:
            # What nobody looked at was not good: the search begins anew with what is seen.
            self.clear_t = bucket.since if bucket.first is None else bucket.first
            self._clear_n = bucket.n

    def outside(self, bucket: IndicatorJudged, last: float | None, floor: float) -> None:
        """A bad bucket, whose last bad observation is `last`; nothing before `floor` (s) belongs to the breach."""
        since = bucket.since
        if self.run and since - self._last_bad <= self.trait.step:
            self.run += 1
        else:
            self.run = 1
            began = since if bucket.bad_from is None else bucket.bad_from
            self._began_t, self._began_n = max(began, floor), bucket.n
        self.until, self.good, self._last_bad = since + BUCKET, False, since
        self.clear_t, self._clear_n = last, bucket.n

    def state(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in BreachTrack.__slots__)

    def _moment(self, t: float, n: int) -> Moment:
        """Known to the time between two observations: it lies somewhere between them."""
        spacing = BUCKET if not n or self.trait.rate else max(FINEST, round(BUCKET / n, 3))
        return Moment(t, spacing, self.trait.name)


def bad_until(bucket: IndicatorJudged, *, degraded: bool = False) -> float | None:
    """The last bad observation in a bad bucket; None when the bucket is empty."""
    if not bucket.n:
        return None
    last = bucket.degraded_bad_until if degraded else bucket.bad_until
    return bucket.since + BUCKET if last is None else last
