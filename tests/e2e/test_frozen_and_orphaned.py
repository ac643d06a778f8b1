"""What a killed or frozen process leaves to others: orphans that could still apply a fault, and those who wait for it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_fault import EXPERIMENT, Repo, until

from runner.actuators.processes import alive

#: As under `sudo`: a session and an environment of its own. It applies the fault as soon as the undo is done.
_LATECOMER = """\
exec env -i PATH="$PATH" setsid -w sh -c '
echo $$ >$MARKER.began
while [ ! -e $MARKER.undone ]; do sleep 0.01; done
touch $MARKER'
"""


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with Repo.make(tmp_path) as made:
        yield made


def _number(path: Path) -> int:
    return int(path.read_text() or 0) if path.exists() else 0


def test_an_orphan_that_nothing_ties_to_the_run_cannot_apply_the_fault_after_the_undo(repo: Repo) -> None:
    repo.write("apply", _LATECOMER)
    late = EXPERIMENT.replace('path: touch, arguments: "$MARKER"', f'path: sh, arguments: ["{repo.root}/apply"]')
    late = late.replace('path: rm, arguments: "-f $MARKER"', 'path: touch, arguments: "$MARKER.undone"')
    repo.write("experiments/files.yaml", late)
    going = repo.start(fault=False)
    began = repo.root / "marker.began"
    until(lambda: _number(began), going.said)
    going.signal("chaos", signal.SIGKILL)
    assert going.ended() == 5
    assert (repo.root / "marker.undone").exists()
    assert not repo.marker.exists()
    assert not alive(_number(began))
    # What was killed is in the story, by whom too.
    assert any(_number(began) in event["pids"] for event in going.of("fenced") if event["by"] == "guardian")


def test_a_frozen_guardian_is_found_out_within_its_second(repo: Repo) -> None:
    going = repo.start()
    going.signal("guardian", signal.SIGSTOP)
    assert going.ended() == 5
    why = going.of("end-decided")[0]["why"]
    silent = float(why.removeprefix("the guardian did not answer for ").removesuffix(" s"))
    # Beyond that it was still not stopped when it was looked at: on a busy machine a signal takes its time.
    assert 1 <= silent < 3
    going.closed()


def test_a_guardian_that_freezes_when_all_is_said_keeps_nobody_waiting(repo: Repo) -> None:
    going = repo.start()
    going.process.send_signal(signal.SIGINT)
    until(lambda: going.seen("undo-ended"), going.said)
    _freeze_if_there(going.pid("guardian"))
    # Whether it was still needed, and so counts as broken, or not.
    assert going.ended() in (4, 5)
    going.closed()


def test_a_conductor_that_dies_behind_the_last_line_has_nothing_to_undo(repo: Repo) -> None:
    going = repo.start()
    going.process.send_signal(signal.SIGINT)
    conductor = going.pid("conductor")
    transcript = next(repo.root.glob("runs/*/transcript.jsonl"))
    while b'"run-closed"' not in transcript.read_bytes():
        time.sleep(0.001)
    with contextlib.suppress(ProcessLookupError):
        os.kill(conductor, signal.SIGKILL)
    assert going.ended() == 4
    going.closed()


def _freeze_if_there(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)


def test_an_undo_whose_rollback_is_frozen_goes_on(repo: Repo) -> None:
    slow = 'path: sh, arguments: ["-c", "echo $$ >$MARKER.undoing; sleep 0.5; rm -f $MARKER"]'
    repo.write("experiments/files.yaml", EXPERIMENT.replace('path: rm, arguments: "-f $MARKER"', slow))
    going = repo.start()
    going.process.send_signal(signal.SIGINT)
    undoing = repo.root / "marker.undoing"
    until(lambda: _number(undoing), going.said)
    os.kill(_number(undoing), signal.SIGSTOP)
    assert going.ended() == 4
    assert repo.leftovers() == []
    assert [event["attempt"] for event in going.of("rollback-ended")] == [1]
