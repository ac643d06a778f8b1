"""Our tolerances and Chaos Toolkit's own agree, case by case."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import TypeAdapter

from runner.specs.probe_spec import Tolerance
from runner.specs.tolerance import within

_TOLERANCE: TypeAdapter[Any] = TypeAdapter(Tolerance)

_HTTP = {"status": 200, "headers": {"Content-Type": "text/plain"}, "body": '{"count": 500, "tags": ["a", "b"]}'}
_HTTP_JSON = {**_HTTP, "body": {"count": 500, "tags": ["a", "b"], "live": True, "none": None}}
_PROCESS = {"status": 0, "stdout": "42\n", "stderr": ""}
_ALERTS = {
    "data": {
        "alerts": [
            {"labels": {"alertname": "High"}, "state": "firing"},
            {"labels": {"alertname": "High"}, "state": "pending"},
            {"labels": {"alertname": "Low"}, "state": "firing"},
        ]
    }
}


def _regex(pattern: str, **more: Any) -> dict[str, Any]:
    return {"type": "regex", "pattern": pattern, **more}


def _range(low: float, high: float, **more: Any) -> dict[str, Any]:
    return {"type": "range", "range": [low, high], **more}


def _path(path: str, **more: Any) -> dict[str, Any]:
    return {"type": "jsonpath", "path": path, **more}


_FIRING = '$.data.alerts[*][?(@.labels.alertname = "High" and @.state = "firing")]'

CASES: list[tuple[Any, Any]] = [
    # truth values
    (True, True),
    (True, False),
    (True, 1),
    (False, 0),
    (True, "true"),
    (True, _HTTP),
    (True, {"status": True}),
    (False, None),
    # whole numbers
    (200, _HTTP),
    (201, _HTTP),
    (0, _PROCESS),
    (1, _PROCESS),
    (1, True),
    (0, False),
    (5, 5.0),
    (5, "5"),
    (5, {"count": 5}),
    (200, {"status": "200"}),
    (3, [3]),
    (0, None),
    # texts
    ("ok", "ok"),
    ("ok", "OK"),
    ("200", _HTTP),
    ("ok", ["ok"]),
    ("", ""),
    # lists
    ([200, 204], _HTTP),
    ([100, 300], _HTTP),
    ([200, 201, 204], _HTTP),
    ([], _HTTP),
    ([1, 5], 3),
    ([1, 5], 5),
    ([1, 5], 5.5),
    ([1, 5], "3"),
    ([1, 5], None),
    ([1, 5], {"count": 3}),
    (["a", "c"], "b"),
    (["a", "b", "c"], "b"),
    (["a", "b", "c"], "d"),
    ([7], 7),
    ([1, 2, 3], 2),
    ([False, True], True),
    ([[1], [3]], [2]),
    # ranges
    (_range(1, 5), 3),
    (_range(1, 5), 1),
    (_range(1, 5), 5.0001),
    (_range(1, 5), "3.5"),
    (_range(1, 5), " 3 "),
    (_range(1, 5), "three"),
    (_range(1, 5), True),
    (_range(1, 5), None),
    (_range(1, 5), [3]),
    (_range(1, 5), "NaN"),
    (_range(0.1, 0.2), 0.1),
    (_range(0.1, 0.2), "0.1"),
    (_range(200, 299, target="status"), _HTTP),
    (_range(40, 43, target="stdout"), _PROCESS),
    (_range(0, 9, target="missing"), _PROCESS),
    (_range(0, 9, target="status"), 5),
    (_range(-1, 1), "1e0"),
    (_range(-1, 1), "Infinity"),
    # regular expressions
    (_regex("^4"), "42"),
    (_regex("^2"), "42"),
    (_regex("4\\d", target="stdout"), _PROCESS),
    (_regex("count", target="body"), _HTTP),
    (_regex("count", target="body"), _HTTP_JSON),
    (_regex("x", target="missing"), _PROCESS),
    (_regex("4"), 42),
    (_regex("a", target="body"), "a"),
    (_regex("$"), ""),
    (_regex("(?i)OK"), "ok"),
    (_regex("a", target=""), "a"),
    # JSON paths
    (_path("$.count", target="body"), _HTTP),
    (_path("$.count", target="body"), _HTTP_JSON),
    (_path("$.count"), _HTTP_JSON),
    (_path("$.body.count"), _HTTP_JSON),
    (_path("$.status", expect=200), _HTTP_JSON),
    (_path("$.count", target="body", expect=500), _HTTP),
    (_path("$.count", target="body", expect=[500]), _HTTP),
    (_path("$.count", target="body", expect="500"), _HTTP),
    (_path("$.count", target="body", expect=499), _HTTP),
    (_path("$.tags[*]", target="body", expect=["a", "b"]), _HTTP),
    (_path("$.tags[*]", target="body", expect=["b", "a"]), _HTTP),
    (_path("$.tags", target="body", expect=["a", "b"]), _HTTP),
    (_path("$.tags[*]", target="body", count=2), _HTTP),
    (_path("$.tags[*]", target="body", count=0), _HTTP),
    (_path("$.none[*]", target="body", count=0), _HTTP),
    (_path("$.none", target="body", expect=None), _HTTP_JSON),
    (_path("$.count", target="body", expect=None), _HTTP_JSON),
    (_path("$.live", target="body", expect=1), _HTTP_JSON),
    (_path("$.missing", target="body", expect=[]), _HTTP_JSON),
    (_path("$.missing", target="body", expect=None), _HTTP_JSON),
    (_path("$.count", target="body", expect=500, count=7), _HTTP),
    (_path("$.count", target="missing"), _HTTP),
    (_path("$.count", target="body"), 5),
    (_path("$.count"), "not json"),
    (_path("$.count"), '{"count": 0}'),
    (_path("$.a"), None),
    (_path("$"), None),
    (_path(" $.a "), {"a": False}),
    (_path(_FIRING), _ALERTS),
    (_path(_FIRING, count=1), _ALERTS),
    (_path("$.data.alerts[*].state", expect=["firing", "pending", "firing"]), _ALERTS),
    (_path("$..alertname", count=3), _ALERTS),
    (_path("$.tags.length()", target="body", expect=2), _HTTP),
]

_ORACLE = """
import json, logging, sys
logging.disable(logging.CRITICAL)
from chaoslib.hypothesis import ensure_hypothesis_tolerance_is_valid, within_tolerance
verdicts = []
for tolerance, value in json.load(sys.stdin):
    ensure_hypothesis_tolerance_is_valid(tolerance)
    try:
        verdicts.append(bool(within_tolerance(tolerance, value, configuration={}, secrets={})))
    except Exception as error:
        verdicts.append(type(error).__name__)
json.dump(verdicts, sys.stdout)
"""


@pytest.fixture(scope="module")
def verdicts() -> list[bool | str]:
    """What chaoslib says to each case; the name of the exception where it raises."""
    done = subprocess.run(
        [sys.executable, "-c", _ORACLE], input=json.dumps(CASES), capture_output=True, text=True, check=True
    )
    found: list[bool | str] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: f"{n}-{json.dumps(CASES[n][0])[:60]}")
def test_agrees_with_chaos_toolkit(number: int, verdicts: list[bool | str]) -> None:
    tolerance, value = CASES[number]
    ours = within(_TOLERANCE.validate_python(tolerance), value)
    assert ours is (verdicts[number] is True), f"chaoslib: {verdicts[number]}"


def test_the_table_tells_good_from_bad(verdicts: list[bool | str]) -> None:
    """A table on which everything held, or nothing crashed, would compare little."""
    assert verdicts.count(True) > 30
    assert verdicts.count(False) > 30
    assert len([verdict for verdict in verdicts if isinstance(verdict, str)]) >= 8
