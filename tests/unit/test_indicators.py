"""Raw observations become one verdict a second."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.actuators.load import _parse
from runner.actuators.load_reports import LoadSampledReport
from runner.actuators.shims import load_windows
from runner.actuators.shims.load_windows import Recorder, sample
from runner.engine.indicators import LOAD, SILENCE, Judge, percentile, watch
from runner.engine.plan import Indicator


@dataclass(frozen=True, kw_only=True)
class Window:
    n: int
    failures: int = 0
    hist: tuple[tuple[int, int], ...] = ()
    first: float | None = None
    last: float | None = None
    first_bad: float | None = None
    last_bad: float | None = None
    slow: Mapping[float, tuple[int, float, float]] = field(default_factory=dict)


def load(metric: str = "success-ratio", request: str = "POST /checkout", **bounds: float | None) -> Indicator:
    bounds = bounds or {"at_least": 0.99}
    return Indicator(name="it", source="load", metric=metric, request=request, **bounds)


def probe(every: float = 0.2, at_least: float | None = 1.0) -> Indicator:
    return Indicator(name="it", source="probe", every=every, at_least=at_least)


def good(n: int, first: float, last: float) -> Window:
    return Window(n=n, hist=((12, n),), first=first, last=last)


def test_two_windows_make_a_second() -> None:
    judge = Judge([load()])
    judge.requests(10.5, 4, {"POST /checkout": good(60, 10.01, 10.4)})
    assert judge.ready() == []
    judge.requests(11.0, 4, {"POST /checkout": good(40, 10.5, 10.9)})
    (told,) = judge.ready()
    assert (told.since, told.n, told.value, told.ok, told.degraded_ok) == (10.0, 100, 1.0, True, True)
    assert (told.first, told.bad_from, told.bad_until, told.degraded_bad_until) == (10.01, None, None, None)
    assert judge.ready() == []


@pytest.mark.parametrize(
    ("failures", "ok", "degraded_ok"),
    [(0, True, True), (1, True, True), (2, False, True), (5, False, True), (6, False, False)],
)
def test_a_ratio_on_its_bound_is_inside(failures: int, ok: bool, degraded_ok: bool) -> None:
    judge = Judge([load(at_least=0.99, degraded=0.95)])
    window = Window(n=100, failures=failures, first=3.0, last=3.9, first_bad=3.2, last_bad=3.6)
    judge.requests(4.0, 4, {"POST /checkout": window})
    (told,) = judge.ready()
    assert (told.ok, told.degraded_ok) == (ok, degraded_ok)
    assert (told.bad_from, told.bad_until) == ((None, None) if ok else (3.2, 3.6))
    assert told.degraded_bad_until == (None if degraded_ok else 3.6)


def test_without_a_degraded_bound_the_tolerance_itself_is_it() -> None:
    judge = Judge([load(at_least=0.99)])
    judge.requests(
        4.0, 4, {"POST /checkout": Window(n=10, failures=1, first=3.0, last=3.9, first_bad=3.2, last_bad=3.2)}
    )
    (told,) = judge.ready()
    assert not told.degraded_ok
    assert told.degraded_bad_until == 3.2


def test_a_failure_ratio_counts_the_other_way() -> None:
    judge = Judge([load("failure-ratio", at_most=0.1)])
    judge.requests(
        1.0, 1, {"POST /checkout": Window(n=4, failures=1, first=0.1, last=0.9, first_bad=0.3, last_bad=0.3)}
    )
    (told,) = judge.ready()
    assert (told.value, told.ok, told.bad_from) == (0.25, False, 0.3)


def test_latency_is_dated_by_the_requests_slower_than_the_bound() -> None:
    judge = Judge([load("p95", at_most=0.4, degraded=1.0)])
    one = Window(n=10, hist=((50, 9), (600, 1)), first=7.0, last=7.4, slow={0.4: (1, 7.3, 7.3)})
    two = Window(n=10, hist=((50, 5), (2000, 5)), first=7.5, last=7.9, slow={0.4: (5, 7.6, 7.8), 1.0: (5, 7.65, 7.75)})
    judge.requests(7.5, 3, {"POST /checkout": one})
    judge.requests(8.0, 3, {"POST /checkout": two})
    (told,) = judge.ready()
    assert (told.value, told.ok, told.degraded_ok) == (2.0, False, False)
    assert (told.bad_from, told.bad_until, told.degraded_bad_until) == (7.3, 7.8, 7.75)


def test_latency_of_all_requests_together_is_dated_by_single_requests() -> None:
    indicator = load("p50", request="", at_most=0.347, degraded=1.0)
    recorder = Recorder(0, watch([indicator]), bucket_to_ten, now=0)
    judge = Judge([indicator])
    for at, name, took in ((100, "/a", 346.0), (200, "/b", 400.0), (300, "/a", 346.0), (700, "/b", 1200.0)):
        with patch.object(load_windows, "boottime_ns", return_value=at * 1_000_000):
            recorder.ended("GET", name, took)
    for share in recorder.take(1, 1_000_000_000):
        report = _parse(json.loads(json.dumps(sample(share))))
        assert isinstance(report, LoadSampledReport)
        judge.requests(report.t1, report.users, report.requests)
    (told,) = judge.ready()
    # Locust's histogram has those of 346 ms at 350: dated by it, the first of them would be the first bad one.
    assert (told.n, told.value, told.ok) == (4, 0.4, False)
    assert (told.bad_from, told.bad_until, told.degraded_bad_until) == (0.2, 0.7, None)


def bucket_to_ten(milliseconds: float) -> int:
    """As Locust rounds response times between 100 and 1000 ms."""
    return round(milliseconds, -1)


def test_a_rate_is_dated_by_the_edges_of_its_second() -> None:
    judge = Judge([load("rate", at_least=50.0)])
    judge.requests(3.0, 4, {"POST /checkout": good(20, 2.1, 2.9)})
    (told,) = judge.ready()
    assert (told.value, told.ok, told.bad_from, told.bad_until) == (20.0, False, 2.0, 3.0)


def test_no_name_means_all_requests_together() -> None:
    judge = Judge([load(request="", at_least=0.9)])
    failing = Window(n=2, failures=2, first=1.1, last=1.8, first_bad=1.1, last_bad=1.8)
    judge.requests(2.0, 4, {"GET /": good(2, 1.0, 1.9), "POST /checkout": failing})
    (told,) = judge.ready()
    assert (told.n, told.value, told.bad_from) == (4, 0.5, 1.1)


def test_silence_is_bad_while_users_run() -> None:
    judge = Judge([load()])
    judge.requests(1.0, 4, {"POST /checkout": good(5, 0.1, 0.9)})
    judge.requests(2.0, 4, {"GET /": good(5, 1.1, 1.9)})
    judge.load_silent(3.4)
    assert [(told.since, told.n, told.ok, told.value, told.bad_from) for told in judge.ready()] == [
        (0.0, 5, True, 1.0, None),
        (1.0, 0, False, None, None),
        (2.0, 0, False, None, None),
    ]


def test_silence_without_users_is_not_judged() -> None:
    judge = Judge([load()])
    judge.requests(1.0, 0, {})
    judge.requests(2.0, 4, {"POST /checkout": good(5, 1.1, 1.9)})
    judge.requests(3.0, 0, {})
    judge.load_silent(9.0)
    assert [told.since for told in judge.ready()] == [1.0]


def test_a_second_in_which_the_users_only_arrive_may_be_silent() -> None:
    judge = Judge([load()])
    judge.requests(0.5, 0, {})
    judge.requests(1.0, 4, {})
    judge.requests(2.0, 4, {})
    assert [told.since for told in judge.ready()] == [1.0]


def test_a_limit_is_found_again_as_the_load_names_it() -> None:
    indicator = load("p95", at_most=0.123456789)
    ((limit,),) = watch([indicator]).values()
    judge = Judge([indicator])
    slow = {float(f"{limit:g}"): (1, 0.7, 0.7)}
    judge.requests(1.0, 1, {"POST /checkout": Window(n=1, hist=((200, 1),), first=0.1, last=0.9, slow=slow)})
    assert judge.ready()[0].bad_from == 0.7


def test_a_window_told_late_does_not_open_its_second_again() -> None:
    judge = Judge([load()])
    judge.requests(1.0, 4, {"POST /checkout": good(5, 0.1, 0.9)})
    judge.requests(2.0, 4, {"POST /checkout": good(5, 1.1, 1.9)})
    assert len(judge.ready()) == 2
    judge.requests(1.0, 4, {"POST /checkout": good(5, 0.1, 0.9)})
    judge.requests(3.0, 4, {"POST /checkout": good(7, 2.1, 2.9)})
    assert [(told.since, told.n) for told in judge.ready()] == [(2.0, 7)]


def test_a_probe_belongs_to_the_second_in_which_it_was_sent() -> None:
    judge = Judge([probe()])
    judge.shot("it", 4.1, True, 0.01, "")
    judge.shot("it", 4.9, False, 1.0, "timed out")
    judge.shot("it", 5.1, True, 0.01, "")
    judge.settle("it", 4.95)
    assert judge.ready() == []
    judge.settle("it", 5.5)
    (told,) = judge.ready()
    assert (told.since, told.n, told.value, told.ok, told.first) == (4.0, 2, 0.5, False, 4.1)
    assert (told.bad_from, told.bad_until) == (4.9, 4.9)


def test_answers_out_of_order_are_dated_by_when_they_were_sent() -> None:
    judge = Judge([probe(at_least=0.9)])
    for t, ok in ((4.6, False), (4.2, False), (4.4, True)):
        judge.shot("it", t, ok)
    judge.settle("it", 5.0)
    (told,) = judge.ready()
    assert (told.first, told.bad_from, told.bad_until) == (4.2, 4.2, 4.6)


def test_a_probe_that_falls_silent_is_bad_but_not_before_its_first_shot() -> None:
    judge = Judge([probe()])
    judge.settle("it", 3.0)
    judge.shot("it", 3.3, True)
    judge.settle("it", 6.0)
    assert [(told.since, told.ok) for told in judge.ready()] == [(3.0, True), (4.0, False), (5.0, False)]


def test_a_slow_probe_is_not_judged_where_none_was_due() -> None:
    judge = Judge([probe(every=3.0)])
    judge.shot("it", 0.1, True)
    judge.shot("it", 3.1, True)
    judge.settle("it", 8.0)
    assert [(told.since, told.ok) for told in judge.ready()] == [(0.0, True), (3.0, True), (6.0, False), (7.0, False)]


def test_a_probe_without_a_bound_has_to_hold_every_time() -> None:
    judge = Judge([probe(at_least=None)])
    judge.shot("it", 0.1, True)
    judge.shot("it", 0.3, False)
    judge.settle("it", 1.0)
    assert not judge.ready()[0].ok


def test_a_night_asleep_is_not_told_second_by_second() -> None:
    judge = Judge([load(), Indicator(name="front", source="probe", every=0.2)])
    judge.requests(1.0, 4, {"POST /checkout": good(5, 0.1, 0.9)})
    judge.shot("front", 0.5, True)
    judge.ready()
    judge.load_silent(30000.0)
    judge.settle("front", 30000.0)
    told = judge.ready()
    assert len(told) <= 2 * SILENCE + 2
    assert told[-1].since == 29999.0


def test_buckets_come_in_the_order_of_time_then_of_the_plan() -> None:
    indicators = [Indicator(name=name, source="load", at_least=0.9, request="") for name in ("b", "a")]
    judge = Judge(indicators)
    for until in (1.0, 2.0):
        judge.requests(until, 1, {"GET /": good(3, until - 0.9, until - 0.1)})
    assert [(told.since, told.indicator) for told in judge.ready()] == [(0, "b"), (0, "a"), (1, "b"), (1, "a")]


def test_settling_the_load_alone_finishes_nothing_that_never_began() -> None:
    judge = Judge([load()])
    judge.settle(LOAD, 50.0)
    assert judge.ready() == []


def test_watch_names_the_limits_of_latencies_only() -> None:
    indicators = [
        load("p95", at_most=0.4, degraded=1.0),
        load("p50", at_most=0.4),
        load("p99", request="", at_most=2.0),
        load("rate", at_least=5.0),
        load(),
        probe(),
    ]
    assert watch(indicators) == {"POST /checkout": (0.4, 1.0), "": (2.0,)}


def test_percentiles_are_those_of_the_histogram() -> None:
    hist = {10: 90, 200: 9, 3000: 1}
    assert [percentile(hist, share) for share in (0.5, 0.95, 0.99)] == [0.01, 0.2, 3.0]
    assert percentile({}, 0.5) is None


_WINDOWS = st.lists(
    st.dictionaries(
        st.sampled_from(["POST /checkout", "GET /"]), st.tuples(st.integers(1, 50), st.integers(0, 50)), max_size=2
    ),
    max_size=40,
)


@given(_WINDOWS)
def test_no_request_is_lost_or_counted_twice(windows: list[dict[str, tuple[int, int]]]) -> None:
    everything = Indicator(name="all", source="load", metric="failure-ratio", at_most=0.5)
    judge = Judge([everything])
    told = []
    for k, found in enumerate(windows):
        t = k / 2
        seen = {
            name: Window(n=n, failures=min(n, bad), first=t, last=t + 0.4, first_bad=t + 0.1, last_bad=t + 0.2)
            for name, (n, bad) in found.items()
        }
        judge.requests(t + 0.5, 3, seen)
        told += judge.ready()
    judge.load_silent(len(windows) / 2 + 2)
    told += judge.ready()
    assert sum(bucket.n for bucket in told) == sum(n for found in windows for n, _ in found.values())
    assert [bucket.since for bucket in told] == sorted({bucket.since for bucket in told})
    for bucket in told:
        assert bucket.ok == (bucket.n > 0 and bucket.bad_from is None)


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans()), min_size=1, max_size=80))
def test_no_shot_is_lost_or_counted_twice(shots: list[tuple[float, bool]]) -> None:
    judge = Judge([probe()])
    for t, ok in sorted(shots):
        judge.shot("it", t, ok)
    judge.settle("it", 32.0)
    told = judge.ready()
    assert sum(bucket.n for bucket in told) == len(shots)
    for bucket in told:
        if bucket.bad_from is not None:
            assert bucket.since <= bucket.bad_from <= (bucket.bad_until or 0.0) < bucket.since + 1
