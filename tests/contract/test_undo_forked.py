"""The undo worker that is forked of the conductor, and the rollback's process that the chaos child leaves behind for it."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.actuators.chaos import ChaosChild
from runner.actuators.processes import Origin, alive, descendants, fence, marks
from runner.actuators.spawn import UNKNOWN, Adopted, PreforkedRollback, spawn
from runner.undo.undo_process import UndoProcess, fork_worker


def _until(holds: Callable[[], object]) -> bool:
    end = time.monotonic() + 20
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(holds())


@pytest.fixture
def preforked() -> PreforkedRollback:
    """One that a chaos child left behind; the child itself is gone."""
    given = PreforkedRollback()
    child = ChaosChild.of(spawn("chaos", preforked=given))
    assert _until(lambda: _hello(given))
    pid = json.loads(_hello(given))["pid"]
    # It says hello while the process between them, which ends at once, may still be there.
    assert _until(lambda: pid not in descendants(child.origin))
    assert child.discard() == []
    return given


def _hello(preforked: PreforkedRollback) -> bytes:
    with socket.socket(fileno=os.dup(preforked.kept[0])) as end:
        end.setblocking(False)
        try:
            return end.recv(256, socket.MSG_PEEK)
        except BlockingIOError:
            return b""


def test_a_preforked_rollback_outlives_the_end_of_its_chaos_child(preforked: PreforkedRollback) -> None:
    spawned = preforked.take()
    assert spawned is not None
    assert spawned.process.poll() is None
    spawned.process.kill()


def test_a_preforked_rollback_carries_a_mark_of_its_own(preforked: PreforkedRollback) -> None:
    spawned = preforked.take()
    assert spawned is not None
    pid = spawned.process.pid
    assert marks([pid]) == {pid: preforked.mark}
    assert fence(Origin.of(pid, preforked.mark)) == []
    assert not alive(pid)


def test_a_preforked_rollback_that_nobody_takes_goes_home(preforked: PreforkedRollback) -> None:
    pid = json.loads(_hello(preforked))["pid"]
    preforked.close()
    assert _until(lambda: not alive(pid))


def test_a_preforked_rollback_that_died_is_not_taken(preforked: PreforkedRollback) -> None:
    pid = json.loads(_hello(preforked))["pid"]
    os.kill(pid, signal.SIGKILL)
    assert _until(lambda: not alive(pid))
    assert preforked.take() is None


def test_a_preforked_rollback_is_not_waited_for() -> None:
    preforked = PreforkedRollback()
    preforked.give()
    assert preforked.take() is None


def test_another_process_with_its_number_is_not_adopted() -> None:
    with pytest.raises(ProcessLookupError):
        Adopted(os.getpid(), 1)


def test_a_stranger_s_exit_code_is_not_made_up(preforked: PreforkedRollback) -> None:
    spawned = preforked.take()
    assert spawned is not None
    spawned.process.kill()
    assert spawned.process.wait(20) == UNKNOWN


def test_a_forked_worker_holds_nothing_of_whoever_forked_it(tmp_path: Path) -> None:
    read, write = os.pipe()
    watched, held = os.pipe()
    pid, started = fork_worker(tmp_path, read, None)
    os.close(read)
    worker = UndoProcess.adopt(pid, started, write)
    try:
        os.close(held)
        os.set_blocking(watched, False)
        assert _until(lambda: _ended(watched))
        assert os.getsid(pid) == pid
    finally:
        worker.dismiss()
        os.close(watched)
    assert not alive(pid)


def _ended(pipe: int) -> bool:
    try:
        return os.read(pipe, 1) == b""
    except BlockingIOError:
        return False


def test_a_forked_worker_ignores_what_may_be_masked(tmp_path: Path) -> None:
    (tmp_path / "transcript.jsonl").touch()
    read, write = os.pipe()
    pid, started = fork_worker(tmp_path, read, None)
    os.close(read)
    worker = UndoProcess.adopt(pid, started, write)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        os.kill(pid, number)
    # It has read the lock file's folder by then, so it has got to where the signals would have hit it.
    assert _until((tmp_path / "undo.lock").exists)
    assert alive(pid)
    worker.dismiss()
    assert not alive(pid)


def test_a_worker_whose_guardian_dies_goes_home(tmp_path: Path) -> None:
    read, write = os.pipe()
    pid, _ = fork_worker(tmp_path, read, None)
    os.close(read)
    os.close(write)
    assert _until(lambda: not alive(pid))
