"""What outlives its starter keeps a place to print to."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.actuators.drain import has_writers, read_on
from runner.actuators.processes import MARK, carriers

# More than a pipe holds, after its reader is gone; then it says that it came so far.
_TALKER = "head -c 300000 /dev/zero; echo done > $0; exec sleep 60"


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_talker_is_read_on_for_as_long_as_it_lives(tmp_path: Path) -> None:
    mark, done = uuid.uuid4().hex, tmp_path / "done"
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    talker = subprocess.Popen(["sh", "-c", _TALKER, done], stdout=writing)
    os.close(writing)

    assert has_writers(reading)
    read_on(reading, mark)

    until(done.exists)
    assert talker.poll() is None
    (reader,) = carriers(MARK, mark)
    assert reader.parent != os.getpid()

    talker.kill()
    talker.wait()
    until(lambda: not carriers(MARK, mark))


def test_nothing_is_started_where_nobody_can_write_any_more() -> None:
    mark = uuid.uuid4().hex
    reading, writing = os.pipe()
    os.write(writing, b"the last words")
    os.close(writing)

    assert not has_writers(reading)
    read_on(reading, mark)

    assert not carriers(MARK, mark)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.close(reading)
