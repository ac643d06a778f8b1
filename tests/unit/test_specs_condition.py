"""The language of `if`."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.specs.condition import ConditionError, comparisons, evaluate, names, parse

_KNOWN = {
    ("steps", "what-is-it", "choice"): "errors",
    ("steps", "fail-over", "outcome"): "failed",
    ("answers", "region"): "eu",
}


def _holds(text: str) -> bool:
    return evaluate(parse(text), lambda name: _KNOWN.get(name, ""))


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("steps.what-is-it.choice == 'errors'", True),
        ('steps.what-is-it.choice == "errors"', True),
        ("steps.what-is-it.choice != 'errors'", False),
        ("'eu' == answers.region", True),
        ("answers.region", True),
        ("answers.nothing", False),
        ("!answers.nothing", True),
        ("!(answers.region == 'eu')", False),
        ("answers.region == 'us' || steps.fail-over.outcome == 'failed'", True),
        ("answers.region == 'us' && steps.fail-over.outcome == 'failed'", False),
        ("answers.region == 'eu' || answers.region == 'us' && answers.nothing", True),
        ("(answers.region == 'eu' || answers.region == 'us') && answers.nothing", False),
        ("${{ answers.region == 'eu' }}", True),
        ("true", True),
        ("false || !true", False),
        ("answers.region == 'it''s'", False),
        ("answers.count == 3", False),
        ("  answers.region=='eu'  ", True),
    ],
)
def test_a_condition_holds_or_not(text: str, holds: bool) -> None:
    assert _holds(text) is holds


@pytest.mark.parametrize(
    ("text", "what", "column"),
    [
        ("", "the condition ends where a name or a 'quoted text' is meant", 1),
        ("a.b ==", "the condition ends where a name or a 'quoted text' is meant", 7),
        ("a.b = 'x'", "'=' is not a comparison; write '=='", 5),
        ("a.b & c", "'&' alone means nothing; write '&&'", 5),
        ("a | b", "'|' alone means nothing; write '||'", 3),
        ("a == 'x", "a quoted text is not closed", 6),
        ("(a == 'x'", "a bracket is not closed; ')' is missing", 10),
        ("a == 'x')", "')' is not expected here", 9),
        ("a b", "'b' is not expected here", 3),
        ("a == == b", "'==' stands where a name or a 'quoted text' is meant", 6),
        ("a == $x", "'$' means nothing here", 6),
        ("${{ a = b }}", "'=' is not a comparison; write '=='", 7),
        ("(" * 100 + "a" + ")" * 100, "too many brackets", 32),
        ("!" * 100 + "a", "too many brackets", 32),
    ],
)
def test_a_bad_condition_is_explained(text: str, what: str, column: int) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert (caught.value.what, caught.value.column) == (what, column)


def test_the_names_and_what_they_are_compared_with() -> None:
    condition = parse("steps.a.choice == 'x' && !(answers.b || steps.a.choice != 'y')")
    assert names(condition) == (("steps", "a", "choice"), ("answers", "b"))
    assert list(comparisons(condition)) == [(("steps", "a", "choice"), "x"), (("steps", "a", "choice"), "y")]


@given(st.text(alphabet="ab.'\"=!&|() $19{}", max_size=30))
def test_any_text_is_a_condition_or_explained(text: str) -> None:
    with contextlib.suppress(ConditionError):
        assert evaluate(parse(text), lambda _: "") in (True, False)
