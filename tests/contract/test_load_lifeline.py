"""No load outlives its owner: whoever is killed or frozen, the target sees nothing three seconds later."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from load_target import Target, Watcher

from runner.actuators.load import Patience
from runner.actuators.load_reports import LoadEndedReport, LoadFailedReport
from runner.actuators.processes import Origin, alive, descendants, fence

GRACE = 3.0

FOREVER = """
from locust import FastHttpUser, constant, task

class Shopper(FastHttpUser):
    wait_time = constant(0.01)

    @task
    def shop(self):
        self.client.get("/ok")
"""

# Requests from a greenlet of its own, which no Locust runner stops.
STRAY = """
import gevent, urllib.request
from locust import User, events, task

def stray(url):
    while True:
        urllib.request.urlopen(url + "/stray").read()
        gevent.sleep(0.01)

@events.test_start.add_listener
def _(environment, **kw):
    gevent.spawn(stray, environment.host)

class Sleeper(User):
    @task
    def sleep(self):
        gevent.sleep(60)
"""

# Never gives the other greenlets a turn.
BUSY = """
import socket, urllib.parse
from gevent import monkey
from locust import User, task

Plain = monkey.get_original("socket", "socket")

class Hog(User):
    @task
    def shop(self):
        address = urllib.parse.urlparse(self.host)
        with Plain() as line:
            line.connect((address.hostname, address.port))
            while True:
                line.sendall(b"GET /hog HTTP/1.1\\r\\n\\r\\n")
                line.recv(4096)
"""

OWNER = """
import asyncio, signal, sys, time
from pathlib import Path
from runner.actuators.load import LoadChild
from runner.actuators.load_reports import LoadPlan
from runner.clock import boottime_ns

async def own(folder, host, processes):
    child = LoadChild.spawn()
    print(child.pid, flush=True)
    await child.attach(lambda report: None)
    child.start(LoadPlan(
        locustfiles=(folder / "locustfile.py",), host=host, users=4, spawn_rate=100, processes=processes,
        folder=folder, origin=boottime_ns(),
    ))
    if (folder / "be-late").exists():
        await asyncio.sleep(1)
        time.sleep(3.5)
        (folder / "silence.over").touch()
    await asyncio.sleep(600)

signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as under nohup: the kernel's own SIGHUP must not be what ends the load
asyncio.run(own(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
"""


class Owned:
    """A load with an owner in a process of its own, sending."""

    def __init__(self, folder: Path, locustfile: str, target: Target, processes: int) -> None:
        (folder / "locustfile.py").write_text(locustfile)
        self.owner = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(folder), target.url, str(processes)], stdout=subprocess.PIPE, text=True
        )
        assert self.owner.stdout
        self.child = int(self.owner.stdout.readline())
        wait_for(lambda: len(target.arrivals) > 50)
        self.workers = descendants(Origin.of(self.child))

    def close(self) -> None:
        for pid in (self.child, self.owner.pid):
            fence(Origin.of(pid))
        assert self.owner.stdout
        self.owner.stdout.close()
        self.owner.wait(10)


def wait_for(condition: Callable[[], bool], timeout: float = 20.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def assert_silence(target: Target, since: float) -> None:
    """Nothing arrives once GRACE is over, watched for a second."""
    time.sleep(max(0.0, since + GRACE + 1.0 - time.monotonic()))
    assert target.came_after(since + GRACE) == 0


@pytest.fixture
def target() -> Iterator[Target]:
    with Target() as running:
        yield running


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize(
    ("locustfile", "processes"),
    [(FOREVER, 1), (FOREVER, 2), (STRAY, 1), (STRAY, 2), (BUSY, 1), (BUSY, 2)],
    ids=["plain-1", "plain-2", "stray-1", "stray-2", "busy-1", "busy-2"],
)
def test_load_ends_with_its_owner(
    tmp_path: Path, target: Target, locustfile: str, processes: int, number: signal.Signals
) -> None:
    owned = Owned(tmp_path, locustfile, target, processes)
    try:
        assert len(owned.workers) == (processes if processes > 1 else 0)
        os.kill(owned.owner.pid, number)
        assert_silence(target, time.monotonic())
        assert not any(alive(pid) for pid in [owned.child, *owned.workers])
    finally:
        owned.close()
    assert "owner of this load" in (tmp_path / "load.log").read_text()


@pytest.mark.parametrize("processes", [1, 2])
def test_load_bears_with_an_owner_that_is_only_late(tmp_path: Path, target: Target, processes: int) -> None:
    """It was silent for longer than the lease, neither dead nor stopped: as on a machine without a free processor."""
    (tmp_path / "be-late").touch()
    owned = Owned(tmp_path, FOREVER, target, processes)
    try:
        wait_for(lambda: (tmp_path / "silence.over").exists())
        assert alive(owned.child)
        before = len(target.arrivals)
        wait_for(lambda: len(target.arrivals) > before + 20)
    finally:
        owned.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_workers_end_with_their_master(tmp_path: Path, target: Target, number: signal.Signals) -> None:
    owned = Owned(tmp_path, FOREVER, target, 2)
    try:
        os.kill(owned.child, number)
        assert_silence(target, time.monotonic())
        assert not any(alive(pid) for pid in owned.workers)
    finally:
        owned.close()


def test_workers_that_were_frozen_do_not_wake_up_to_send(tmp_path: Path, target: Target) -> None:
    owned = Owned(tmp_path, FOREVER, target, 2)
    try:
        for pid in owned.workers:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(0.2)
        ended = time.monotonic()
        os.kill(owned.child, signal.SIGKILL)
        wait_for(lambda: not any(alive(pid) for pid in owned.workers))
        assert target.came_after(ended) == 0
    finally:
        owned.close()


def test_the_others_go_on_without_a_worker(tmp_path: Path, target: Target) -> None:
    load = Watcher(tmp_path, FOREVER, host=target.url, processes=2)
    killed: list[float] = []

    def one_is_killed() -> bool:
        if len(load.samples) >= 3 and not killed:
            os.kill(descendants(load.child.origin)[0], signal.SIGKILL)
            killed.append(load.clock.now())
        return bool(killed) and load.samples[-1].t0 > killed[0] + 1.5

    load.run(one_is_killed)
    after = [sample for sample in load.samples[:-2] if sample.t0 > killed[0] + 0.5]
    assert after
    assert all(sample.requests["GET /ok"].n > 0 and sample.users == 2 for sample in after)


def _once(load: Watcher, number: signal.Signals) -> Callable[[], bool]:
    """Send the load under way one signal; never true."""
    sent: list[int] = []

    def hit() -> bool:
        if len(load.samples) >= 2 and not sent:
            sent.append(load.child.pid)
            os.kill(load.child.pid, number)
        return False

    return hit


def test_an_owner_that_lives_is_told_of_the_death(tmp_path: Path, target: Target) -> None:
    load = Watcher(tmp_path, FOREVER, host=target.url)

    load.run(_once(load, signal.SIGKILL))
    assert [load.failure] == [f"the load process was killed by SIGKILL; see {tmp_path / 'load.log'}"]
    assert len(load.of(LoadFailedReport)) == 1


def test_a_stopped_load_is_told_long_before_a_silent_one(tmp_path: Path, target: Target) -> None:
    load = Watcher(tmp_path, FOREVER, host=target.url, patience=Patience(silence=60.0))
    load.run(_once(load, signal.SIGSTOP))
    assert load.failure == "the load reported nothing for 1.5 s: its process is frozen"


@pytest.mark.parametrize("processes", [1, 2])
def test_a_load_that_falls_silent_is_told_and_ended(tmp_path: Path, target: Target, processes: int) -> None:
    patience = Patience(silence=1.0)
    load = Watcher(tmp_path, FOREVER, host=target.url, processes=processes, patience=patience)
    load.run(_once(load, signal.SIGSTOP))
    assert load.failure == "the load reported nothing for 1 s: its process is frozen"
    assert [type(report) for report in load.reports if isinstance(report, LoadFailedReport | LoadEndedReport)] == [
        LoadFailedReport
    ]
    assert not load.child.alive
    assert descendants(load.child.origin) == []


@pytest.mark.parametrize("processes", [1, 2])
def test_nothing_listens_beyond_the_machine(tmp_path: Path, target: Target, processes: int) -> None:
    owned = Owned(tmp_path, FOREVER, target, processes)
    try:
        listening = [address for pid in [owned.child, *owned.workers] for address in listeners(pid)]
    finally:
        owned.close()
    assert [address for address in listening if not address.startswith("0100007F:")] == []
    assert bool(listening) == (processes > 1)


def listeners(pid: int) -> list[str]:
    """The local addresses, as /proc/net/tcp writes them, on which a process listens."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(str(link.readlink()).removeprefix("socket:[").removesuffix("]"))
        except FileNotFoundError:
            continue
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[3] == "0A" and row[9] in inodes]
