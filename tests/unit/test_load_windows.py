"""Windows of the load: what is counted where, and how the shares of several processes become one."""

from __future__ import annotations

from collections import Counter
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.actuators.shims import load_windows
from runner.actuators.shims.load_windows import Merger, Recorder, sample

ORIGIN = 1_000_000_000
MS = 1_000_000


class Requests:
    """Feeds a recorder requests that end at given milliseconds of the run."""

    def __init__(self, watch: dict[str, tuple[float, ...]] | None = None) -> None:
        self.recorder = Recorder(ORIGIN, watch or {}, round, now=ORIGIN)

    def end(self, at: int, took: float | None = 5.0, name: str = "/", error: object = None) -> None:
        with patch.object(load_windows, "boottime_ns", return_value=ORIGIN + at * MS):
            self.recorder.ended("GET", name, took)
            if error:
                self.recorder.failed("GET", name)

    def take(self, at: int, users: int = 1, **kwargs: bool) -> list[dict[str, object]]:
        return self.recorder.take(users, ORIGIN + at * MS, **kwargs)


def counts(**changes: object) -> dict[str, object]:
    base = {"n": 1, "failures": 0, "hist": [(5, 1)], "first": 0.1, "last": 0.1, "first_bad": None, "last_bad": None}
    return {**base, "slow": {}, **changes}


