"""Which variables of a shell line end up in a process list."""

from __future__ import annotations

import time

import pytest

from runner.guard.shell_syntax import exposed


@pytest.mark.parametrize(
    "line",
    [
        'curl -H "Authorization: Bearer $T" http://x',
        "curl -u ana:${T} http://x",
        "curl $T",
        "env X=$T run-it",
        "A=b curl $T",
        "X=$(date) curl $T",
        "echo hello; curl $T",
        "true && curl $T",
        'X="$(curl $T)"',
        'echo "$(curl -u "$T" x)"',
        "echo `curl $T`",
        "if true; then curl $T; fi",
        "for i in 1 2; do curl $T; done",
        "curl \\\n  -u $T",
        "bash -c 'curl $T'",
        "sudo /bin/sh -c 'curl $T'",
        'eval "curl $T"',
        "(curl $T)",
        "curl ${T:-none}",
        "curl ${T%x}",
        "printf x | curl -d @- $T",
        "curl -K - $T <<EOF\nx\nEOF",
    ],
)
def test_an_argument_of_a_command_is_seen_by_everybody(line: str) -> None:
    assert exposed(line, ["T", "OTHER"]) == ["T"]


@pytest.mark.parametrize(
    "line",
    [
        'echo "$T"',
        'printf \'header = "Authorization: %s"\' "$T" | curl -K - http://x',
        "X=$T run-it",
        "export X=$T; run-it",
        'cat <<< "$T"',
        "curl -K - <<EOF\nuser = ana:$T\nEOF\necho done",
        "curl -H @<(printf 'Authorization: %s' \"$T\") http://x",
        'if [ -n "$T" ]; then run-it; fi',
        '[[ "$T" == x ]] && run-it',
        "awk '{print $T}' file",
        'run-it "\\$T"',
        "run-it > $T",
        "# curl $T\nrun-it",
        "run-it $TT $OTHER_T",
        "run-it",
        "",
        "$",
        "'",
        '"${',
        "))((",
    ],
)
def test_what_the_shell_does_itself_is_not(line: str) -> None:
    assert exposed(line, ["T"]) == []


@pytest.mark.parametrize("piece", ["${a", "$a", "{ ", '"$(', "$(", "<<A\n", '"('])
def test_a_long_line_costs_no_more_than_its_length(piece: str) -> None:
    began = time.process_time()
    exposed(piece * (50_000 // len(piece)) + " $T", ["T"])
    # A fraction of a second; with the square of the length it would be a minute.
    assert time.process_time() - began < 5


def test_each_is_named_once() -> None:
    assert exposed("curl $A $B $A", ["A", "B"]) == ["A", "B"]
