"""One lever: whatever hangs, every run on the machine is stopped and undone, and none begins until it is lifted."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_fault import DRILL, EXPERIMENT, SHORT, Going, Repo, until


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with Repo.make(tmp_path) as made:
        yield made


def _halt(repo: Repo) -> str:
    said = repo.gameday("halt", "--why", "the shop is down", "--name", "ana")
    assert said.code == 0, said
    assert "Traceback" not in said.err
    return said.out


def test_a_run_is_stopped_and_undone_and_none_begins_until_it_is_lifted(repo: Repo) -> None:
    going = repo.start()
    out = _halt(repo)
    # When the command returns all is over.
    assert repo.leftovers() == [] or going.ended() == 4
    assert "halted by ana at " in out
    assert f"{repo.run_folders[0].name}: undone" in out
    assert going.ended() == 4
    assert [(event["by"], event["why"]) for event in going.of("halted")] == [("ana", "the shop is down")]
    assert "aborted: halted: the shop is down" in going.closed()["headline"]

    refused = repo.gameday("run", "files")
    assert refused.code == 3
    assert "halted by ana at " in refused.err
    assert "the shop is down; nothing runs here until: gameday resume --why ..." in refused.err
    assert len(repo.run_folders) == 1
    assert "halted by ana" in repo.gameday("runs").err

    assert repo.gameday("resume").code == 2
    assert repo.gameday("resume", "--why", "it is up again", "--name", "bo").code == 0
    assert [(event["by"], event["why"]) for event in going.of("halt-lifted")] == [("bo", "it is up again")]
    assert repo.gameday("verify").code == 0
    assert "aborted" in repo.gameday("runs").out
    assert repo.gameday("resume", "--why", "again").out == "nothing was halted\n"
    repo.write("runbooks/files.yaml", SHORT)
    assert repo.gameday("run", "files").code == 0


def test_nothing_to_stop_is_a_halt_all_the_same_and_who_halted_first_stays_the_one(repo: Repo) -> None:
    _halt(repo)
    said = repo.gameday("halt", "--why", "me too", "--name", "bo")
    assert (said.code, "halted by ana" in said.out) == (0, True)


@pytest.mark.parametrize(
    "frozen",
    [
        ("front",),
        ("conductor",),
        ("front", "conductor", "guardian"),
        ("front", "conductor", "chaos", "guardian"),
    ],
    ids="+".join,
)
def test_it_works_when_everything_hangs(frozen: tuple[str, ...], repo: Repo) -> None:
    going = repo.start()
    for role in frozen:
        if role != "front":
            going.signal(role, signal.SIGSTOP)
        else:
            going.process.send_signal(signal.SIGSTOP)
    out = _halt(repo)
    assert not repo.marker.exists()
    assert repo.open_records() == []
    # A guardian that lives may have been faster than the lever.
    if "guardian" in frozen or "conductor" not in frozen:
        assert "undone" in out
        assert [event["uid"] for event in going.of("halted")] == [os.getuid()]
    going.process.send_signal(signal.SIGCONT)
    going.ended()
    going.closed()
    assert repo.gameday("verify").code == 0


@pytest.mark.parametrize("conductor", [signal.SIGKILL, signal.SIGSTOP])
def test_it_works_without_a_guardian(conductor: signal.Signals, repo: Repo) -> None:
    going = repo.start()
    # Frozen first, or the conductor would see its guardian's death, and undo by itself.
    going.signal("conductor", signal.SIGSTOP)
    going.signal("guardian", signal.SIGKILL)
    going.signal("conductor", conductor)
    out = _halt(repo)
    assert "undone" in out
    assert not repo.marker.exists()
    assert repo.open_records() == []
    going.ended()
    going.closed()


def test_an_orphan_that_still_applies_the_fault_is_ended_first(repo: Repo) -> None:
    script = "echo $$ >$MARKER.began; while [ ! -e $MARKER.undone ]; do sleep 0.01; done; touch $MARKER"
    repo.write("apply", script)
    late = EXPERIMENT.replace('path: touch, arguments: "$MARKER"', f'path: sh, arguments: ["{repo.root}/apply"]')
    late = late.replace('path: rm, arguments: "-f $MARKER"', 'path: touch, arguments: "$MARKER.undone"')
    repo.write("experiments/files.yaml", late)
    going = repo.start(fault=False)
    until(lambda: (repo.root / "marker.began").exists(), going.said)
    for role in ("guardian", "conductor"):
        going.signal(role, signal.SIGSTOP)
    for role in ("chaos", "guardian", "conductor"):
        going.signal(role, signal.SIGKILL)
    _halt(repo)
    assert (repo.root / "marker.undone").exists()
    assert not repo.marker.exists()
    going.ended()


def test_every_run_is_stopped(repo: Repo) -> None:
    first = repo.start()
    repo.write("drills/other/drill.yaml", DRILL.replace("target: local", "target: sandbox"))
    second = Going.start(repo, "other")
    repo.started.append(second)
    until(lambda: len(repo.open_records()) == 2, second.said)
    out = _halt(repo)
    assert out.count("undone") == 2
    assert repo.open_records() == []
    assert first.ended() == 4
    assert second.ended() in (4, 5)


def test_a_run_whose_conductor_froze_before_its_first_line_is_ended(repo: Repo) -> None:
    going = repo.start(fault=False)
    until(lambda: repo.open_records(), going.said)
    _halt(repo)
    assert going.ended() in (4, 5)
    until(lambda: not repo.leftovers(), repo.leftovers)


def test_what_had_been_left_open_is_undone_too(repo: Repo) -> None:
    going = repo.start()
    for role in ("guardian", "conductor", "chaos"):
        going.signal(role, signal.SIGSTOP)
    for role in ("chaos", "guardian", "conductor"):
        going.signal(role, signal.SIGKILL)
    going.ended()
    for pid, _ in repo.processes():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until(lambda: not list(repo.processes()), lambda: list(repo.processes()))
    assert repo.marker.exists()
    assert "had been left open, is undone" in _halt(repo)
    assert repo.leftovers() == []


def test_what_cannot_be_undone_is_said(repo: Repo) -> None:
    repo.write("experiments/files.yaml", EXPERIMENT.replace('path: rm, arguments: "-f $MARKER"', 'path: "false"'))
    repo.start()
    said = repo.gameday("halt", "--why", "x")
    assert (said.code, "NOT undone; see it with: gameday show" in said.out) == (6, True)
    assert len(repo.open_records()) == 1


def test_a_halt_that_cannot_be_read_is_a_halt(repo: Repo) -> None:
    _halt(repo)
    (repo.root / ".state" / "gameday" / "halted.json").write_text("{")
    refused = repo.gameday("run", "files")
    assert (refused.code, "halted.json is damaged" in refused.err) == (3, True)
    assert repo.gameday("resume", "--why", "looked at it").code == 0
    assert repo.gameday("runs").err == ""


def test_a_lock_that_a_frozen_process_holds_keeps_nobody_from_the_lever(repo: Repo) -> None:
    going = repo.start()
    with (repo.root / ".state" / "gameday" / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert ": undone" in _halt(repo)
    assert going.ended() == 4
    assert repo.leftovers() == []
