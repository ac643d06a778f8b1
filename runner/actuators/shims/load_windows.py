"""Half-second windows of the load, counted where the requests end and merged over the processes.

A *share* is what one process saw in one window, as JSON: `{"k": index, "users": n, "requests": {key: counts}}`, where
window k is `[k/2, (k+1)/2)` seconds of the run's clock and `counts` hold `n`, `failures`, `hist` (pairs of milliseconds
and count), `first`, `last`, `first_bad`, `last_bad` (seconds of the run's clock, or null) and `slow` (limit in seconds,
as text → [count, first, last]).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

from runner.clock import boottime_ns

WINDOW_NS = 500_000_000
WINDOW = WINDOW_NS / 1e9

#: Seconds after a window's end for which a process that has not reported it is waited for.
PATIENCE = 0.6

#: Windows of silence reported in a row. A machine that slept for a night is not reported as an hour of empty windows.
SILENCE = 120

Share = dict[str, Any]
Limits = tuple[tuple[str, float], ...]


class _Entry:
    """One request name in one window; times are nanoseconds since boot."""

    __slots__ = ("failures", "first", "first_bad", "last", "last_bad", "limits", "slow", "times")

    def __init__(self, now: int, limits: Limits) -> None:
        self.first = self.last = now
        self.times: list[float | None] = []
        self.failures = 0
        self.first_bad: int | None = None
        self.last_bad: int | None = None
        self.limits = limits
        self.slow: dict[str, list[int]] = {}

    def failed(self, now: int) -> None:
        self.failures += 1
        self.last_bad = now
        if self.first_bad is None:
            self.first_bad = now

    def judge(self, milliseconds: float, now: int) -> None:
        for name, limit in self.limits:
            if milliseconds > limit:
                seen = self.slow.setdefault(name, [0, now, now])
                seen[0] += 1
                seen[2] = now


class Recorder:
    """Counts the requests that end in this process.

    `watch` maps a request ("POST /checkout", or "" for all) to the limits in seconds above which it counts as slow;
    `bucket` rounds a response time in milliseconds to the histogram's key.
    """

    def __init__(
        self, origin: int, watch: Mapping[str, Iterable[float]], bucket: Callable[[float], int], now: int | None = None
    ) -> None:
        self._origin = origin
        self._limits: dict[str, Limits] = {
            key: tuple((f"{limit:g}", limit * 1000) for limit in limits) for key, limits in watch.items()
        }
        self._bucket = bucket
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._closed: dict[int, dict[tuple[str, str], _Entry]] = {}
        self._k = self._next = self._index(boottime_ns() if now is None else now)
        self._end = self._origin + (self._k + 1) * WINDOW_NS

    def follow(self, environment: Any) -> None:
        """Count what Locust's `environment`, which has its runner, takes into its own statistics.

        A listener beside Locust's own would cost three times as much, for every request of the load.
        """
        # Before the locustfile's listeners, one of which may end a user by raising: the request has ended all the same.
        listeners = environment.events.request._handlers
        listeners.insert(0, listeners.pop())
        statistics = environment.stats
        log_request, log_error = statistics.log_request, statistics.log_error

        def request(method: str, name: str, response_time: float | None, length: int) -> None:
            self.ended(method, name, response_time)
            log_request(method, name, response_time, length)

        def error(method: str, name: str, exception: object) -> None:
            self.failed(method, name)
            log_error(method, name, exception)

        statistics.log_request, statistics.log_error = request, error

    def ended(self, method: str, name: str, response_time: float | None) -> None:
        """A request ended now. Called for every one, so it only appends; the counting is done once a window."""
        now = boottime_ns()
        if now >= self._end:
            self._roll(now)
        try:
            entry = self._entries[method, name]
        except KeyError:
            entry = self._open(method, name, now)
        entry.last = now
        entry.times.append(response_time)
        if entry.limits and response_time is not None:
            entry.judge(response_time, now)

    def failed(self, method: str, name: str) -> None:
        """The request of this name that ended last was a failure."""
        if entry := self._entries.get((method, name)):
            entry.failed(entry.last)

    def take(self, users: int, now: int | None = None, *, unfinished: bool = False) -> list[Share]:
        """Every window that is complete by `now` and was not taken before, the silent ones too.

        `unfinished` adds the one that is still open: the last of a run, shorter than the others.
        """
        now = boottime_ns() if now is None else now
        if now >= self._end:
            self._roll(now)
        stop = self._k
        if unfinished:
            self._closed[self._k] = self._entries
            self._entries = {}
            stop += 1
        start = max(self._next, stop - SILENCE)
        told = sorted({*(k for k in self._closed if k < start), *range(start, stop)})
        self._next = stop
        return [{"k": k, "users": users, "requests": self._share(self._closed.pop(k, {}))} for k in told]

    def _index(self, now: int) -> int:
        return (now - self._origin) // WINDOW_NS

    def _roll(self, now: int) -> None:
        if self._entries:
            self._closed[self._k] = self._entries
            self._entries = {}
        self._k = self._index(now)
        self._end = self._origin + (self._k + 1) * WINDOW_NS

    def _open(self, method: str, name: str, now: int) -> _Entry:
        limits = (*self._limits.get("", ()), *self._limits.get(f"{method} {name}", ()))
        entry = self._entries[method, name] = _Entry(now, tuple(dict.fromkeys(limits)))
        return entry

    def _t(self, moment: int | None) -> float | None:
        return None if moment is None else round((moment - self._origin) / 1e9, 6)

    def _share(self, entries: Mapping[tuple[str, str], _Entry]) -> dict[str, Any]:
        return {f"{method} {name}": self._counts(entry) for (method, name), entry in entries.items()}

    def _counts(self, entry: _Entry) -> dict[str, Any]:
        # A response time of None is a request without one (Locust allows it): counted, not measured.
        times = [time for time in entry.times if time is not None]
        return {
            "n": len(entry.times),
            "failures": entry.failures,
            "hist": sorted(Counter(map(self._bucket, times)).items()),
            "first": self._t(entry.first),
            "last": self._t(entry.last),
            "first_bad": self._t(entry.first_bad),
            "last_bad": self._t(entry.last_bad),
            "slow": {name: [n, self._t(first), self._t(last)] for name, (n, first, last) in entry.slow.items()},
        }


class Merger:
    """Puts the shares of several processes together, window by window.

    A window is reported when every living process reported it, or `PATIENCE` after its end. What a process reports
    later still is reported as a further sample of the same window: samples add up.
    """

    def __init__(self, origin: int, sources: Iterable[Hashable]) -> None:
        self._origin = origin
        self._waiting = set(sources)
        self._users = dict.fromkeys(self._waiting, 0)
        self._shares: dict[int, dict[Hashable, Share]] = {}
        self._next: int | None = None

    def add(self, source: Hashable, share: Share) -> None:
        self._users[source] = share["users"]
        self._shares.setdefault(share["k"], {})[source] = share

    def drop(self, source: Hashable) -> None:
        """This process has ended: its last users are gone, and nobody waits for it."""
        self._waiting.discard(source)
        self._users.pop(source, None)

    def due(self, now: int | None = None, *, all_of_it: bool = False) -> list[Share]:
        """The windows that can be reported now, oldest first; `all_of_it` when no more shares will come."""
        now = boottime_ns() if now is None else now
        told = []
        for k in sorted(self._shares):
            late = self._next is not None and k < self._next
            if not (late or all_of_it or self._complete(k) or now >= self._overdue(k)):
                break
            shares = self._shares.pop(k)
            self._next = k + 1 if self._next is None else max(self._next, k + 1)
            requests = merge(share["requests"] for share in shares.values())
            told.append({"k": k, "users": self._users_in(shares), "requests": requests})
        return told

    def _users_in(self, shares: Mapping[Hashable, Share]) -> int:
        """With those that a living process had when it last reported, where it has not reported this window."""
        return sum({**self._users, **{source: share["users"] for source, share in shares.items()}}.values())

    def _complete(self, k: int) -> bool:
        return self._waiting <= self._shares[k].keys()

    def _overdue(self, k: int) -> float:
        return self._origin + (k + 1) * WINDOW_NS + PATIENCE * 1e9


def merge(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The `requests` of several shares of one window, as those of one."""
    merged: dict[str, Any] = {}
    for requests in parts:
        for key, counts in requests.items():
            merged[key] = _sum(merged[key], counts) if key in merged else counts
    return merged


