from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import ExitCode
from runner.specs.substitution import UndefinedVariable, placeholders, substitute

_VALUES = {"target.url": "http://h", "count": 5, "PAY_TOKEN": "s3cret", "loop": "${loop}"}


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("${target.url}/health", "http://h/health"),
        ("${count} of ${count}", "5 of 5"),
        ("${count}", 5),
        ("$${count}", "${count}"),
        ("a $${count} ${count}", "a ${count} 5"),
        ("${loop}", "${loop}"),
        ("a ${loop}", "a ${loop}"),
        ("$.data[?(@.x)]", "$.data[?(@.x)]"),
        ("$count $5 $$", "$count $5 $$"),
        ("${not a name} ${}", "${not a name} ${}"),
        ({"${count}": ["${count}", {"a": "x${count}"}], "n": 1}, {"${count}": [5, {"a": "x5"}], "n": 1}),
        (("${count}", None), (5, None)),
        (True, True),
    ],
)
def test_puts_values_in(value: Any, result: Any) -> None:
    assert substitute(value, _VALUES) == result


def test_leaves_the_original_alone() -> None:
    value = {"a": ["${count}"]}
    substitute(value, _VALUES)
    assert value == {"a": ["${count}"]}


def test_names_what_is_asked_for_once_and_in_order() -> None:
    value = {"url": "${target.url}/${count}", "more": ["$${escaped}", "${count}", {"x": "${PAY_TOKEN}"}], "n": 4}
    assert placeholders(value) == ["target.url", "count", "PAY_TOKEN"]


def test_an_undefined_name_is_bad_input_and_names_its_neighbour() -> None:
    with pytest.raises(UndefinedVariable) as caught:
        substitute(["${target.ulr}"], _VALUES)
    assert caught.value.name == "target.ulr"
    assert caught.value.meant == "did you mean ${target.url}?"
    assert caught.value.exit_code is ExitCode.BAD_INPUT


def test_an_undefined_name_far_from_all_lists_what_there_is() -> None:
    with pytest.raises(UndefinedVariable) as caught:
        substitute("${zzz}", {"a": "1", "b": "2"})
    assert caught.value.meant == "defined here: a, b"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(_JSON)
def test_needs_exactly_the_names_it_reports(value: Any) -> None:
    substitute(value, dict.fromkeys(placeholders(value), "x"))
