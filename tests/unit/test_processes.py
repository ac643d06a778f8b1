from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.actuators.processes import MARK, alive, descendants, fence, start_time

TREE = """
import os, subprocess, sys, time
subprocess.Popen(["sleep", "60"])
subprocess.Popen(["sleep", "60"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    os.setsid()
open(sys.argv[1], "a").write("x")
time.sleep(60)
"""

FORKER = """
import os, sys, time
open(sys.argv[1], "a").write("xx")
# An end of its own: left over from a test run that was killed, it would eat this machine.
end = time.monotonic() + 60
while time.monotonic() < end:
    if os.fork():
        time.sleep(0.001)
        os._exit(0)
"""


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def tree(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[bytes]]:
    ready = tmp_path / "ready"
    program = getattr(request, "param", TREE)
    process = subprocess.Popen(
        [sys.executable, "-c", program, ready], env={**os.environ, MARK: str(tmp_path)}, start_new_session=True
    )
    until(lambda: ready.exists() and len(ready.read_text()) == 2)
    yield process
    fence(process.pid, 5, str(tmp_path))
    process.wait()


def test_the_whole_family_is_found_and_killed(tree: subprocess.Popen[bytes], tmp_path: Path) -> None:
    family = descendants(tree.pid, str(tmp_path))
    assert len(family) == 3

    assert fence(tree.pid, 10, str(tmp_path)) == []

    assert not any(map(alive, [tree.pid, *family]))


def test_what_is_left_of_a_dead_child_is_killed(tree: subprocess.Popen[bytes], tmp_path: Path) -> None:
    tree.kill()
    tree.wait()
    assert len(descendants(tree.pid, str(tmp_path))) == 3

    assert fence(tree.pid, 10, str(tmp_path)) == []

    assert descendants(tree.pid, str(tmp_path)) == []


def test_the_spared_and_what_is_below_them_live_and_so_does_the_caller() -> None:
    code = """
import os, subprocess
from runner.actuators.processes import descendants, fence
spared = subprocess.Popen(["sh", "-c", "sleep 60 & echo; wait"], stdout=subprocess.PIPE)
spared.stdout.readline()
other = subprocess.Popen(["sleep", "60"])
print(fence(os.getpid(), 10, spare=[spared.pid]), other.wait(), len(descendants(spared.pid)), flush=True)
fence(os.getpid(), 10)
"""
    caller = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert caller.stdout == "[] -9 1\n"


@pytest.mark.parametrize("tree", [FORKER], indirect=True)
def test_one_that_keeps_forking_is_caught(tree: subprocess.Popen[bytes], tmp_path: Path) -> None:
    fence(tree.pid, 20, str(tmp_path))

    assert descendants(tree.pid, str(tmp_path)) == []


def test_a_stranger_with_a_reused_number_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        assert fence(stranger.pid, 1, mark="the mark of a child long gone") == []
        assert alive(stranger.pid)
        assert descendants(stranger.pid, "the mark of a child long gone") == []
    finally:
        stranger.kill()
        stranger.wait()


def test_a_process_is_known_by_when_it_started() -> None:
    process = subprocess.Popen(["sleep", "60"])
    started = start_time(process.pid)
    assert started is not None
    assert started >= (start_time(os.getpid()) or 0)

    process.kill()
    process.wait()

    assert start_time(process.pid) is None
    assert not alive(process.pid)


def test_a_name_with_brackets_and_spaces_is_read_right(tmp_path: Path) -> None:
    odd = tmp_path / "a) S (b"
    odd.symlink_to("/bin/sleep")
    process = subprocess.Popen([odd, "60"])
    try:
        assert start_time(process.pid) is not None
        assert process.pid in descendants(os.getpid())
    finally:
        process.kill()
        process.wait()


def test_importing_it_costs_next_to_nothing() -> None:
    code = "import sys; import runner.actuators.processes; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"asyncio", "pydantic", "chaoslib", "locust", "subprocess"} & set(loaded)
