"""Locust's own ways: several locustfiles, a locust.conf, what users do as they stop, what they raise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from load_target import Target, Watcher

from runner.actuators.load_reports import LoadEndedReport, LoadFailedReport

_USER = """
from locust import HttpUser, constant, events, tag, task

class {name}(HttpUser):
    wait_time = constant(0.05)

    @tag("{tag}")
    @task
    def one(self):
        self.client.get("/{tag}")

    @tag("other")
    @task
    def two(self):
        self.client.get("/other")
"""


def _user(name: str, more: str = "", tag: str = "ok") -> str:
    return _USER.format(name=name, tag=tag) + more


def _ended(load: Watcher) -> LoadEndedReport:
    assert load.of(LoadFailedReport) == []
    return load.of(LoadEndedReport)[0]


def test_several_locustfiles_and_the_conf_beside_them(tmp_path: Path) -> None:
    (tmp_path / "more_browser.py").write_text(_user("Browser", tag="browse"))
    (tmp_path / "locust.conf").write_text("users = 500\ntags = [ok, browse]\nrun-time: 1s\nheadless\nhost=http://x/\n")
    with Target() as target:
        load = Watcher(tmp_path, _user("Shopper"), host=target.url, processes=2)
        load.run(lambda: {"GET /ok", "GET /browse"} <= load.total().keys())
    assert {"GET /ok", "GET /browse"} == set(load.total())
    assert max(sample.users for sample in load.samples) <= 4


@pytest.mark.parametrize(
    ("conf", "tags"),
    [("tags = okay", "okay"), ("tags = [a, b]", "a, b"), ("exclude-tags = [ok, other]", "not ok, not other")],
)
@pytest.mark.parametrize("processes", [1, 2])
def test_tags_that_leave_nobody_anything_to_do(tmp_path: Path, conf: str, tags: str, processes: int) -> None:
    (tmp_path / "locust.conf").write_text(conf + "\n")
    load = Watcher(tmp_path, _user("Shopper"), host="http://127.0.0.1:1", processes=processes)
    load.run(lambda: False)
    (failed,) = load.of(LoadFailedReport)
    assert failed.locustfile
    assert failed.why == f"{tmp_path}/locustfile.py: no task of Shopper has these tags: {tags}"


def test_two_classes_of_one_name_are_the_locustfiles_fault(tmp_path: Path) -> None:
    (tmp_path / "more_shoppers.py").write_text(_user("Shopper"))
    load = Watcher(tmp_path, _user("Shopper"), host="http://127.0.0.1:1")
    load.run(lambda: False)
    (failed,) = load.of(LoadFailedReport)
    assert failed.locustfile
    assert failed.why == f"{tmp_path}/more_shoppers.py: the class Shopper is defined in {tmp_path}/locustfile.py too"


_STOPS = """
    def on_stop(self):
        import gevent
        gevent.sleep({seconds})
        open(__file__ + ".stopped", "a").write("user")

@events.test_stop.add_listener
def _(**kw):
    open(__file__ + ".over", "a").write("test")
"""


def test_users_have_their_time_to_stop(tmp_path: Path) -> None:
    with Target() as target:
        load = Watcher(tmp_path, _user("Shopper", _STOPS.format(seconds=1.5)), host=target.url, users=2)
        load.run(lambda: load.total()["GET /ok"] > 3)
    assert (tmp_path / "locustfile.py.stopped").read_text() == "useruser"
    assert "test" in (tmp_path / "locustfile.py.over").read_text()
    assert _ended(load).cut == 0


@pytest.mark.parametrize("processes", [1, 2])
def test_what_takes_longer_to_stop_is_cut_and_said(tmp_path: Path, processes: int) -> None:
    with Target() as target:
        load = Watcher(
            tmp_path,
            _user("Shopper", _STOPS.format(seconds=60)),
            host=target.url,
            processes=processes,
            stop_within=0.5,
        )
        load.run(lambda: load.total()["GET /ok"] > 3)
    assert _ended(load).cut == 0.5


_RAISES = """
    @tag("ok")
    @task
    def fails(self):
        raise KeyError("basket")
"""


@pytest.mark.parametrize("processes", [1, 2])
def test_what_users_raise_is_told_by_place_and_count(tmp_path: Path, processes: int) -> None:
    with Target() as target:
        load = Watcher(tmp_path, _user("Shopper", _RAISES), host=target.url, processes=processes)
        load.run(lambda: load.total()["GET /ok"] > 40)
    (told,) = _ended(load).exceptions
    assert (told.where, told.what) == (f"{tmp_path}/locustfile.py:20:9", "KeyError: 'basket'")
    assert told.count > 1


_ON_START = "    def on_start(self):\n        raise KeyError('basket')\n"
_INIT = "    def __init__(self, environment):\n        raise KeyError('basket')\n"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (_INIT, "locustfile.py:17:9: KeyError: 'basket'"),
        (_ON_START, "locustfile.py:17:9: KeyError: 'basket'; users do not get past their on_start"),
    ],
)
@pytest.mark.parametrize("processes", [1, 2])
def test_a_user_that_never_begins_is_the_locustfiles_fault(tmp_path: Path, more: str, why: str, processes: int) -> None:
    plan: dict[str, Any] = {"host": "http://127.0.0.1:1", "processes": processes}
    load = Watcher(tmp_path, _user("Shopper", more), **plan)
    load.run(lambda: False)
    (failed,) = load.of(LoadFailedReport)
    assert failed.locustfile
    assert failed.why == f"{tmp_path}/{why}"


_ENDS_PROCESS = """
    @tag("ok")
    @task
    def ends(self):
        raise SystemExit(2)
"""


@pytest.mark.parametrize(
    ("processes", "why"),
    [(1, "the locustfile ended its own process, with SystemExit"), (2, "every worker process ended")],
)
def test_a_task_that_ends_its_process_ends_the_load(tmp_path: Path, processes: int, why: str) -> None:
    with Target() as target:
        load = Watcher(tmp_path, _user("Shopper", _ENDS_PROCESS), host=target.url, processes=processes)
        load.run(lambda: False)
    ended = _ended(load)
    assert ended.why == why
    (told,) = ended.exceptions
    assert (told.where, told.what) == (f"{tmp_path}/locustfile.py:20:9", "SystemExit: 2")


_SHAPE = """
from locust import LoadTestShape

class Shape(LoadTestShape):
    def tick(self):
        if {when}:
            raise KeyError("stage")
        return (2, 2)
"""


def test_a_load_shape_that_breaks_is_told_and_its_users_stay(tmp_path: Path) -> None:
    with Target() as target:
        shape = _SHAPE.format(when="self.runner.user_count")
        load = Watcher(tmp_path, _user("Shopper", shape), host=target.url)
        load.run(lambda: load.total()["GET /ok"] > 40)
    (told,) = _ended(load).exceptions
    assert told.where.startswith(f"{tmp_path}/locustfile.py:")
    assert (told.what, told.count) == ("KeyError: 'stage'", 1)


def test_a_load_shape_that_brings_nobody_is_the_locustfiles_fault(tmp_path: Path) -> None:
    load = Watcher(tmp_path, _user("Shopper", _SHAPE.format(when="True")), host="http://127.0.0.1:1")
    load.run(lambda: False)
    (failed,) = load.of(LoadFailedReport)
    assert failed.locustfile
    assert "KeyError: 'stage'; its load shape brings no users" in failed.why