@given(st.lists(st.tuples(st.integers(0, 5000), st.sampled_from(["/a", "/b"]), st.booleans()), max_size=60))
def test_every_request_is_told_once_in_the_window_it_ended_in(ends: list[tuple[int, str, bool]]) -> None:
    requests = Requests()
    shares = []
    for at, name, failed in sorted(ends):
        requests.end(at, name=name, error="no" if failed else None)
        if at % 3 == 0:
            shares += requests.take(at)
    shares += requests.take(6000)
    assert [share["k"] for share in shares] == list(range(12))
    told: Counter[tuple[int, str]] = Counter()
    bad: Counter[tuple[int, str]] = Counter()
    for share in shares:
        for key, window in share["requests"].items():
            told[share["k"], key] += window["n"]
            bad[share["k"], key] += window["failures"]
    assert told == Counter((at // 500, f"GET {name}") for at, name, _ in ends)
    assert +bad == Counter((at // 500, f"GET {name}") for at, name, failed in ends if failed)


def test_a_window_holds_its_moments() -> None:
    requests = Requests({"GET /": (0.4, 1.0)})
    for at, took, error in ((10, 5.0, None), (20, 450.0, "no"), (30, 1200.0, "no"), (40, 400.0, None)):
        requests.end(at, took, error=error)
    (share,) = requests.take(500)
    assert share["requests"]["GET /"] == {
        "n": 4,
        "failures": 2,
        "hist": [(5, 1), (400, 1), (450, 1), (1200, 1)],
        "first": 0.01,
        "last": 0.04,
        "first_bad": 0.02,
        "last_bad": 0.03,
        "slow": {"0.4": [2, 0.02, 0.03], "1": [1, 0.03, 0.03]},
    }


def test_a_limit_for_all_requests_is_looked_at_for_each() -> None:
    requests = Requests({"": (0.4,), "GET /a": (0.4, 1.0)})
    for at, name in ((10, "/a"), (20, "/b")):
        requests.end(at, 1200.0, name=name)
    (share,) = requests.take(500)
    assert share["requests"]["GET /a"]["slow"] == {"0.4": [1, 0.01, 0.01], "1": [1, 0.01, 0.01]}
    assert share["requests"]["GET /b"]["slow"] == {"0.4": [1, 0.02, 0.02]}


def test_the_boundary_belongs_to_the_next_window() -> None:
    requests = Requests()
    requests.end(499)
    requests.end(500)
    assert [share["requests"]["GET /"]["n"] for share in requests.take(1000)] == [1, 1]


def test_an_open_window_is_told_only_when_asked_for() -> None:
    requests = Requests()
    requests.end(510)
    assert [share["k"] for share in requests.take(600)] == [0]
    assert [(share["k"], len(share["requests"])) for share in requests.take(700, unfinished=True)] == [(1, 1)]


def test_a_night_of_sleep_is_not_told_as_silence() -> None:
    requests = Requests()
    requests.end(10)
    shares = requests.take(8 * 3600 * 1000)
    assert shares[0]["requests"]["GET /"]["n"] == 1
    assert len(shares) == 1 + load_windows.SILENCE


def test_two_processes_make_one_window() -> None:
    merger = Merger(0, [0, 1])
    one = counts(n=2, hist=[(5, 1), (7, 1)], failures=1, first_bad=0.2, last_bad=0.2, slow={"0.4": [1, 0.2, 0.2]})
    other = counts(n=2, hist=[(7, 2)], first=0.05, last=0.3, slow={"0.4": [2, 0.1, 0.3], "1": [1, 0.3, 0.3]})
    merger.add(0, {"k": 0, "users": 3, "requests": {"GET /": one}})
    assert merger.due(now=500 * MS) == []
    merger.add(1, {"k": 0, "users": 4, "requests": {"GET /": other, "GET /b": counts()}})
    (share,) = merger.due(now=500 * MS)
    assert share["users"] == 7
    assert share["requests"]["GET /b"] == counts()
    assert share["requests"]["GET /"] == {
        "n": 4,
        "failures": 1,
        "hist": [(5, 1), (7, 3)],
        "first": 0.05,
        "last": 0.3,
        "first_bad": 0.2,
        "last_bad": 0.2,
        "slow": {"0.4": [3, 0.1, 0.3], "1": [1, 0.3, 0.3]},
    }


def test_a_process_that_is_late_is_told_later() -> None:
    merger = Merger(0, [0, 1])
    merger.add(0, {"k": 0, "users": 1, "requests": {"GET /": counts()}})
    assert merger.due(now=1099 * MS) == []
    assert [share["k"] for share in merger.due(now=1100 * MS)] == [0]
    merger.add(0, {"k": 1, "users": 1, "requests": {}})
    merger.add(1, {"k": 0, "users": 2, "requests": {"GET /": counts(n=9)}})
    (late,) = merger.due(now=1200 * MS)
    assert (late["k"], late["requests"]["GET /"]["n"]) == (0, 9)


def test_a_process_that_ended_is_not_waited_for() -> None:
    merger = Merger(0, [0, 1])
    merger.add(1, {"k": 0, "users": 5, "requests": {}})
    merger.drop(1)
    merger.add(0, {"k": 0, "users": 1, "requests": {}})
    merger.add(0, {"k": 1, "users": 1, "requests": {}})
    assert [(share["k"], share["users"]) for share in merger.due(now=1000 * MS)] == [(0, 6), (1, 1)]


@pytest.mark.parametrize(
    ("times", "p50", "p95", "p99"),
    [([], None, None, None), ([7], 0.007, 0.007, 0.007), (list(range(1, 101)), 0.051, 0.096, 0.1)],
)
def test_percentiles_are_locusts_in_seconds(
    times: list[int], p50: float | None, p95: float | None, p99: float | None
) -> None:
    hist = sorted(Counter(times).items())
    window = sample({"k": 3, "users": 1, "requests": {"GET /": counts(n=len(times), hist=hist)}})
    told = window["requests"]["GET /"]
    assert (told["p50"], told["p95"], told["p99"]) == (p50, p95, p99)
    assert (window["t0"], window["t1"], told["rate"]) == (1.5, 2.0, len(times) * 2)


def test_the_last_window_is_as_long_as_the_load_was() -> None:
    window = sample({"k": 2, "users": 0, "requests": {"GET /": counts(n=10)}}, now=1.1)
    assert (window["t0"], window["t1"]) == (1.0, 1.1)
    assert window["requests"]["GET /"]["rate"] == pytest.approx(100)
