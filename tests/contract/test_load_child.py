"""What the load child reports and leaves behind, against a target that counts for itself."""

from __future__ import annotations

import csv
import itertools
import json
import stat
import time
from pathlib import Path

import pytest
from load_target import Target, Watcher

from runner.actuators.load import LoadChild
from runner.actuators.load_reports import LoadEndedReport, LoadSpawnedReport, LoadStartedReport

# Each user sends a known number of requests, so the windows can be held against the target's own count.
COUNTED = """
from locust import {user}, constant, task
from locust.exception import StopUser

class Shopper({user}):
    wait_time = constant(0.01)

    def on_start(self):
        self.left = 30

    @task
    def shop(self):
        if not self.left:
            raise StopUser
        self.left -= 1
        self.client.get("/ok")
        self.client.post("/bad", name="/checkout")
        if self.left % 10 == 0:
            self.client.get("/slow")
"""

FOREVER = """
from locust import FastHttpUser, constant, task

class Shopper(FastHttpUser):
    wait_time = constant(0.02)

    @task
    def shop(self):
        self.client.get("/ok")
"""


@pytest.mark.parametrize(("user", "processes"), [("FastHttpUser", 1), ("HttpUser", 1), ("FastHttpUser", 2)])
def test_windows_add_up_to_what_the_target_counted(tmp_path: Path, user: str, processes: int) -> None:
    watch = {"GET /slow": (0.1, 5.0), "GET /ok": (5.0,)}
    with Target() as target:
        load = Watcher(tmp_path, COUNTED.format(user=user), host=target.url, processes=processes, watch=watch)
        quiet = time.monotonic() + 3600.0

        def all_told() -> bool:
            nonlocal quiet
            if len(target.arrivals) < 4 * 63:
                return False
            quiet = min(quiet, time.monotonic() + 1.5)
            return time.monotonic() > quiet

        load.run(all_told)

    assert load.total() == {"GET /ok": 120, "POST /checkout": 120, "GET /slow": 12}
    assert load.total("failures") == {"GET /ok": 0, "POST /checkout": 120, "GET /slow": 0}
    assert target.answered == {"/ok": 120, "/bad": 120, "/slow": 12}
    slow = [window.slow for sample in load.samples if (window := sample.requests.get("GET /slow"))]
    assert sum(seen[0.1][0] for seen in slow) == 12
    assert not any(5.0 in seen for seen in slow)
    assert [type(report) for report in load.reports[:1] + load.reports[-1:]] == [LoadStartedReport, LoadEndedReport]
    assert load.of(LoadStartedReport)[0].classes == ("Shopper",)
    assert load.of(LoadSpawnedReport)[0].users == 4
    assert load.of(LoadEndedReport)[0].exit_code == 1
    assert not load.child.alive


@pytest.mark.parametrize("processes", [1, 2])
def test_windows_are_aligned_unbroken_and_hold_their_own_moments(tmp_path: Path, processes: int) -> None:
    with Target() as target:
        load = Watcher(tmp_path, COUNTED.format(user="FastHttpUser"), host=target.url, processes=processes)
        load.run(lambda: len(load.samples) >= 5)

    *whole, last = load.samples
    assert all(sample.t0 % 0.5 == 0 and sample.t1 == sample.t0 + 0.5 for sample in whole)
    # Two samples of one window are a worker that was late.
    starts = sorted({sample.t0 for sample in load.samples})
    assert all(after - before == 0.5 for before, after in itertools.pairwise(starts))
    assert last.t1 <= last.t0 + 0.5
    for sample in load.samples:
        for window in sample.requests.values():
            assert sample.t0 <= window.first <= window.last < sample.t1
            assert sum(count for _, count in window.hist) == window.n
            assert window.p50 <= window.p95 <= window.p99
            assert window.rate == pytest.approx(window.n / (sample.t1 - sample.t0), rel=1e-3)
    checkouts = [window for sample in load.samples if (window := sample.requests.get("POST /checkout"))]
    assert checkouts
    assert all((window.first_bad, window.last_bad) == (window.first, window.last) for window in checkouts)
    good = [window for sample in load.samples if (window := sample.requests.get("GET /ok"))]
    assert all(window.first_bad is window.last_bad is None for window in good)


def test_silence_is_told_with_its_users(tmp_path: Path) -> None:
    load = Watcher(
        tmp_path,
        """
import gevent
from locust import User, task

class Sleeper(User):
    @task
    def sleep(self):
        gevent.sleep(60)
""",
        users=3,
    )
    load.run(lambda: len(load.samples) >= 3)
    assert [sample.requests for sample in load.samples] == [{}] * len(load.samples)
    assert [sample.users for sample in load.samples[:3]] == [3, 3, 3]


