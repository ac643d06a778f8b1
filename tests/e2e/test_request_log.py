"""The judge is held to stories whose answers can be reckoned by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import request_log
from request_log import Bound, Request, Terms, outage

BUY = "POST /checkout"
SUCCESS = Bound(BUY, at_least=0.99)
FAST = Bound(BUY, at_most=0.9)


def shopping(begin: float, end: float, *, status: int = 200, seconds: float = 0.02) -> list[Request]:
    """Ten requests a second, the first a twentieth after `begin`."""
    count = round((end - begin) * 10)
    return [Request(round(begin + 0.05 + number / 10, 3), BUY, status, seconds) for number in range(count)]


def story(*parts: list[Request]) -> list[Request]:
    return sorted((request for part in parts for request in part), key=lambda request: request.t)


def judged(log: list[Request], *bounds: Bound, until: float = 60.0) -> tuple[float | None, float | None]:
    found = outage(log, Terms(bounds=bounds or (SUCCESS,), hold=4.0, zero=0), injected=10.0, until=until)
    return found.impact, found.recovered


def test_from_the_first_failure_to_the_last() -> None:
    log = story(shopping(0, 10.3), shopping(10.3, 14.6, status=502), shopping(14.6, 60))
    assert judged(log) == (10.35, 14.55)


def test_one_bad_second_is_noise() -> None:
    log = story(shopping(0, 12.1), shopping(12.1, 12.9, status=502), shopping(12.9, 60))
    assert judged(log) == (None, None)


def test_a_bad_second_before_it_held_starts_the_search_again() -> None:
    log = story(shopping(0, 11), shopping(11, 14, status=502), shopping(14, 60), [Request(16.5, BUY, 500, 0.01)])
    assert judged(log) == (11.05, 16.5)


def test_afterwards_it_takes_two_for_a_relapse() -> None:
    noise = [Request(25.5, BUY, 500, 0.01)]
    relapse = [Request(30.2, BUY, 500, 0.01), Request(31.7, BUY, 500, 0.01)]
    healthy = story(shopping(0, 11), shopping(11, 14, status=502), shopping(14, 60))
    assert judged(story(healthy, noise)) == (11.05, 13.95)
    assert judged(story(healthy, relapse)) == (11.05, 31.7)


def test_silence_is_bad_from_its_beginning_to_the_next_answer() -> None:
    log = story(shopping(0, 12), shopping(15.3, 60))
    assert judged(log) == (12.0, 15.35)


def test_slow_is_bad_where_a_bound_says_so() -> None:
    log = story(shopping(0, 11), shopping(11, 15, seconds=1.4), shopping(15, 60))
    assert judged(log) == (None, None)
    assert judged(log, SUCCESS, FAST) == (11.05, 14.95)


def test_what_failed_before_the_fault_is_not_its_doing() -> None:
    log = story(shopping(0, 9), shopping(9, 10, status=502), shopping(10, 60))
    assert judged(log) == (None, None)


def test_the_end_is_no_recovery() -> None:
    log = story(shopping(0, 11), shopping(11, 14, status=502), shopping(14, 60))
    assert judged(log, until=17.5) == (11.05, None)


def test_the_fault_is_the_first_change_at_proxy_or_admin(tmp_path: Path) -> None:
    def lines(*entries: dict[str, object]) -> str:
        return "".join(json.dumps(entry) + "\n" for entry in entries)

    def event(at: str, route: str, status: int = 200) -> dict[str, object]:
        return {"at": at, "event": "request", "route": route, "path": "/x", "status": status, "seconds": 0.5}

    (tmp_path / "requests.jsonl").write_text(lines({"at": "2026-01-01T00:00:00Z", "boottime_ns": 1_000_000_000_000}))
    (tmp_path / "admin.log").write_text(lines(event("2026-01-01T00:00:05Z", "GET /flags"), {"event": "started"}))
    (tmp_path / "proxy.log").write_text(lines(event("2026-01-01T00:00:09.5Z", "POST /toxics")) + '{"torn')
    assert request_log.first_change(tmp_path, zero=990_000_000_000) == pytest.approx(19.0)
    assert request_log.all_changes(tmp_path) == ["POST /x"]
