"""Which seconds of each indicator were observed, and which were not: what nobody looked at proves nothing.

A second is observed when it was judged, an empty one with users running included. Buckets come in order per indicator.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

from runner.engine.breaches import BREACH, Trait
from runner.engine.events import IndicatorJudged
from runner.engine.indicators import BUCKET
from runner.engine.plan import Indicator
from runner.scoring.scorecard import Unobserved

#: Seconds by which the last judged second may lie behind the end, beside how late judgements came before the fault:
#: the load's windows and the watch's own patience with them (`_LOAD_LATE`), to the end of a bucket.
LAG = 5.0

#: Gaps kept of one indicator; of more than these the earlier ones run together.
_KEPT = 16


class Coverage:
    """What was judged of a run's indicators. All times are seconds of the run's clock."""

    def __init__(self, indicators: Iterable[Indicator]) -> None:
        self._seen = {indicator.name: _Seen(indicator) for indicator in indicators}

    def judged(self, bucket: IndicatorJudged, t: float, *, calm: bool) -> None:
        """A bucket that was reported at `t`; `calm`: no fault was injected yet."""
        seen = self._seen.get(bucket.indicator)
        if seen is not None:
            seen.add(bucket, t, calm=calm)

    def gaps(self, since: float, until: float, load_over: float | None) -> tuple[Unobserved, ...]:
        """What was not observed between the two; `load_over` is when the load ended by itself, None when it did not."""
        found = [gap for seen in self._seen.values() for gap in seen.gaps(since, until, load_over)]
        return tuple(sorted(found, key=lambda gap: gap.since))


class _Seen:
    """One indicator: up to where it was judged, and where it was not."""

    __slots__ = ("_by_load", "_gaps", "_indicator", "_late", "_ok", "_step", "_until")

    def __init__(self, indicator: Indicator) -> None:
        self._indicator = indicator.name
        self._by_load = indicator.source == "load"
        self._step = Trait.of(indicator).step
        self._until = -math.inf
        self._late = 0.0
        self._ok = True
        self._gaps: deque[tuple[float, float]] = deque()

    def add(self, bucket: IndicatorJudged, t: float, *, calm: bool) -> None:
        # A probe slower than one a second leaves seconds in which none was due.
        due = self._until + self._step - BUCKET
        if bucket.since - due >= BREACH * BUCKET and self._until > -math.inf:
            self._keep(self._until, bucket.since)
        self._until, self._ok = bucket.since + BUCKET, bucket.ok
        if calm and bucket.ok:
            self._late = max(self._late, t - self._until)

    def _keep(self, since: float, until: float) -> None:
        if len(self._gaps) == _KEPT:
            first, _ = self._gaps.popleft()
            self._gaps[0] = (first, self._gaps[0][1])
        self._gaps.append((since, until))

    def gaps(self, since: float, until: float, load_over: float | None) -> list[Unobserved]:
        spans = [*self._gaps, *self._tail(since, until, load_over)]
        clipped = [(max(start, since), min(end, until)) for start, end in spans]
        return [Unobserved(indicator=self._indicator, since=a, until=b) for a, b in clipped if b > a]

    def _tail(self, since: float, until: float, load_over: float | None) -> list[tuple[float, float]]:
        """From the last judged second to the end, when that is longer than a judgement takes."""
        missing = until - self._until
        if self._by_load and load_over is not None and load_over < until:
            return [(self._until, until)] if missing >= BREACH * BUCKET else []
        if not self._by_load and not self._ok:
            # Shots that are still without an answer, after some that were bad: they are no better.
            return []
        nothing = self._until <= since
        return [(self._until, until)] if nothing or missing >= LAG + self._late + self._step else []
