"""From raw observations to verdicts: every indicator, second by second.

A `Judge` collects what the load and the open-loop probes report, and tells for each whole second of the run's clock
whether an indicator was inside its tolerance. A request belongs to the second in which it ended, a probe to the one in
which it was sent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Protocol

from runner.engine.events import IndicatorJudged
from runner.engine.plan import Indicator

#: Seconds. The length of a bucket.
BUCKET = 1.0

#: The source name of the load in `Judge.settle`; no indicator can have it.
LOAD = ""

#: Seconds of silence told one by one; a machine that slept for a night is not told as 28,800 empty buckets.
SILENCE = 600

_PERCENTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
_RATIOS = ("success-ratio", "failure-ratio")


class RequestWindowLike(Protocol):
    """What one request did in one window of the load.

    `hist` holds (milliseconds, count) with Locust's rounding: to 1 ms below 100 ms, 10 ms below 1 s, 100 ms above.
    `first`, `last`, `first_bad`, `last_bad` are seconds of the run's clock, `..._bad` those of failed requests. `slow`
    maps a limit in seconds to (count, first, last) of the requests slower than it.
    """

    @property
    def n(self) -> int: ...
    @property
    def failures(self) -> int: ...
    @property
    def hist(self) -> Iterable[tuple[int, int]]: ...
    @property
    def first(self) -> float | None: ...
    @property
    def last(self) -> float | None: ...
    @property
    def first_bad(self) -> float | None: ...
    @property
    def last_bad(self) -> float | None: ...
    @property
    def slow(self) -> Mapping[float, tuple[int, float, float]]: ...


def watch(indicators: Iterable[Indicator]) -> dict[str, tuple[float, ...]]:
    """The limits in seconds that the load has to look at, by request ('' for all): beyond them a request is slow."""
    limits: dict[str, set[float]] = {}
    for indicator in indicators:
        if indicator.source == "load" and indicator.metric in _PERCENTILES and indicator.at_most is not None:
            bounds = (indicator.at_most, indicator.degraded)
            limits.setdefault(indicator.request, set()).update(_limit(bound) for bound in bounds if bound is not None)
    return {request: tuple(sorted(found)) for request, found in limits.items()}


def percentile(hist: Mapping[int, int], share: float) -> float | None:
    """Seconds: the response time with at most `share` of the requests below it. None when there is none."""
    rank = int(sum(hist.values()) * share)
    ordered = sorted(hist.items())
    for milliseconds, count in ordered:
        rank -= count
        if rank < 0:
            return milliseconds / 1000
    return ordered[-1][0] / 1000 if ordered else None


class _Span:
    """First and last of some moments."""

    __slots__ = ("first", "last")

    def __init__(self) -> None:
        self.first: float | None = None
        self.last: float | None = None

    def add(self, first: float | None, last: float | None) -> None:
        if first is not None:
            self.first = first if self.first is None else min(self.first, first)
        if last is not None:
            self.last = last if self.last is None else max(self.last, last)


class _Bucket:
    """One second of one indicator, while it fills."""

    __slots__ = ("bad", "degraded_slow", "failures", "hist", "n", "seen", "slow")

    def __init__(self) -> None:
        self.n = self.failures = 0
        self.hist: dict[int, int] = {}
        self.seen, self.bad, self.slow, self.degraded_slow = _Span(), _Span(), _Span(), _Span()


class _Rule:
    """An indicator's tolerance and what counts as a bad observation of it."""

    def __init__(self, indicator: Indicator) -> None:
        self.indicator = indicator
        self.at_most = indicator.at_most
        # A probe without a bound has to hold every time.
        self.at_least = 1.0 if indicator.at_least is None and indicator.at_most is None else indicator.at_least
        self.degraded = indicator.degraded
        self.latency = indicator.source == "load" and indicator.metric in _PERCENTILES
        self.rate = indicator.source == "load" and indicator.metric == "rate"
        self._failures_are_bad = indicator.source == "probe" or (
            indicator.metric in _RATIOS and (indicator.metric == "success-ratio") == (self.at_most is None)
        )

    def inside(self, value: float, bound: float | None) -> bool:
        if bound is None:
            return False
        return value <= bound if self.at_most is not None else value >= bound

    def judge(self, since: int, bucket: _Bucket) -> IndicatorJudged:
        value = self._value(bucket)
        if value is None:
            return IndicatorJudged(
                indicator=self.indicator.name, since=float(since), n=0, ok=False, degraded_ok=False, first=None
            )
        ok = self.inside(value, self.at_most if self.at_most is not None else self.at_least)
        degraded_ok = ok or self.inside(value, self.degraded)
        bad = self._dates(since, bucket, bucket.slow)
        return IndicatorJudged(
            indicator=self.indicator.name,
            since=float(since),
            n=bucket.n,
            value=value,
            ok=ok,
            degraded_ok=degraded_ok,
            first=bucket.seen.first,
            bad_from=None if ok else bad.first,
            bad_until=None if ok else bad.last,
            degraded_bad_until=None if degraded_ok else self._degraded_until(since, bucket),
        )

    def _value(self, bucket: _Bucket) -> float | None:
        if not bucket.n:
            return None
        if self.latency:
            return percentile(bucket.hist, _PERCENTILES[self.indicator.metric])
        if self.rate:
            return bucket.n / BUCKET
        bad = bucket.failures / bucket.n
        return bad if self.indicator.metric == "failure-ratio" else (bucket.n - bucket.failures) / bucket.n

    def _degraded_until(self, since: int, bucket: _Bucket) -> float | None:
        slow = bucket.slow if self.degraded is None else bucket.degraded_slow
        return self._dates(since, bucket, slow).last

    def _dates(self, since: int, bucket: _Bucket, slow: _Span) -> _Span:
        """First and last bad observation; where none can be told apart, all of them are."""
        if self.rate:
            edges = _Span()
            edges.add(float(since), since + BUCKET)
            return edges
        found = slow if self.latency else bucket.bad if self._failures_are_bad else bucket.seen
        return found if found.first is not None else bucket.seen