def test_any_protocol_is_counted(tmp_path: Path) -> None:
    load = Watcher(
        tmp_path,
        """
from locust import User, constant, events, task

class Queue(User):
    wait_time = constant(0.05)

    @task
    def publish(self):
        events.request.fire(request_type="AMQP", name="publish", response_time=250.4, response_length=0, exception=None)
        events.request.fire(request_type="AMQP", name="ack", response_time=None, response_length=0, exception=ValueError("no"))
""",
        watch={"AMQP publish": (0.2,), "AMQP ack": (0.2,)},
    )
    load.run(lambda: len(load.samples) >= 3)
    windows = [sample.requests for sample in load.samples if sample.requests]
    assert windows
    for requests in windows:
        published, acked = requests["AMQP publish"], requests["AMQP ack"]
        assert (published.p50, published.p99, published.failures) == (0.25, 0.25, 0)
        assert published.hist == ((250, published.n),)
        assert published.slow[0.2] == (published.n, published.first, published.last)
        assert (acked.p50, acked.hist, acked.failures, acked.slow) == (None, (), acked.n, {})


@pytest.mark.parametrize("processes", [1, 2])
def test_a_listener_that_ends_its_user_hides_no_request(tmp_path: Path, processes: int) -> None:
    with Target() as target:
        load = Watcher(
            tmp_path,
            """
from locust import FastHttpUser, events, task
from locust.exception import StopUser

@events.request.add_listener
def leave(exception, **_):
    if exception:
        raise StopUser

class Shopper(FastHttpUser):
    @task
    def shop(self):
        self.client.get("/bad")
""",
            host=target.url,
            processes=processes,
        )
        load.run(lambda: load.total("failures")["GET /bad"] >= 4)
    assert load.total() == load.total("failures") == {"GET /bad": 4}
    assert target.answered == {"/bad": 4}


@pytest.mark.parametrize("processes", [1, 2])
def test_a_load_shape_decides_on_users_and_end(tmp_path: Path, processes: int) -> None:
    shape = """
from locust import LoadTestShape

class Steps(LoadTestShape):
    ticks = 0

    def tick(self):
        self.ticks += 1
        return (2, 50) if self.ticks < 3 else (6, 50) if self.ticks < 6 else None
"""
    with Target() as target:
        load = Watcher(tmp_path, FOREVER + shape, host=target.url, users=50, processes=processes)
        load.run(lambda: False)
    assert [spawned.users for spawned in load.of(LoadSpawnedReport)] == [2, 6]
    assert {2, 6} <= {sample.users for sample in load.samples}
    assert max(sample.users for sample in load.samples) == 6
    assert load.of(LoadEndedReport)[0].why == "the load shape ended"


@pytest.mark.parametrize(
    ("ending", "why", "processes"),
    [
        ("raise StopUser()", "every user stopped", 1),
        ("raise StopUser()", "every user stopped", 2),
        ("self.stop()", "every user stopped", 1),
        ("self.environment.runner.quit()", "the locustfile ended it", 1),
    ],
)
def test_a_load_that_ends_by_itself_says_how(tmp_path: Path, ending: str, why: str, processes: int) -> None:
    once = f"from locust.exception import StopUser\n{FOREVER}        {ending}\n"
    with Target() as target:
        load = Watcher(tmp_path, once, host=target.url, users=3, processes=processes)
        load.run(lambda: False)
    assert [ended.why for ended in load.of(LoadEndedReport)] == [why]
    assert target.answered["/ok"] == 3


@pytest.mark.parametrize("processes", [1, 2])
def test_locusts_own_statistics_are_kept_private(tmp_path: Path, processes: int) -> None:
    with Target() as target:
        load = Watcher(tmp_path, COUNTED.format(user="FastHttpUser"), host=target.url, processes=processes)
        load.run(lambda: len(target.arrivals) >= 4 * 63 and len(load.samples) >= 6)
    names = ["load.html", "load.log"] + [
        f"load_{it}.csv" for it in ("exceptions", "failures", "stats", "stats_history")
    ]
    assert sorted(file.name for file in tmp_path.glob("load*")) == names
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in names} == {0o600}
    with (tmp_path / "load_stats.csv").open() as file:
        rows = {(row["Type"], row["Name"]): row for row in csv.DictReader(file)}
    assert rows["GET", "/ok"]["Request Count"] == "120"
    assert rows["POST", "/checkout"]["Failure Count"] == "120"
    assert "/checkout" in (tmp_path / "load.html").read_text()
    assert "Stopping: " in (tmp_path / "load.log").read_text()
    assert len((tmp_path / "load_stats_history.csv").read_text().splitlines()) > 1


