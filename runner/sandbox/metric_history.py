"""The last seconds of everybody's metrics, and the questions that alert rules put to them. Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from runner.sandbox.metrics import MetricSeries

#: Seconds kept.
KEPT = 15.0

#: Seconds after which a last value is no longer the present.
STALE = 2.0

Scrape = tuple[float, Mapping[MetricSeries, float]]


class Samples:
    """Scrapes by job. `now` is the monitor's clock, in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._scrapes: defaultdict[str, deque[Scrape]] = defaultdict(deque)
        self._up: dict[str, bool] = {}

    def add(self, job: str, values: Mapping[MetricSeries, float] | None) -> None:
        """One scrape; None when the job did not answer."""
        self._up[job] = values is not None
        if values is None:
            return
        scrapes = self._scrapes[job]
        scrapes.append((self._now(), values))
        while scrapes[0][0] < self._now() - KEPT:
            scrapes.popleft()

    def up(self, job: str) -> float | None:
        """1 or 0; None before the first scrape."""
        return None if job not in self._up else float(self._up[job])

    def latest(self, job: str, name: str) -> float | None:
        """The sum over a metric's series at the last scrape; None when there is no fresh one."""
        scrape = self._scrapes[job][-1] if self._scrapes[job] else None
        if scrape is None or scrape[0] < self._now() - STALE:
            return None
        return _total(scrape[1], name)

    def average(self, job: str, name: str, window: float) -> float | None:
        """The mean of `latest` over the scrapes of the last `window` seconds; None when there are none."""
        begin = self._now() - window
        sums = [_total(values, name) for at, values in self._scrapes[job] if at > begin]
        known = [value for value in sums if value is not None]
        return sum(known) / len(known) if known else None

    def increase_by(self, label: str, job: str, name: str, window: float, **labels: str) -> dict[str, float]:
        """How much the counters grew over the last `window` seconds, by the values of one label."""
        grown: defaultdict[str, float] = defaultdict(float)
        wanted = tuple(labels.items())
        for before, after in self._steps(job, window):
            for series, value in after.items():
                if series.matches(name, wanted):
                    # Less than before: the service was restarted and counts from nothing again.
                    known = before.get(series, 0.0)
                    grown[dict(series.labels).get(label, "")] += value - known if value >= known else value
        return dict(grown)

    def quantile(self, share: float, job: str, name: str, window: float, **labels: str) -> float | None:
        """As Prometheus's `histogram_quantile`: linear inside a bucket, the last finite bound above. None: no data."""
        grown = self.increase_by("le", job, f"{name}_bucket", window, **labels)
        buckets = sorted((float(bound), count) for bound, count in grown.items())
        if not buckets or buckets[-1][1] == 0:
            return None
        rank = share * buckets[-1][1]
        low, below = 0.0, 0.0
        for bound, count in buckets:
            if count >= rank:
                if bound == float("inf"):
                    return low
                return low + (bound - low) * (rank - below) / (count - below)
            low, below = bound, count
        return low

    def instant(self) -> Iterator[tuple[MetricSeries, float]]:
        """Every fresh series with its last value, labelled with its job, `up` included."""
        for job, up in self._up.items():
            yield MetricSeries("up", (("job", job),)), float(up)
        for job, scrapes in self._scrapes.items():
            if scrapes and scrapes[-1][0] >= self._now() - STALE:
                for series, value in scrapes[-1][1].items():
                    yield MetricSeries(series.name, tuple(sorted((*series.labels, ("job", job))))), value

    def _steps(
        self, job: str, window: float
    ) -> Iterator[tuple[Mapping[MetricSeries, float], Mapping[MetricSeries, float]]]:
        scrapes = list(self._scrapes[job])
        begin = self._now() - window
        for (_, before), (at, after) in pairwise(scrapes):
            if at > begin:
                yield before, after


def _total(values: Mapping[MetricSeries, float], name: str) -> float | None:
    found = [value for series, value in values.items() if series.name == name]
    return sum(found) if found else None
