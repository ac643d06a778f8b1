"""Metrics as written and read, the windows over them, and the life of an alert."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.sandbox.alert_rules import RULES, AlertBook, Rule
from runner.sandbox.metric_history import KEPT, STALE, Samples
from runner.sandbox.metrics import BUCKETS, MetricRegistry, MetricSeries, parse_exposition


class Ticking:
    def __init__(self) -> None:
        self.t = 0.0

    def __call__(self) -> float:
        return self.t


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text(max_size=20), max_size=3))
def test_what_is_written_can_be_read_again(labels: dict[str, str]) -> None:
    registry = MetricRegistry()
    counter = registry.counter("seen_total", "Seen.")
    counter.add(3, **labels)
    counter.add(0.5, **labels)
    assert parse_exposition(registry.exposition()) == {MetricSeries("seen_total", tuple(sorted(labels.items()))): 3.5}


def test_a_histogram_is_cumulative() -> None:
    registry = MetricRegistry()
    seconds = registry.histogram("took_seconds", "Took.")
    for value in (0.001, 0.15, 99.0):
        seconds.observe(value, route="GET /")
    found = parse_exposition(registry.exposition())
    by_bound = {dict(s.labels)["le"]: value for s, value in found.items() if s.name == "took_seconds_bucket"}
    assert (by_bound["0.005"], by_bound["0.1"], by_bound["0.2"], by_bound["8.0"], by_bound["+Inf"]) == (1, 1, 2, 2, 3)
    assert len(by_bound) == len(BUCKETS) + 1
    assert found[MetricSeries("took_seconds_sum", (("route", "GET /"),))] == pytest.approx(99.151)


def _counts(name: str, **by_status: float) -> dict[MetricSeries, float]:
    return {MetricSeries(name, (("status", status[1:]),)): value for status, value in by_status.items()}


def test_an_increase_looks_back_over_its_window_only() -> None:
    now = Ticking()
    samples = Samples(now)
    for now.t, value in ((0.0, 10.0), (1.0, 30.0), (2.0, 35.0), (3.0, 36.0)):
        samples.add("shop", _counts("n", s200=value))
    assert samples.increase_by("status", "shop", "n", 1.5) == {"200": 6.0}
    assert samples.increase_by("status", "shop", "n", 1.5, status="500") == {}


def test_a_counter_that_starts_again_does_not_count_backwards() -> None:
    now = Ticking()
    samples = Samples(now)
    for now.t, value in ((0.0, 100.0), (0.5, 4.0)):
        samples.add("shop", _counts("n", s200=value))
    assert samples.increase_by("status", "shop", "n", 2.0) == {"200": 4.0}


def test_a_series_that_first_appears_counts_from_nothing() -> None:
    now = Ticking()
    samples = Samples(now)
    samples.add("shop", _counts("n", s200=100))
    now.t = 0.5
    samples.add("shop", _counts("n", s200=100, s502=7))
    assert samples.increase_by("status", "shop", "n", 2.0) == {"200": 0.0, "502": 7.0}


def test_a_quantile_is_linear_inside_its_bucket() -> None:
    now = Ticking()
    samples = Samples(now)
    registry = MetricRegistry()
    seconds = registry.histogram("took_seconds", "Took.")
    samples.add("shop", parse_exposition(registry.exposition()))
    for value in (0.15,) * 10:
        seconds.observe(value)
    now.t = 0.5
    samples.add("shop", parse_exposition(registry.exposition()))
    assert samples.quantile(0.5, "shop", "took_seconds", 2.0) == pytest.approx(0.15)
    assert samples.quantile(0.5, "other", "took_seconds", 2.0) is None
    seconds.observe(99.0)
    now.t = 1.0
    samples.add("shop", parse_exposition(registry.exposition()))
    assert samples.quantile(0.99, "shop", "took_seconds", 0.6) == BUCKETS[-1]


def test_a_last_value_goes_stale_and_old_scrapes_are_dropped() -> None:
    now = Ticking()
    samples = Samples(now)
    assert samples.up("shop") is None
    samples.add("shop", {MetricSeries("queue"): 4.0})
    assert (samples.latest("shop", "queue"), samples.up("shop")) == (4.0, 1.0)
    now.t = STALE + 0.1
    samples.add("shop", None)
    assert (samples.latest("shop", "queue"), samples.up("shop")) == (None, 0.0)
    now.t = KEPT + 1
    samples.add("shop", {MetricSeries("queue"): 1.0})
    assert samples.average("shop", "queue", 2 * KEPT) == 1.0


def _book(wait: float = 1.0) -> AlertBook:
    rule = Rule(
        name="QueueLong",
        severity="page",
        summary="long",
        query="queue > 5",
        limit=5,
        wait=wait,
        value=lambda samples: samples.latest("shop", "queue"),
    )
    return AlertBook(rules=(rule,))


def test_an_alert_is_pending_then_firing_then_gone() -> None:
    now = Ticking()
    samples = Samples(now)
    book = _book()
    states = []
    for now.t, length in ((0.0, 1.0), (0.5, 9.0), (1.0, 9.0), (1.5, 9.0), (2.0, 5.0)):
        samples.add("shop", {MetricSeries("queue"): length})
        book.evaluate(samples, now.t, f"at {now.t}")
        states.append((book.states()["QueueLong"], [alert.at for alert in book.active.values()]))
    assert states == [
        ("inactive", []),
        ("pending", ["at 0.5"]),
        ("pending", ["at 0.5"]),
        ("firing", ["at 0.5"]),
        ("inactive", []),
    ]


def test_a_dip_starts_the_wait_again() -> None:
    now = Ticking()
    samples = Samples(now)
    book = _book()
    for now.t, length in ((0.0, 9.0), (0.5, 0.0), (1.0, 9.0), (1.5, 9.0)):
        samples.add("shop", {MetricSeries("queue"): length})
        book.evaluate(samples, now.t, "")
    assert book.states()["QueueLong"] == "pending"


def test_no_rule_fires_on_nothing() -> None:
    book = AlertBook()
    book.evaluate(Samples(Ticking()), 0.0, "")
    assert set(book.states().values()) == {"inactive"}
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_the_error_rule_counts_server_errors_alone() -> None:
    now = Ticking()
    samples = Samples(now)
    rule = next(rule for rule in RULES if rule.name == "CheckoutErrorsHigh")

    def requests(**by_status: float) -> dict[MetricSeries, float]:
        return {
            MetricSeries("http_requests_total", (("route", "POST /checkout"), ("status", status[1:]))): value
            for status, value in by_status.items()
        }

    samples.add("storefront", requests(s200=0, s404=0, s502=0))
    now.t = 0.5
    samples.add("storefront", requests(s200=80, s404=10, s502=10))
    assert rule.value(samples) == pytest.approx(0.1)