def test_secrets_are_in_no_file(tmp_path: Path) -> None:
    locustfile = """
import logging, os, subprocess, sys
from locust import FastHttpUser, constant, task

class Shopper(FastHttpUser):
    wait_time = constant(0.02)

    @task
    def shop(self):
        token = os.environ["TOKEN"]
        print("printed", token)
        logging.info("logged %s", token)
        subprocess.run(["/bin/sh", "-c", 'echo "shell $TOKEN"; sleep 0.1'])
        self.client.get("/bad?token=" + token)
        raise ValueError("raised " + token)
"""
    folder = tmp_path / "run"
    folder.mkdir()
    with Target() as target:
        load = Watcher(
            tmp_path,
            locustfile,
            host=target.url,
            folder=folder,
            env={"TOKEN": "s3cr3t-t0ken"},
            secrets=("s3cr3t-t0ken",),
        )
        load.run(lambda: len(load.samples) >= 3)
    assert any("s3cr3t-t0ken" in path for _, path in target.arrivals)
    texts = {file.name: file.read_text() for file in folder.iterdir()}
    assert [name for name, text in texts.items() if "s3cr3t" in text] == []
    assert all(f"{how} [redacted]" in texts["load.log"] for how in ("printed", "logged", "shell", "raised"))
    assert "raised [redacted]" in texts["load_exceptions.csv"]


def test_a_load_that_is_stopped_while_it_spawns_stops_once(tmp_path: Path) -> None:
    """A worker's late word that its users are there does not begin the load anew."""
    seen = tmp_path / "seen"
    locustfile = f"""
from locust import FastHttpUser, constant, events, task
from locust.runners import MasterRunner

@events.test_stop.add_listener
def _(environment, **kw):
    if isinstance(environment.runner, MasterRunner):
        with open({str(seen)!r}, "a") as file:
            file.write("stopped\\n")
        environment.events.spawning_complete.fire(user_count=2)

class Shopper(FastHttpUser):
    wait_time = constant(0.02)

    @task
    def shop(self):
        self.client.get("/")
"""
    with Target() as target:
        load = Watcher(tmp_path, locustfile, host=target.url, processes=2)
        load.run(lambda: bool(target.answered))
    assert seen.read_text().splitlines() == ["stopped"]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_locustfile_finds_what_locust_gives_it(tmp_path: Path, processes: int) -> None:
    """Its own options at their defaults, its events, its environment, its neighbours."""
    (tmp_path / "beside.py").write_text("NAME = '/from-beside'")
    seen = tmp_path / "seen"
    locustfile = f"""
import os
from beside import NAME
from locust import FastHttpUser, constant, events, task
from locust.runners import MasterRunner, WorkerRunner

def note(what, environment):
    kind = "master" if isinstance(environment.runner, MasterRunner) else "generator"
    with open({str(seen)!r}, "a") as file:
        file.write(f"{{kind}} {{what}} {{environment.parsed_options.basket}} {{os.environ['SHOP']}}\\n")

@events.init_command_line_parser.add_listener
def _(parser):
    parser.add_argument("--basket", type=int, default=7)

for name in ("init", "test_start", "test_stop", "quitting"):
    getattr(events, name).add_listener(lambda environment, name=name, **kw: note(name, environment))

class Shopper(FastHttpUser):
    wait_time = constant(0.02)

    @task
    def shop(self):
        self.client.get(NAME)
"""
    with Target() as target:
        load = Watcher(tmp_path, locustfile, host=target.url, env={"SHOP": "open"}, processes=processes)
        load.run(lambda: bool(target.answered))
    assert set(target.answered) == {"/from-beside"}
    lines = seen.read_text().splitlines()
    for what in ("init", "test_start", "test_stop", "quitting"):
        assert lines.count(f"generator {what} 7 open") == processes
        assert lines.count(f"master {what} 7 open") == (processes > 1)


def test_a_child_that_was_never_needed_goes(tmp_path: Path) -> None:
    load = Watcher(tmp_path, FOREVER)

    async def spare() -> LoadChild:
        child = LoadChild.spawn()
        await child.stop()
        return child

    import asyncio

    assert not asyncio.run(spare()).alive
    assert load.reports == []


def test_samples_are_plain_json(tmp_path: Path) -> None:
    """The transcript takes the windows as they are."""
    import dataclasses

    with Target() as target:
        load = Watcher(tmp_path, FOREVER, host=target.url, watch={"GET /ok": (0.4,)})
        load.run(lambda: len(load.samples) >= 2)
    assert all(json.loads(json.dumps(dataclasses.asdict(sample)))["users"] >= 0 for sample in load.samples)


def test_users_that_do_not_stop_are_killed_in_time(tmp_path: Path) -> None:
    locustfile = FOREVER.replace(
        "    @task", "    def on_stop(self):\n        import gevent; gevent.sleep(60)\n\n    @task"
    )
    with Target() as target:
        load = Watcher(tmp_path, locustfile, host=target.url)
        load.run(lambda: len(load.samples) >= 2)
        end = time.monotonic()
        time.sleep(0.5)
        assert target.came_after(end) == 0
    assert not load.child.alive
    assert load.of(LoadEndedReport)
    assert (tmp_path / "load_stats.csv").stat().st_size > 0
