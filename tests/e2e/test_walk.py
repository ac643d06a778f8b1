"""`gameday walk` as it is typed: people say done, no command is run, and nobody takes it for a drill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness import World, eventually

_RUNBOOK = """
name: Talk
steps:
  - {id: one, name: First, run: "touch ran"}
  - {id: two, name: Second, run: "touch ran", verify: {indicator: checkouts succeed}}
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "talk.yaml").write_text(_RUNBOOK)
    return tmp_path


def _runs(world: World, repo: Path) -> dict[str, Any]:
    return {each["run"]: each for each in json.loads(world.call("runs", "--json", cwd=repo).stdout)}


def test_two_at_once_to_their_ends(world: World, repo: Path) -> None:
    first, second = (world.call("walk", "talk", "--detach", cwd=repo).stdout.strip() for _ in range(2))
    assert {run: each["state"] for run, each in _runs(world, repo).items()} == dict.fromkeys(
        (first, second), "waiting for people: First"
    )
    assert world.call("tell", "run", "--run", first, cwd=repo).returncode == 2
    for run, command in ((first, "complete"), (second, "complete"), (second, "complete"), (first, "complete")):
        assert world.call("tell", command, "--run", run, cwd=repo).returncode == 0
    assert eventually(lambda: not world.open_runs(), within=20)
    done = _runs(world, repo)
    assert {each["state"] for each in done.values()} == {"passed"}
    assert all(each["tabletop"] and each["headline"].startswith("tabletop: ") for each in done.values())
    assert not (repo / "ran").exists()
    assert world.call("verify", first, cwd=repo).returncode == 0


def test_told_line_by_line_to_who_has_no_room(world: World, repo: Path) -> None:
    process = world.start("walk", "talk", "--headless", "--name", "ana", cwd=repo)
    assert eventually(lambda: world.call("tell", "complete", cwd=repo).returncode == 0, within=20)
    assert world.call("tell", "fail", "why=nobody knows how", cwd=repo).returncode == 0
    _, story = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "$ touch ran" in story
    assert "tabletop: runbook: step two: failed, nobody knows how" in story


def test_what_is_no_runbook_starts_nothing(world: World, repo: Path) -> None:
    done = world.call("walk", "talks", cwd=repo)
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean 'talk'?" in done.stderr
    assert not (repo / "runs").exists()
