"""What is read out of what a command printed, and what is said when it is not there."""

from __future__ import annotations

import pytest

from runner.specs.output import LONGEST_VALUE, NotRead, read_value

_JSON = (
    '{"version": "1.2", "count": 3, "on": true, "none": null, "items": [{"n": "é b"}, {"n": 2}], "deep": {"a": [1]}}'
)


@pytest.mark.parametrize(
    ("reading", "value"),
    [
        ("$.version", "1.2"),
        ("$.count", "3"),
        ("$.on", "true"),
        ("$.items[0].n", "é b"),
        ("$.items[*].n", "é b"),
        ("$.deep", '{"a":[1]}'),
        ("$", None),
    ],
)
def test_a_path_gives_the_first_value_it_finds(reading: str, value: str | None) -> None:
    assert read_value(reading, f"\n {_JSON}\n") == (value or read_value("$", _JSON))


@pytest.mark.parametrize(
    ("reading", "value"),
    [
        ("/version: (.+)/", "1.2 beta"),
        ("/v[a-z]+/", "version"),
        (r"/^pod-\w+$/", "pod-7f"),
        ("/(?i)VERSION: ([0-9.]+)/", "1.2"),
        ("/a/b/", "a/b"),
    ],
)
def test_a_pattern_gives_its_group_or_all_of_its_first_match(reading: str, value: str) -> None:
    assert read_value(reading, "begin\nversion: 1.2 beta\npod-7f\npod-8a\na/b\n") == value


@pytest.mark.parametrize(
    ("reading", "printed", "why"),
    [
        ("$.absent", _JSON, "nothing is found at $.absent"),
        ("$.none", _JSON, "null stands at $.none"),
        ("$.version", "version: 1.2", "nothing is found at $.version: what was printed is not JSON"),
        ("$.version", "", "nothing is found at $.version: what was printed is not JSON"),
        ("$.version", "[" * 100_000, "nothing is found at $.version: what was printed is not JSON"),
        ("/version (.+)/", "none", "nothing matches /version (.+)/"),
        ("/a|(b)/", "a", "the group of /a|(b)/ took no part in its match"),
        ("/.+/", "x" * (LONGEST_VALUE + 1), "what /.+/ finds is 32,769 characters long; at most 32,768"),
        ("/.+/", "a\0b", "what /.+/ finds holds a NUL, which no variable can"),
    ],
)
def test_what_is_not_there_is_said_with_what_was_looked_for(reading: str, printed: str, why: str) -> None:
    with pytest.raises(NotRead) as error:
        read_value(reading, printed)
    assert str(error.value) == why
