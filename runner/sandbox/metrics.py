"""Counters, gauges and histograms in Prometheus's text format: written by the services, read by the monitor."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

Labels = tuple[tuple[str, str], ...]

#: Seconds; dense where the alert rules draw their lines.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class MetricSeries:
    """One line of an exposition without its value. Labels are sorted by name."""

    name: str
    labels: Labels = ()

    def matches(self, name: str, wanted: Labels = ()) -> bool:
        return self.name == name and set(wanted) <= set(self.labels)

    def __str__(self) -> str:
        inner = ",".join(f'{key}="{_escape(value)}"' for key, value in self.labels)
        return f"{self.name}{{{inner}}}" if inner else self.name


class Metric(Protocol):
    """Anything a `MetricRegistry` can write out."""

    name: str
    meaning: str
    kind: str

    def samples(self) -> Iterator[tuple[MetricSeries, float]]: ...


M = TypeVar("M", bound=Metric)


class Counter:
    """Only grows; one value for each combination of labels."""

    kind = "counter"

    def __init__(self, name: str, meaning: str) -> None:
        self.name = name
        self.meaning = meaning
        self._values: dict[Labels, float] = {}

    def add(self, amount: float = 1.0, **labels: str) -> None:
        key = _sorted(labels)
        self._values[key] = self._values.get(key, 0.0) + amount

    def samples(self) -> Iterator[tuple[MetricSeries, float]]:
        for labels, value in self._values.items():
            yield MetricSeries(self.name, labels), value


class Gauge:
    """Goes up and down; read at the moment of the scrape."""

    kind = "gauge"

    def __init__(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        self.name = name
        self.meaning = meaning
        self._read = read

    def samples(self) -> Iterator[tuple[MetricSeries, float]]:
        yield MetricSeries(self.name), float(self._read())


class Histogram:
    """Durations in seconds, in cumulative `BUCKETS`."""

    kind = "histogram"

    def __init__(self, name: str, meaning: str) -> None:
        self.name = name
        self.meaning = meaning
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}

    def observe(self, seconds: float, **labels: str) -> None:
        key = _sorted(labels)
        counts = self._counts.setdefault(key, [0] * (len(BUCKETS) + 1))
        counts[bisect_left(BUCKETS, seconds)] += 1
        self._sums[key] = self._sums.get(key, 0.0) + seconds

    def samples(self) -> Iterator[tuple[MetricSeries, float]]:
        for labels, counts in self._counts.items():
            total = 0
            for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
                total += count
                yield MetricSeries(f"{self.name}_bucket", _sorted(dict(labels) | {"le": bound})), float(total)
            yield MetricSeries(f"{self.name}_sum", labels), self._sums[labels]
            yield MetricSeries(f"{self.name}_count", labels), float(total)


class MetricRegistry:
    """The metrics of one service."""

    def __init__(self) -> None:
        self._metrics: list[Metric] = []

    def counter(self, name: str, meaning: str) -> Counter:
        return self._keep(Counter(name, meaning))

    def gauge(self, name: str, meaning: str, read: Callable[[], float]) -> Gauge:
        return self._keep(Gauge(name, meaning, read))

    def histogram(self, name: str, meaning: str) -> Histogram:
        return self._keep(Histogram(name, meaning))

    def exposition(self) -> str:
        """The body of GET /metrics."""
        lines: list[str] = []
        for metric in self._metrics:
            lines += (f"# HELP {metric.name} {metric.meaning}", f"# TYPE {metric.name} {metric.kind}")
            lines += (f"{series} {value:.12g}" for series, value in metric.samples())
        return "\n".join(lines) + "\n"

    def _keep(self, metric: M) -> M:
        self._metrics.append(metric)
        return metric


_LINE = re.compile(r'([A-Za-z_:][\w:]*)(?:\{((?:[^"}]|"(?:\\.|[^"\\])*")*)\})?\s+(\S+)')
_LABEL = re.compile(r'([A-Za-z_]\w*)="((?:\\.|[^"\\])*)"')


def parse_labels(text: str) -> Labels:
    """`a="1",b="2"` → sorted pairs."""
    return _sorted({key: _unescape(value) for key, value in _LABEL.findall(text)})


def parse_exposition(text: str) -> dict[MetricSeries, float]:
    """The inverse of `Registry.exposition`. Lines that are no samples are passed over."""
    found: dict[MetricSeries, float] = {}
    for line in text.split("\n"):
        if match := _LINE.fullmatch(line.strip()):
            name, labels, value = match.groups()
            try:
                found[MetricSeries(name, parse_labels(labels or ""))] = float(value)
            except ValueError:
                continue
    return found


def _sorted(labels: dict[str, str]) -> Labels:
    return tuple(sorted(labels.items()))


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _unescape(value: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], value)
