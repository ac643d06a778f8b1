from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.actuators.proc import NotYetKnown, Proc, ProcEntry
from runner.actuators.processes import MARK, Origin, alive, carriers, descendants, fence, marks, start_time

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
    fence(Origin.of(process.pid, str(tmp_path)), 5)
    process.wait()


def test_the_whole_family_is_found_and_killed(tree: subprocess.Popen[bytes], tmp_path: Path) -> None:
    origin = Origin.of(tree.pid, str(tmp_path))
    family = descendants(origin)
    assert len(family) == 3

    assert fence(origin, 10) == []

    assert not any(map(alive, [tree.pid, *family]))


def test_what_is_left_of_a_dead_child_is_killed(tree: subprocess.Popen[bytes], tmp_path: Path) -> None:
    origin = Origin.of(tree.pid, str(tmp_path))
    tree.kill()
    tree.wait()
    assert len(descendants(origin)) == 3

    assert fence(origin, 10) == []

    assert descendants(origin) == []


def test_the_spared_and_what_is_below_them_live_and_so_does_the_caller() -> None:
    code = """
import os, subprocess
from runner.actuators.processes import Origin, descendants, fence
spared = subprocess.Popen(["sh", "-c", "sleep 60 & echo; wait"], stdout=subprocess.PIPE)
spared.stdout.readline()
other = subprocess.Popen(["sleep", "60"])
here = Origin.of(os.getpid())
print(fence(here, 10, spare=[spared.pid]), other.wait(), len(descendants(Origin.of(spared.pid))), flush=True)
fence(here, 10)
"""
    caller = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert caller.stdout == "[] -9 1\n"


@pytest.mark.parametrize("tree", [FORKER], indirect=True)
def test_one_that_keeps_forking_is_caught(tree: subprocess.Popen[bytes], tmp_path: Path) -> None:
    origin = Origin.of(tree.pid, str(tmp_path))
    fence(origin, 20)

    assert descendants(origin) == []


def test_a_stranger_with_a_reused_number_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        gone = Origin(stranger.pid, (start_time(stranger.pid) or 0) - 1, mark="the mark of a child long gone")
        assert fence(gone, 1) == []
        assert alive(stranger.pid)
        assert descendants(gone) == []
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
        assert process.pid in descendants(Origin.of(os.getpid()))
    finally:
        process.kill()
        process.wait()


def test_importing_it_costs_next_to_nothing() -> None:
    code = "import sys; import runner.actuators.processes; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert not {"asyncio", "pydantic", "chaoslib", "locust", "subprocess"} & set(loaded)


# -- whose a process is while its environment cannot be read yet


class Kernel(Proc):
    """A process table of our own; an environment may be unknown for so many readings."""

    def __init__(self, *processes: ProcEntry) -> None:
        self.table = {process.pid: process for process in processes}
        self.environments: dict[int, list[bytes]] = {}
        self.unknown: dict[int, float] = {}
        self.worth = 60.0

    def numbers(self) -> list[int]:
        return list(self.table)

    def read(self, pid: int) -> ProcEntry | None:
        return self.table.get(pid)

    def environment(self, pid: int) -> list[bytes]:
        if self.unknown.get(pid, 0) > 0:
            self.unknown[pid] -= 1
            raise NotYetKnown(self.worth)
        return self.environments.get(pid, [])


CHILD = Origin(100, 5000, "m1")
FOREVER = float("inf")


def process(pid: int, *, started: int = 5001, parent: int = 1, state: str = "S") -> ProcEntry:
    return ProcEntry(pid=pid, state=state, parent=parent, group=pid, session=pid, started=started)


@pytest.mark.parametrize("readings", [0, 1, 5])
def test_one_that_cannot_be_read_yet_is_asked_again_until_it_says_whose_it_is(readings: int) -> None:
    kernel = Kernel(process(100, started=5000), process(200), process(300))
    kernel.environments = {200: [b"GAMEDAY_CHILD=m1"], 300: [b"HOME=/"]}
    kernel.unknown = {200: readings, 300: readings}

    assert descendants(CHILD, proc=kernel) == [200]

    kernel.unknown = {200: readings, 300: readings}

    assert carriers("GAMEDAY_CHILD", "m1", kernel) == [kernel.table[200]]


def test_who_was_started_by_us_needs_no_environment() -> None:
    kernel = Kernel(process(100, started=5000), process(101, parent=100))
    kernel.unknown = {100: FOREVER, 101: FOREVER}
    kernel.worth = 0.01

    assert descendants(CHILD, proc=kernel) == [101]


def test_one_that_can_never_be_read_is_not_asked_for_ever() -> None:
    kernel = Kernel(process(100, started=5000), process(200))
    kernel.unknown = {200: FOREVER}
    kernel.worth = 0.01

    assert descendants(CHILD, proc=kernel) == []
    assert carriers("GAMEDAY_CHILD", "m1", kernel) == []
    assert marks([200], kernel) == {200: ""}


