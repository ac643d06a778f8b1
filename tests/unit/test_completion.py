"""What the shell is offered for a command line that is being typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import BashComplete

from runner.cli.main import gameday


def offered(*words: str) -> list[str]:
    """For `gameday WORDS…`, of which the last is not finished."""
    *typed, begun = words
    return [
        item.value for item in BashComplete(gameday, {}, "gameday", "_GAMEDAY_COMPLETE").get_completions(typed, begun)
    ]


def test_tell_is_offered_the_commands() -> None:
    assert offered("tell", "s") == ["show-hint", "skip"]
    assert {"complete", "confirm", "choose", "abort"} <= set(offered("tell", ""))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (("milestone", ""), ["name=detected", "name=acknowledged", "name=mitigated", "name=resolved"]),
        (("milestone", "name=r"), ["name=resolved"]),
        # As bash has it, which takes a word apart at `=`.
        (("milestone", "name", "="), ["detected", "acknowledged", "mitigated", "resolved"]),
        (("milestone", "name", "=", "m"), ["mitigated"]),
        (("note", "text", "=", "hm", "type", "=", "m"), ["mark"]),
        (("note", "text", "=", "hm", "ty"), ["type=note", "type=action", "type=mark", "type=rating"]),
        (("choose", ""), ["label="]),
        (("answer", "name=REGION", ""), ["value="]),
        (("confirm", ""), ["yes=yes", "yes=no"]),
        (("note", "text=hm", "type=m"), ["type=mark"]),
        (("resume", ""), []),
        (("dance", ""), []),
    ],
)
def test_tell_is_offered_what_a_command_takes(typed: tuple[str, ...], expected: list[str]) -> None:
    assert offered("tell", *typed) == expected


def test_drills_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "drills" / "cache-lost").mkdir(parents=True)
    (tmp_path / "drills" / "cache-lost" / "drill.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert offered("run", "c") == ["cache-lost"]