def _sum(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    hist: Counter[int] = Counter(dict(one["hist"]))
    hist.update(dict(other["hist"]))
    slow = {name: list(seen) for name, seen in one["slow"].items()}
    for name, (n, first, last) in other["slow"].items():
        seen = slow.setdefault(name, [0, first, last])
        slow[name] = [seen[0] + n, min(seen[1], first), max(seen[2], last)]
    return {
        "n": one["n"] + other["n"],
        "failures": one["failures"] + other["failures"],
        "hist": sorted(hist.items()),
        "first": _pick(min, one["first"], other["first"]),
        "last": _pick(max, one["last"], other["last"]),
        "first_bad": _pick(min, one["first_bad"], other["first_bad"]),
        "last_bad": _pick(max, one["last_bad"], other["last_bad"]),
        "slow": slow,
    }


def _pick(choose: Callable[[list[float]], float], *moments: float | None) -> float | None:
    known = [moment for moment in moments if moment is not None]
    return choose(known) if known else None


def sample(share: Share, now: float | None = None) -> dict[str, Any]:
    """The message that tells a window: a share with its bounds, and for each request its percentiles and rate.

    `now`, in seconds of the run's clock, cuts short the window that was open when the load ended.
    """
    t0, t1 = share["k"] * WINDOW, (share["k"] + 1) * WINDOW
    if now is not None:
        t1 = max(min(t1, now), t0 + 1e-6)
    requests = {key: _finish(counts, t1 - t0) for key, counts in share["requests"].items()}
    return {"kind": "sample", "t0": t0, "t1": t1, "users": share["users"], "requests": requests}


def _finish(counts: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    percentiles = {f"p{share}": _percentile(counts["hist"], share / 100) for share in (50, 95, 99)}
    return {**counts, **percentiles, "rate": round(counts["n"] / seconds, 3)}


def _percentile(hist: list[tuple[int, int]], share: float) -> float | None:
    """Seconds; as Locust reckons it: the response time with at most `share` of the requests below it."""
    rank = int(sum(count for _, count in hist) * share)
    for milliseconds, count in hist:
        rank -= count
        if rank < 0:
            return milliseconds / 1000
    return hist[-1][0] / 1000 if hist else None
