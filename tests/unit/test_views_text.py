"""What comes from a file or a command's output never acts on the terminal."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.views.text import Paint, clock, duration, inert


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, naïve → 🔥", "plain, naïve → 🔥"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("one\ntwo", "one⏎two"),
        ("one\ttwo", "one two"),
        ("\r\b\x07\x00", "\\u000d\\u0008\\u0007\\u0000"),
        ("\x9b31m", "\\u009b31m"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("\x1b", "\\u001b"),
        ("[bold]markup[/nope]", "[bold]markup[/nope]"),
        ("\ud800", "\\ud800"),
    ],
)
def test_it_is_shown_and_does_nothing(text: str, shown: str) -> None:
    assert inert(text) == shown


@given(st.text())
def test_whatever_it_is_it_is_one_line_without_controls(text: str) -> None:
    assert not [c for c in inert(text) if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert inert(inert(text)) == inert(text)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "—"),
        (0.0, "0.0 s"),
        (-4.26, "-4.3 s"),
        (59.94, "59.9 s"),
        (59.96, "1:00.0"),
        (60.0, "1:00.0"),
        (125.04, "2:05.0"),
        (119.97, "2:00.0"),
        (3600.0, "1:00:00"),
        (3599.97, "1:00:00"),
        (90061.0, "25:01:01"),
    ],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(4.31, "+00:04.31"), (-1.0, "+00:00.00"), (59.999, "+01:00.00"), (3661.5, "+1:01:01.50")]
)
def test_the_runs_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert Paint(_Terminal())("bold red", "x") == "\x1b[1;31mx\x1b[0m"
    assert Paint(_Terminal())("", "x") == "x"
    assert Paint(io.StringIO())("bold", "x") == "x"
    monkeypatch.setenv("TERM", "dumb")
    assert Paint(_Terminal())("bold", "x") == "x"
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert Paint(_Terminal())("bold", "x") == "x"
