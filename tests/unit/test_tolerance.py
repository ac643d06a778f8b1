from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from runner.specs.probe_spec import Tolerance
from runner.specs.tolerance import SHOWN, explain, within

_TOLERANCE: TypeAdapter[Any] = TypeAdapter(Tolerance)

_HTTP = {"status": 503, "headers": {}, "body": {"count": 499, "state": "down"}}
_PROCESS = {"status": 3, "stdout": "7\n", "stderr": ""}


@pytest.mark.parametrize(
    ("tolerance", "value", "why"),
    [
        (200, _HTTP, "status 503, expected 200"),
        (0, _PROCESS, "exit code 3, expected 0"),
        ([200, 204], _HTTP, "status 503, expected one of 200, 204"),
        ([1, 5], 7, "gave 7, expected 1 to 5"),
        ([1, 5], "7", 'gave "7", which does not compare with 1 and 5'),
        ([1, 2, 3], 7, "gave 7, expected one of 1, 2, 3"),
        (True, False, "gave false, expected true"),
        ("up", "down", 'gave "down", expected "up"'),
        ({"type": "range", "range": [1, 5]}, 7, "gave 7, expected 1 to 5"),
        ({"type": "range", "range": [1, 5]}, "x", 'gave "x", which is not a number'),
        ({"type": "range", "range": [1, 5], "target": "a"}, 3, "gave 3, which has no 'a'"),
        ({"type": "regex", "pattern": "^9", "target": "stdout"}, _PROCESS, 'gave "7\\n", in which nothing matches ^9'),
        ({"type": "regex", "pattern": "9"}, 9, "gave 9, which is not text"),
        (
            {"type": "jsonpath", "path": "$.count", "target": "body", "expect": 500},
            _HTTP,
            "$.count gave [499], expected 500",
        ),
        (
            {"type": "jsonpath", "path": "$.*", "target": "body", "count": 0},
            _HTTP,
            "$.* gave 2 values, expected 0",
        ),
        ({"type": "jsonpath", "path": "$.count"}, _HTTP, "$.count gave nothing"),
    ],
)
def test_says_why_not(tolerance: Any, value: Any, why: str) -> None:
    assert explain(_TOLERANCE.validate_python(tolerance), value) == why


def test_says_nothing_when_all_is_well() -> None:
    assert explain(503, _HTTP) == ""


def test_cuts_what_is_too_long_for_a_line() -> None:
    why = explain("short", "x" * 10_000)
    assert "…" in why
    assert len(why) < SHOWN + 60


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["status", "body", "x"]), inner),
    max_leaves=10,
)
_TOLERANCES = st.sampled_from(
    [
        True,
        200,
        "text",
        [1, 2],
        ["a"],
        {"type": "range", "range": [0, 1.5], "target": "status"},
        {"type": "range", "range": [0, 1.5]},
        {"type": "regex", "pattern": "a|b", "target": "body"},
        {"type": "jsonpath", "path": "$.x[?(@ > 1)]"},
        {"type": "jsonpath", "path": "$.x", "target": "body", "expect": [1]},
    ]
).map(_TOLERANCE.validate_python)


@given(_TOLERANCES, _VALUES)
def test_judges_any_value_without_raising_and_in_one_line(tolerance: Any, value: Any) -> None:
    why = explain(tolerance, value)
    assert within(tolerance, value) is (why == "")
    assert "\n" not in why


@pytest.mark.parametrize(
    ("tolerance", "said"),
    [
        (1.5, "a tolerance is"),
        (None, "a tolerance is"),
        ({"type": "rnage", "range": [1, 2]}, "a tolerance is"),
        ({"type": "range", "range": [5, 1]}, "the lower boundary comes first"),
        ({"type": "range", "range": [1, "5"]}, "is not a boundary"),
        ({"type": "range", "range": [1, float("nan")]}, "is not a boundary"),
        ({"type": "range", "range": [True, 5]}, "is not a boundary"),
        ({"type": "range", "range": [1]}, "Field required"),
        ({"type": "regex", "pattern": "("}, "not a regular expression"),
        ({"type": "regex", "pattern": "a", "tagret": "body"}, "Extra inputs"),
        ({"type": "jsonpath", "path": "$.[["}, "not a JSON path"),
        ({"type": "jsonpath", "path": "count"}, "not a JSON path"),
        ({"type": "jsonpath", "path": "$.a", "count": -1}, "greater than or equal to 0"),
        ({"type": "probe", "provider": {"type": "tcp", "host": "h", "port": 1}}, "does not match"),
    ],
)
def test_refuses_a_tolerance_that_could_never_work(
    tolerance: Any, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValidationError) as caught:
        _TOLERANCE.validate_python(tolerance)
    assert len(caught.value.errors()) == 1
    assert said in caught.value.errors()[0]["msg"]
    assert capfd.readouterr() == ("", "")


def test_has_a_json_schema() -> None:
    schema = json.dumps(_TOLERANCE.json_schema())
    for kind in ("range", "regex", "jsonpath", "probe"):
        assert f'"const": "{kind}"' in schema