def test_what_is_older_than_the_child_is_not_asked() -> None:
    kernel = Kernel(process(100, started=5000), process(200, started=4999))
    kernel.unknown = {200: FOREVER}

    assert descendants(CHILD, proc=kernel) == []
    assert kernel.unknown == {200: FOREVER}


def test_another_process_with_the_childs_number_is_nobody_of_ours() -> None:
    kernel = Kernel(process(100, started=7000), process(101, parent=100), process(200))
    kernel.environments = {200: [b"GAMEDAY_CHILD=m1"]}

    assert descendants(CHILD, proc=kernel) == [200]
    assert descendants(Origin(100, 0), proc=kernel) == []


def test_marks_are_asked_together_and_again() -> None:
    kernel = Kernel(process(200), process(300), process(400))
    kernel.environments = {200: [b"A=b", b"GAMEDAY_CHILD=run/step"], 300: [b"A=b"]}
    kernel.unknown = {200: 3, 300: 1}

    assert marks([200, 300, 400, 500], kernel) == {200: "run/step", 300: "", 400: "", 500: ""}


# -- what the kernel says, and what it cannot say yet

SELF_UID = f"Uid:\t{os.getuid()}\t{os.getuid()}\t0\t0\n".encode()
OTHER_UID = f"Uid:\t{os.getuid() + 1}\t{os.getuid() + 1}\t0\t0\n".encode()


def line(*, state: str = "S", flags: int = 0, environment: tuple[int, int] = (700, 800)) -> bytes:
    fields = [
        state,
        "1",
        "7",
        "7",
        "0",
        "-1",
        str(flags),
        *["0"] * 12,
        "5000",
        *["0"] * 27,
        *map(str, environment),
        "0",
    ]
    return f"7 (a) b) {' '.join(fields)}\n".encode()


Answer = bytes | OSError
GONE, CLOSED, ENDS = FileNotFoundError(), PermissionError(), ProcessLookupError()


@pytest.mark.parametrize(
    ("environ", "stat", "status", "says"),
    [
        ([b"A=b\0C=d\0"], [], [], [b"A=b", b"C=d", b""]),
        # Within exec: no place for an environment, then one at another place.
        ([b"", b""], [line(environment=(0, 0))], [], None),
        ([b"", b""], [line(), line(environment=(900, 950))], [], None),
        ([b"", b"A=b"], [line(environment=(0, 0))], [], [b"A=b"]),
        # Started without one.
        ([b"", b""], [line(environment=(700, 700))] * 2, [], []),
        # It ends: its memory is given back, but it is in the table; then it is not.
        ([ENDS, ENDS], [line(environment=(0, 0))], [], None),
        ([ENDS], [line(state="Z", environment=(0, 0))], [], []),
        ([GONE], [GONE], [], []),
        ([b""], [line(state="X", environment=(0, 0))], [], []),
        # A thread of the kernel never has one.
        ([b""], [line(flags=0x00200040, environment=(0, 0))], [], []),
        # Closed: our own for a moment or for good, another user's for good.
        ([CLOSED], [], [SELF_UID], None),
        ([b"", CLOSED], [line(environment=(0, 0))], [SELF_UID], None),
        ([CLOSED], [], [OTHER_UID], []),
        ([CLOSED], [], [GONE], []),
    ],
)
def test_what_an_environment_says(
    environ: list[Answer],
    stat: list[Answer],
    status: list[Answer],
    says: list[bytes] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = {"environ": list(environ), "stat": list(stat), "status": list(status)}

    def contents(path: str) -> bytes:
        answer = answers[path.removeprefix("/proc/7/")].pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr("runner.actuators.proc._contents", contents)

    if says is None:
        with pytest.raises(NotYetKnown):
            Proc().environment(7)
    else:
        assert Proc().environment(7) == says


def test_what_the_real_kernel_says() -> None:
    bare = subprocess.Popen(["/bin/sleep", "60"], env={})
    dead = subprocess.Popen(["/bin/true"])
    try:
        until(lambda: not alive(dead.pid))
        assert marks([bare.pid, dead.pid, 2]) == {bare.pid: "", dead.pid: "", 2: ""}
    finally:
        bare.kill()
        bare.wait()
        dead.wait()


class Forking(Kernel):
    """One process forks another and ends, just after the numbers were listed."""

    def numbers(self) -> list[int]:
        listed = list(self.table)
        if 200 in self.table:
            self.table[300] = process(300)
            del self.table[200]
        return listed


def test_one_whose_parent_ended_while_they_were_listed_is_not_missed() -> None:
    environments = {200: [b"GAMEDAY_CHILD=m1"], 300: [b"GAMEDAY_CHILD=m1"]}
    for find in (lambda kernel: descendants(CHILD, proc=kernel), lambda kernel: _pids(carriers(MARK, "m1", kernel))):
        kernel = Forking(process(100, started=5000), process(200, parent=100))
        kernel.environments = environments
        assert find(kernel) == [300]


def _pids(processes: list[ProcEntry]) -> list[int]:
    return [each.pid for each in processes]
