from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from runner.specs.duration import PATTERN, Duration, PositiveDuration, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("1m30s", 90),
        ("500ms", 0.5),
        ("2s500ms", 2.5),
        ("1.5s", 1.5),
        ("90d", 7_776_000),
        ("0s", 0),
        ("12", 12),
        (" 2s ", 2),
        (3, 3),
        (0.25, 0.25),
        (0, 0),
    ],
)
def test_reads_what_people_write(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "wrong",
    [
        *(
            "",
            "s",
            "five minutes",
            "5 m",
            "1m1m",
            "30s1m",
            "1m30",
            "-5s",
            "5M",
            "1e3s",
            ".5s",
            "٣s",
            "inf",
            "nan",
            "12:30",
        ),
        *("9" * 400 + "s", -1, float("nan"), float("inf"), 10**400, True, None, [5], {}),
    ],
)
def test_refuses_the_rest_and_says_what_is_meant(wrong: Any) -> None:
    with pytest.raises(ValueError, match="not a duration") as caught:
        parse_duration(wrong)
    assert "90s" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.2, "200ms"),
        (0.0005, "0.5ms"),
        (1, "1s"),
        (1.5, "1.5s"),
        (90, "1m30s"),
        (59.9996, "1m"),
        (0.9999999, "1s"),
        (100, "1m40s"),
        (3600, "1h"),
        (86400 * 90, "90d"),
        (90061.25, "1d1h1m1.25s"),
    ],
)
def test_writes_the_shortest_text(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(min_value=0, max_value=10**12))
def test_reads_back_what_it_writes(milliseconds: int) -> None:
    text = format_duration(milliseconds / 1000)
    assert parse_duration(text) == pytest.approx(milliseconds / 1000)
    assert re.fullmatch(PATTERN, text)


def test_in_a_model_the_message_stands_alone() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Duration).validate_python("{5}")
    (error,) = caught.value.errors()
    assert error["msg"].startswith("'{5}' is not a duration; write it like 90s")


def test_a_positive_one_is_more_than_zero() -> None:
    assert TypeAdapter(PositiveDuration).validate_python("1ms") == pytest.approx(0.001)
    with pytest.raises(ValidationError):
        TypeAdapter(PositiveDuration).validate_python("0s")


def test_the_schema_takes_numbers_and_texts() -> None:
    number, text = TypeAdapter(Duration).json_schema()["anyOf"]
    assert number == {"type": "number", "minimum": 0}
    assert text["pattern"] == PATTERN
