"""The process that stands by for the first rollback: there before the word, gone when there is nothing to undo."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from runner.actuators.processes import alive, descendants
from runner.conductor.standby import UndoWorker


def _until(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


def _below(worker: UndoWorker, shim: str) -> list[int]:
    return [pid for pid in descendants(worker.pid) if shim.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_a_rollback_is_ready_before_the_word_is_given(tmp_path: Path) -> None:
    worker = UndoWorker.stand_by(tmp_path, warm=True)
    try:
        assert _until(lambda: len(_below(worker, "shims.rollback")) == 1)
    finally:
        worker.dismiss()


def test_without_a_word_it_goes_home_and_leaves_nobody(tmp_path: Path) -> None:
    worker = UndoWorker.stand_by(tmp_path, warm=True)
    assert _until(lambda: bool(_below(worker, "shims.rollback")))
    spare = _below(worker, "shims.rollback")
    worker.dismiss()
    assert worker.wait() == 0
    assert _until(lambda: not any(alive(pid) for pid in spare))


def test_where_no_rollback_is_to_be_expected_none_is_started(tmp_path: Path) -> None:
    worker = UndoWorker.stand_by(tmp_path)
    try:
        # By the time it reads its input it has opened its lock, and whatever it starts it starts before that.
        assert _until((tmp_path / "undo.lock").exists)
        assert _below(worker, "shims.rollback") == []
    finally:
        worker.dismiss()