class _LoadTrack:
    """A load indicator's open buckets."""

    def __init__(self, indicator: Indicator) -> None:
        self.rule = _Rule(indicator)
        self.open: dict[int, _Bucket] = {}
        at_most = indicator.at_most if self.rule.latency else None
        self._limit = None if at_most is None else _limit(at_most)
        degraded = indicator.degraded if self.rule.latency else None
        self._degraded = None if degraded is None else _limit(degraded)

    def add(self, since: int, windows: Mapping[str, RequestWindowLike]) -> None:
        request = self.rule.indicator.request
        found = windows.values() if not request else (windows[request],) if request in windows else ()
        for window in found:
            bucket = self.open.get(since) or self.open.setdefault(since, _Bucket())
            self._count(bucket, window)

    def _count(self, bucket: _Bucket, window: RequestWindowLike) -> None:
        bucket.n += window.n
        bucket.failures += window.failures
        bucket.seen.add(window.first, window.last)
        bucket.bad.add(window.first_bad, window.last_bad)
        if not self.rule.latency:
            return
        for milliseconds, count in window.hist:
            bucket.hist[milliseconds] = bucket.hist.get(milliseconds, 0) + count
        if self._limit is not None:
            bucket.slow.add(*_slower(window, self._limit))
        if self._degraded is not None:
            bucket.degraded_slow.add(*_slower(window, self._degraded))


class _ProbeTrack:
    """A probe indicator's open buckets. `next` is the bucket to be told next; None before the first shot."""

    def __init__(self, indicator: Indicator) -> None:
        self.rule = _Rule(indicator)
        self.open: dict[int, _Bucket] = {}
        self.next: int | None = None
        self.until = 0.0
        self._seen = 0
        # A probe slower than one a second leaves buckets in which none was due: these are not empty, but not there.
        self._gap = max(1, math.ceil(indicator.every))

    def add(self, t_sent: float, ok: bool) -> None:
        since = math.floor(t_sent)
        if self.next is None:
            self.next = since
        if since < self.next:
            return
        bucket = self.open.get(since) or self.open.setdefault(since, _Bucket())
        bucket.n += 1
        bucket.seen.add(t_sent, t_sent)
        if not ok:
            bucket.failures += 1
            bucket.bad.add(t_sent, t_sent)

    def pop(self, since: int) -> IndicatorJudged | None:
        bucket = self.open.pop(since, None)
        if bucket is None and since - self._seen < self._gap:
            return None
        if bucket is not None:
            self._seen = since
        return self.rule.judge(since, bucket or _Bucket())


