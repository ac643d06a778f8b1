"""A fault that lasts as long as its action: its `undone-when` is asked while the action goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from file_fault import DRILL, GONE, VACUOUS, Repo, with_check

_TOUCH = 'path: touch, arguments: "$MARKER"'
#: The fault is in for as long as the command runs.
_HELD = 'path: sh, arguments: ["-c", "touch $MARKER; sleep 4; rm $MARKER"]'
_LASTING = 'path: sh, arguments: ["-c", "touch $MARKER; sleep 30"]'
_SHORT_STEP = "name: Files\nsteps:\n  - name: Look\n    run: sleep 4\n"


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with Repo.make(tmp_path) as made:
        yield made


def told_of(repo: Repo, kind: str) -> list[dict[str, Any]]:
    lines = (repo.run_folders[-1] / "transcript.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["kind"] == kind]


def experiment(check: str, action: str) -> str:
    return with_check(check).replace(_TOUCH, action)


def test_a_fault_that_lasts_as_long_as_its_action_is_checked_while_it_is_in(repo: Repo) -> None:
    repo.write("experiments/files.yaml", experiment(GONE, _HELD))
    said = repo.gameday("run", "experiments/files.yaml", "--target", "local")
    assert (said.code, repo.leftovers()) == (0, []), said.err
    assert "proves nothing" not in said.err
    assert "(verified)" in said.err


@pytest.mark.parametrize(("check", "code", "word"), [(GONE, 0, "(verified)"), (VACUOUS, 7, "proves nothing")])
def test_an_action_that_outlasts_the_drill_is_checked(check: str, code: int, word: str, repo: Repo) -> None:
    repo.write("drills/files/drill.yaml", DRILL.replace("40s", "5s"))
    repo.write("experiments/files.yaml", experiment(check, _LASTING))
    repo.write("runbooks/files.yaml", _SHORT_STEP)
    said = repo.gameday("run", "files")
    assert (said.code, repo.leftovers()) == (code, []), said.err
    assert word in said.err
    # Told once, however often it was asked.
    told = [event for event in told_of(repo, "undo-checked") if event["while_in"]]
    assert [event["held"] for event in told] == [check is VACUOUS]
