"""What went wrong, in one line: what the exception says first and last, and where it was raised."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest

from runner.gist import exception_gist, last_words


def _one() -> None:
    raise ValueError("it broke")


def _several() -> None:
    raise ValueError("it broke\n  for a reason\n\nthat comes last\n\n")


def _chained() -> None:
    try:
        _several()
    except ValueError as error:
        raise KeyError("no such thing") from error


def _silent() -> None:
    raise RuntimeError


def _syntax() -> None:
    compile("a = (\nb", "made_up.py", "exec")


def _printed(function: Callable[[], None]) -> str:
    try:
        function()
    except Exception:
        return traceback.format_exc()
    raise AssertionError("it should raise")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (_one, "ValueError: it broke (test_gist.py:"),
        (_several, "ValueError: it broke … that comes last (test_gist.py:"),
        (_chained, "KeyError: 'no such thing' (test_gist.py:"),
        (_silent, "RuntimeError (test_gist.py:"),
        (_syntax, "SyntaxError: '(' was never closed (made_up.py:1)"),
    ],
)
def test_an_exception_with_its_traceback(function: Callable[[], None], says: str) -> None:
    for gist in (exception_gist(_printed(function)), last_words(f"before\n{_printed(function)}\n")):
        assert gist.startswith(says)
        assert "Traceback" not in gist


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ""),
        ("\n \n", ""),
        ("ValueError: x\n", "ValueError: x"),
        ("ValueError: x\n\n", "ValueError: x"),
        ("ValueError: \nx\ny\n", "ValueError: … y"),
        ("chaoslib.exceptions.ActivityFailed: ValueError: x\n", "ValueError: x"),
        ("chaoslib.exceptions.ActivityFailed: first\nsecond\n", "first … second"),
        ("Traceback (most recent call last):\n", ""),
        ("E: " + "x" * 1000, "E: " + "x" * 396 + "…"),
    ],
)
def test_an_exception_alone(text: str, says: str) -> None:
    assert exception_gist(text) == says


def test_the_place_is_theirs_not_ours() -> None:
    frames = (
        'Traceback (most recent call last):\n  File "/x/chaoslib/provider/python.py", line 5, in f\n    g()\n'
        '  File "/home/u/acts.py", line 7, in g\n    h()\nValueError: x\n\n'
        "During handling of the above exception, another exception occurred:\n\n"
        "chaoslib.exceptions.ActivityFailed: ValueError: x\n"
    )
    assert exception_gist(frames) == "ValueError: x (acts.py:7)"


@pytest.mark.parametrize(("text", "says"), [("a\nb\n\n", "b"), ("", ""), ("error: no\n  \n", "error: no")])
def test_what_is_no_exception_has_a_last_line(text: str, says: str) -> None:
    assert last_words(text) == says
