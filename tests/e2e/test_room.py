"""The room as people meet it: in a real terminal, with keys. What they did is judged by what is left of it outside.

Without tmux they are skipped, unless GAMEDAY_TMUX=required says that they must be played.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from file_fault import DRILL, GAMEDAY, Repo, until
from harness import REPOSITORY, World
from terminal import Terminal, why_not

_STEPS = """\
name: Files
steps:
  - {id: look, name: Look around, description: "What **should** not be there?"}
  - {id: clean, name: Clean up}
"""
#: Seconds after which a run is aborted that everybody left.
_ABANDON = 4


@pytest.fixture(autouse=True)
def _tmux() -> None:
    if why := why_not():
        if os.environ.get("GAMEDAY_TMUX") == "required":
            pytest.fail(f"tmux is required here: {why}")
        pytest.skip(why)


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with Repo.make(tmp_path) as made:
        made.write("drills/files/drill.yaml", DRILL.replace("{time-box: 40s}", f"{{abandon-after: {_ABANDON}s}}"))
        made.write("runbooks/files.yaml", _STEPS)
        yield made


def _room(repo: Repo, *words: str, columns: int = 120, rows: int = 40) -> AbstractContextManager[Terminal]:
    command = [*GAMEDAY, *words]
    return Terminal.open(command, cwd=repo.root, env=repo.env(), columns=columns, rows=rows)


def _fault_is_in(repo: Repo) -> None:
    until(lambda: repo.marker.exists() and "method-ended" in _kinds(repo), lambda: _kinds(repo))


def _events(repo: Repo) -> list[dict[str, Any]]:
    folders = repo.run_folders
    path = folders[-1] / "transcript.jsonl" if folders else None
    if path is None or not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def _kinds(repo: Repo) -> list[str]:
    return [event["kind"] for event in _events(repo)]


def _abort(terminal: Terminal) -> None:
    """Everything that it takes: the key and a reason."""
    terminal.type("x")
    terminal.wait("Abort the drill?", "1  stuck: the team cannot go on")
    terminal.type("1")


def _story(world: World) -> str:
    return "".join(path.read_text() for path in world.runs.glob("*/transcript.jsonl"))


def _close(terminal: Terminal, closed: Callable[[], bool]) -> None:
    """The debrief, and with it the run."""
    terminal.wait("╭─ Debrief", "z Close")
    terminal.type("z")
    until(closed, terminal.screen)


def _nothing_left(repo: Repo) -> None:
    until(lambda: not repo.leftovers(), repo.leftovers)


def test_a_person_alone_from_the_command_to_the_debrief(world: World) -> None:
    words = ("run", "payment-gateway-outage", "--yes", "--runs-dir", str(world.runs), "--name", "ana")
    env = {**world.env, "PYTHONPATH": str(REPOSITORY)}
    with Terminal.open([sys.executable, "-m", "runner", *words], cwd=REPOSITORY, env=env) as terminal:
        terminal.wait("WARM-UP", "You are on call for checkout", "Watch the target with your own tools")
        terminal.wait("alert: CheckoutErrorsHigh", "payment-gateway-errors  IN", "since impact")
        terminal.type("1")
        terminal.wait("★ detected  (ana)", "⏎ Done")
        terminal.type("Enter")
        terminal.wait("2/4  Which gateway fails", "⏎ Run")
        terminal.type("Enter")
        terminal.wait("3/4  Fail over", "⏎ Confirm")
        terminal.type("Enter")
        terminal.wait("⏎ confirm · esc not yet")
        terminal.type("Enter")
        terminal.wait("4/4  Declare the incident over", "● recovered")
        terminal.type("Enter")
        terminal.wait("╭─ Debrief", "3 of 3 objectives met")
        terminal.type("n")
        # The question's own frame; the word stands in the footer as well.
        terminal.wait("▊")
        terminal.write("the status page lagged")
        until(lambda: "the status page lagged" in (_story(world)), terminal.screen)
        _close(terminal, lambda: '"run-closed"' in _story(world))
        terminal.type("q")
        code = terminal.ended()
        said = terminal.everything()
    card = json.loads(world.call("show", "--json", "--runs-dir", str(world.runs)).stdout)
    assert (code, card["ending"]) == (0, "passed"), said
    assert "3 of 3 objectives met" in card["headline"]
    assert "✓ time-to-recover" in said
    done = [(step["id"], step["outcome"]) for step in card["steps"] if not step["anytime"]]
    assert done == [(each, "succeeded") for each in ("confirm-impact", "which-gateway", "fail-over", "declare")]
    assert [note["text"] for note in card["notes"]] == ["the status page lagged"]
    assert (world.open_runs(), world.sockets(), world.processes()) == ([], [], {})


def test_who_leaves_comes_back_to_the_same_run(repo: Repo) -> None:
    with _room(repo, "run", "files", "--yes", "--name", "ana") as terminal:
        _fault_is_in(repo)
        terminal.wait("ON CALL")
        terminal.type("1")
        terminal.wait("★ detected  (ana)", "files  IN")
        terminal.type("q")
        assert terminal.ended() == 0
        word = repo.run_folders[0].name.rpartition("-")[2]
        said = terminal.everything()
        assert f"the run goes on; come back with: gameday attach {word}" in said
        assert "it is aborted, with undo, when nobody is there for " in said
    assert repo.marker.exists()
    with _room(repo, "attach", word, "--name", "ana", columns=80, rows=24) as terminal:
        # 80×24 is enough to work in.
        terminal.wait("LIVE", "ana is here", "⏎ Done", "files  IN")
        terminal.type("Enter")
        terminal.wait("2/2  Clean up")
        terminal.resize(120, 40)
        terminal.wait("2/2  Clean up", "✓ Look around")
        _abort(terminal)
        _close(terminal, lambda: "run-closed" in _kinds(repo))
        terminal.type("q")
        assert terminal.ended() == 0
    _nothing_left(repo)
    joined = [(event["kind"], event["person"]) for event in _events(repo) if event["kind"].startswith("person-")]
    assert joined[:3] == [("person-joined", "ana"), ("person-left", "ana"), ("person-joined", "ana")]


def test_a_participant_does_not_see_what_the_facilitator_sees(repo: Repo) -> None:
    secrets = ("files  IN", "fault", "put it there", "A marker file", "experiment")
    with _room(repo, "run", "files", "--yes", "--name", "ana") as on_call:
        _fault_is_in(repo)
        on_call.wait("ON CALL", "Watch the target with your own tools")
        with _room(repo, "attach", "--as", "facilitator", "--name", "fay") as trainer:
            trainer.wait("files  IN", "↯ fault: put it there", "fay*")
            seen = on_call.wait("fay*")
            assert [word for word in secrets if word in seen] == []
            trainer.type("n")
            trainer.wait("Note")
            trainer.write("they look at the wrong place")
            on_call.wait("✎ note: they look at the wrong place  (fay)")
            # Only now, and for both at once.
            on_call.type("1")
            on_call.wait("files  IN", "↯ fault: put it there")
            trainer.wait("★ detected  (ana)")
            _abort(trainer)
            on_call.wait("╭─ Debrief")
            _close(trainer, lambda: "run-closed" in _kinds(repo))
    _nothing_left(repo)


def test_an_abort_asks_once_says_what_it_undoes_and_undoes_it(repo: Repo) -> None:
    with _room(repo, "run", "files", "--yes", "--name", "ana") as terminal:
        _fault_is_in(repo)
        terminal.wait("ON CALL")
        terminal.type("x")
        terminal.wait("Abort the drill?", "what is in, if anything is, will be undone", "esc goes on with the drill")
        terminal.type("Escape")
        until(lambda: "Abort the drill?" not in terminal.screen(), terminal.screen)
        assert repo.marker.exists()
        assert "end-decided" not in _kinds(repo)
        _abort(terminal)
        terminal.wait("╭─ Debrief", "the team cannot go on")
        assert not repo.marker.exists()
        _close(terminal, lambda: "run-closed" in _kinds(repo))
        terminal.type("q")
        assert terminal.ended() == 4
        assert "the team cannot go on" in terminal.everything()
    _nothing_left(repo)


def test_a_killed_room_harms_nothing_and_another_shows_everything(repo: Repo) -> None:
    with _room(repo, "run", "files", "--yes", "--name", "ana") as terminal:
        _fault_is_in(repo)
        terminal.wait("ON CALL")
        terminal.type("1")
        terminal.wait("★ detected  (ana)")
        os.kill(terminal.pid, signal.SIGKILL)
        assert terminal.ended() == 128 + signal.SIGKILL
        until(lambda: "person-left" in _kinds(repo), lambda: _kinds(repo))
        with _room(repo, "attach", "--name", "ana") as again:
            again.wait("★ detected  (ana)", "files  IN", "⏎ Done", "1/2  Look around")
            assert repo.marker.exists()
            assert "end-decided" not in _kinds(repo)
            again.type("Enter")
            again.wait("2/2  Clean up")
            _abort(again)
            _close(again, lambda: "run-closed" in _kinds(repo))
    _nothing_left(repo)


def test_a_run_whose_terminals_were_all_closed_says_so_and_ends_itself(repo: Repo) -> None:
    with _room(repo, "run", "files", "--yes", "--name", "ana") as terminal:
        _fault_is_in(repo)
        terminal.wait("ON CALL")
        terminal.close()
        until(lambda: "person-left" in _kinds(repo), lambda: _kinds(repo))
        assert "end-decided" not in _kinds(repo)
        assert repo.marker.exists()
        until(lambda: "run-closed" in _kinds(repo), lambda: _kinds(repo))
    events = _events(repo)
    word = repo.run_folders[0].name.rpartition("-")[2]
    said = [event["text"] for event in events if event["kind"] == "warned"]
    assert (
        f"nobody is in the room; the run is aborted in {_ABANDON} s unless somebody comes back: gameday attach {word}"
        in said
    )
    left = next(event["t"] for event in events if event["kind"] == "person-left")
    ended = next(event for event in events if event["kind"] == "end-decided")
    assert ended["cause"] == "aborted"
    assert _ABANDON <= ended["t"] - left < _ABANDON + 2
    _nothing_left(repo)
