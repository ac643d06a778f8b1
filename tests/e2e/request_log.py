"""An outage as the sandbox's own request log tells it: a judge that shares no code with the program.

It reads what the shop wrote of itself (`requests.jsonl`, `proxy.log`, `admin.log`), applies the definitions of
docs/measures.md in the plainest way, and says when the service broke and when it was whole again. Of the run's
transcript it takes nothing but the zero of the clock and the bounds that the drill declares. Standard library only.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """One request that the storefront answered. `t` is when it ended, on the run's clock; `seconds` how long it took."""

    t: float
    route: str
    status: int
    seconds: float

    @property
    def failed(self) -> bool:
        """499 is a shopper who left."""
        return self.status >= 400


@dataclass(frozen=True, slots=True)
class Bound:
    """What a drill demands of a route: a share of successes (`at_least`), or a p95 in seconds (`at_most`)."""

    route: str
    at_least: float | None = None
    at_most: float | None = None

    def bad(self, request: Request) -> bool:
        return request.failed if self.at_most is None else request.seconds > self.at_most

    def broken(self, second: Sequence[Request]) -> bool:
        """Whether one second of the route is out of tolerance; an empty one is."""
        if not second:
            return True
        if self.at_most is not None:
            ordered = sorted(_rounded(request.seconds) for request in second)
            return ordered[int(len(ordered) * 0.95)] > self.at_most
        failed = sum(request.failed for request in second)
        return (len(second) - failed) / len(second) < (self.at_least or 0)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a drill declares: its bounds on the load, how long they must hold (s), and the run's zero (ns since boot)."""

    bounds: tuple[Bound, ...]
    hold: float
    zero: int


@dataclass(frozen=True, slots=True)
class Outage:
    """Seconds on the run's clock; None is not, or not within the log."""

    injected: float
    impact: float | None
    recovered: float | None

    @property
    def time_to_recover(self) -> float | None:
        if self.impact is None or self.recovered is None:
            return None
        return self.recovered - self.impact


def judge(run: Path, until: float) -> Outage:
    """The outage of a finished run on its own sandbox; what happened from `until` (s) on does not count."""
    terms = terms_of(run)
    folder = run / "sandbox"
    injected = first_change(folder, terms.zero)
    return outage(requests(folder, terms.zero), terms, injected=injected, until=until)


def terms_of(run: Path) -> Terms:
    """What the run's first line says of the drill. Success ratios and p95 of single routes are understood."""
    with (run / "transcript.jsonl").open() as lines:
        first = json.loads(next(lines))
    plan = first["plan"]
    bounds = tuple(
        Bound(indicator["request"], at_least=indicator.get("at_least"), at_most=indicator.get("at_most"))
        for indicator in plan["indicators"]
        if indicator["source"] == "load"
    )
    return Terms(bounds=bounds, hold=plan["hold"], zero=first["origin"])


def requests(folder: Path, zero: int) -> list[Request]:
    """Every request in the log, in the order in which they ended."""
    found = [
        Request((line["end_boottime_ns"] - zero) / 1e9, line["route"], line["status"], line["seconds"])
        for line in _lines(folder / "requests.jsonl")
    ]
    return sorted(found, key=lambda request: request.t)


def first_change(folder: Path, zero: int) -> float:
    """When the first request began that changed anything at the fault proxy or the admin address: the fault."""
    offset = _wall_to_boottime(folder)
    return min(t for t, _, _ in changes(folder, offset, zero))


def changes(folder: Path, offset: float, zero: int) -> Iterator[tuple[float, str, int]]:
    """(when it began, method and path, status) of all requests that changed something there."""
    for name in ("proxy", "admin"):
        for line in _lines(folder / f"{name}.log"):
            if line["event"] == "request" and not line["route"].startswith("GET "):
                began = _wall(line["at"]) - line["seconds"] + offset - zero / 1e9
                yield began, f"{line['route'].split()[0]} {line['path']}", line["status"]


def all_changes(folder: Path) -> list[str]:
    """Method and path of every successful change at the fault proxy and the admin address, in order."""
    made = sorted(changes(folder, 0.0, 0))
    return [what for _, what, status in made if status < 400]


def outage(log: Iterable[Request], terms: Terms, *, injected: float, until: float) -> Outage:
    """From the first of two consecutive bad seconds of one bound to the last bad moment before all held."""
    last = math.floor(until)
    tracks = [_Track(bound, log, injected) for bound in terms.bounds]
    impact: float | None = None
    recovered: float | None = None
    for second in range(math.floor(injected), last):
        breaches = [began for track in tracks if (began := track.take(second)) is not None]
        if breaches and impact is None:
            impact = min(breaches)
        elif breaches and recovered is None:
            impact = min(impact or math.inf, *breaches)
        elif breaches:
            recovered = None
        if impact is not None and recovered is None:
            recovered = _held(tracks, impact, second + 1 - terms.hold)
    return Outage(injected=injected, impact=impact, recovered=recovered)


def _held(tracks: Sequence[_Track], impact: float, latest: float) -> float | None:
    """Since when every bound has been kept, if that is not after `latest`."""
    since = impact
    for track in tracks:
        if not track.good or track.clear is None:
            return None
        since = max(since, track.clear)
    return since if since <= latest else None


class _Track:
    """One bound, second by second."""

    def __init__(self, bound: Bound, log: Iterable[Request], injected: float) -> None:
        self._bound = bound
        self._injected = injected
        self._seconds: dict[int, list[Request]] = {}
        for request in log:
            if request.route == bound.route:
                self._seconds.setdefault(math.floor(request.t), []).append(request)
        self._in_a_row = 0
        self._began = 0.0
        self.good = False
        self.clear: float | None = None

    def take(self, second: int) -> float | None:
        """When the breach began that this second makes or prolongs."""
        found = self._seconds.get(second, [])
        moments = [request.t for request in found if self._bound.bad(request)]
        innocent = bool(found) and (not moments or max(moments) < self._injected)
        if innocent or not self._bound.broken(found):
            self.good, self._in_a_row = True, 0
            if self.clear is None:
                self.clear = found[0].t
            return None
        self._in_a_row += 1
        if self._in_a_row == 1:
            self._began = max(min(moments, default=float(second)), self._injected)
        self.good, self.clear = False, max(moments) if moments else None
        return self._began if self._in_a_row >= 2 else None


def _rounded(seconds: float) -> float:
    """As the measure is defined: to 1 ms below 100 ms, to 10 ms below 1 s, to 100 ms above."""
    return round(seconds, 3 if seconds < 0.1 else 2 if seconds < 1 else 1)


def _wall_to_boottime(folder: Path) -> float:
    """Seconds to add to a wall-clock moment."""
    line = next(_lines(folder / "requests.jsonl"))
    return float(line["boottime_ns"] / 1e9 - _wall(line["at"]))


def _wall(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open() as lines:
        for line in lines:
            # Whoever was killed in the middle of a line wrote no more of it.
            if line.endswith("\n"):
                yield json.loads(line)