class Judge:
    """Raw observations in, judged buckets out. One per run; feed it from one place.

    Load windows come in order and say silence too, so a window settles everything before its end. A probe's answer may
    be late by its timeout, so `settle` says how far all shots are known.
    """

    def __init__(self, indicators: Iterable[Indicator]) -> None:
        ordered = tuple(indicators)
        self._order = {indicator.name: place for place, indicator in enumerate(ordered)}
        self._loads = [_LoadTrack(indicator) for indicator in ordered if indicator.source == "load"]
        self._probes = {indicator.name: _ProbeTrack(indicator) for indicator in ordered if indicator.source == "probe"}
        self._users: dict[int, int] = {}
        self._last_users = 0
        self._next: int | None = None
        self._until = 0.0

    def requests(self, until: float, users: int, windows: Mapping[str, RequestWindowLike]) -> None:
        """A window of the load that ends at `until` (s) and lies within one second; told late, it no longer counts."""
        since = math.ceil(until) - 1
        if self._next is None:
            self._next = since
        if since >= self._next:
            self._users[since] = min(self._users.get(since, users), users)
            for track in self._loads:
                track.add(since, windows)
        if until >= self._until:
            self._last_users = users
        self.settle(LOAD, until)

    def load_silent(self, until: float) -> None:
        """The load said nothing up to `until` (s): its buckets are empty, with the users it had last."""
        self.settle(LOAD, until)

    def shot(self, indicator: str, t_sent: float, ok: bool, _seconds: float = 0.0, _why: str = "") -> None:
        """One open-loop probe, sent at `t_sent` (s). Raises KeyError for an indicator that is no probe."""
        self._probes[indicator].add(t_sent, ok)

    def settle(self, source: str, until: float) -> None:
        """Everything before `until` (s) has been reported by this probe indicator, or by the load (`LOAD`)."""
        if source == LOAD:
            self._until = max(self._until, until)
        else:
            track = self._probes[source]
            track.until = max(track.until, until)

    def ready(self) -> list[IndicatorJudged]:
        """The buckets finished since the last call, oldest first."""
        judged = [*self._load_buckets()]
        for track in self._probes.values():
            judged += _probe_buckets(track)
        return sorted(judged, key=lambda bucket: (bucket.since, self._order[bucket.indicator]))

    def _load_buckets(self) -> Iterable[IndicatorJudged]:
        while self._next is not None and self._next + BUCKET <= self._until:
            since = _after_silence(self._next, self._until, self._users)
            self._next = since + 1
            users = self._users.pop(since, self._last_users)
            for track in self._loads:
                bucket = track.open.pop(since, None)
                if bucket is not None or users:
                    yield track.rule.judge(since, bucket or _Bucket())


def _probe_buckets(track: _ProbeTrack) -> Iterable[IndicatorJudged]:
    while track.next is not None and track.next + BUCKET <= track.until:
        since = _after_silence(track.next, track.until, track.open)
        track.next = since + 1
        judged = track.pop(since)
        if judged is not None:
            yield judged


def _after_silence(following: int, until: float, known: Iterable[int]) -> int:
    """The bucket to tell next: of a long silence only its end."""
    return max(following, min((int(until) - SILENCE, *known)))


def _slower(window: RequestWindowLike, limit: float) -> tuple[float | None, float | None]:
    """First and last request slower than the limit, one of those that `watch` had the load look at."""
    _, first, last = window.slow.get(limit, (0, None, None))
    return first, last


def _limit(bound: float) -> float:
    """As the load names it: six significant digits survive the way to the child and back."""
    return float(f"{bound:g}")
