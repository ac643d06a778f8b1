"""A load that cannot be: one line that says where and why, and nothing left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from load_target import Watcher

from runner.actuators.load import Patience
from runner.actuators.load_reports import LoadEndedReport, LoadFailedReport

USER = """
from locust import HttpUser, task

class Shopper(HttpUser):
    @task
    def shop(self):
        self.client.get("/ok")
"""


def failure_of(home: Path, locustfile: str, **plan: Any) -> str:
    load = Watcher(home, locustfile, **plan)
    load.run(lambda: False)
    assert [type(report) for report in load.reports if isinstance(report, LoadFailedReport)] == [LoadFailedReport]
    assert not load.child.alive
    assert "\n" not in load.failure
    return load.failure.replace(str(home), "HOME")


@pytest.mark.parametrize(
    ("locustfile", "why"),
    [
        ("import os\nimport not_there\n", "HOME/locustfile.py:2:1: ModuleNotFoundError: No module named 'not_there'"),
        ("class (:\n", "HOME/locustfile.py:1:7: SyntaxError: invalid syntax"),
        (
            "def deep():\n    return 1 / 0\n\nwhole = deep()\n",
            "HOME/locustfile.py:2:12: ZeroDivisionError: division by zero",
        ),
        ("import json\n\njson.loads('{')\n", "HOME/locustfile.py:3:1: JSONDecodeError: Expecting property name"),
        ("import sys\nsys.exit('no thanks')\n", "HOME/locustfile.py:2:1: SystemExit: no thanks"),
        ("raise ValueError('one\\ntwo')\n", "HOME/locustfile.py:1:1: ValueError: one"),
        ("import broken_beside\n", "HOME/locustfile.py:1:1: SyntaxError: "),
        ("x = 1\n", "HOME/locustfile.py: no User class; define one"),
        (
            USER.replace("(HttpUser):", "(HttpUser):\n    weight = 0"),
            "HOME/locustfile.py: There are no users with weight",
        ),
        (USER + "import os; os._exit(9)\n", "the load process ended with exit code 9; see HOME/load.log"),
    ],
)
def test_a_locustfile_that_does_not_import(tmp_path: Path, locustfile: str, why: str) -> None:
    (tmp_path / "broken_beside.py").write_text("def (")
    assert failure_of(tmp_path, locustfile).startswith(why)


@pytest.mark.parametrize("processes", [1, 2])
def test_users_without_a_host(tmp_path: Path, processes: int) -> None:
    why = failure_of(tmp_path, USER, processes=processes)
    assert why == "HOME/locustfile.py: no host to send to; give the target a `url`, or the User class a `host`"


@pytest.mark.parametrize("processes", [1, 2])
def test_a_user_that_cannot_be_made(tmp_path: Path, processes: int) -> None:
    locustfile = USER + "\n    def __init__(self, environment):\n        raise KeyError('basket')\n"
    why = failure_of(tmp_path, locustfile, host="http://127.0.0.1:1", processes=processes)
    assert why == "HOME/locustfile.py:10:9: KeyError: 'basket'"


@pytest.mark.parametrize("processes", [1, 2])
def test_an_init_listener_that_fails(tmp_path: Path, processes: int) -> None:
    locustfile = USER + "\nfrom locust import events\n\n@events.init.add_listener\ndef _(**kw):\n    1 / 0\n"
    why = failure_of(tmp_path, locustfile, host="http://127.0.0.1:1", processes=processes)
    assert why == "HOME/locustfile.py: a listener of the `init` event failed; see load.log"
    assert "ZeroDivisionError" in (tmp_path / "load.log").read_text()


def test_options_that_need_a_value(tmp_path: Path) -> None:
    locustfile = USER + (
        "\nfrom locust import events\n\n@events.init_command_line_parser.add_listener\n"
        "def _(parser):\n    parser.add_argument('--basket', required=True)\n"
    )
    why = failure_of(tmp_path, locustfile, host="http://127.0.0.1:1")
    assert why == "HOME/locustfile.py: its own command line options cannot be left at their defaults; see load.log"
    assert "--basket" in (tmp_path / "load.log").read_text()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    why = failure_of(tmp_path, USER, host="http://127.0.0.1:1", folder=tmp_path / "nowhere")
    assert why == "HOME/nowhere: the load's files cannot be written: No such file or directory"


def test_a_locustfile_that_is_not_there(tmp_path: Path) -> None:
    load = Watcher(tmp_path, USER)
    load.plan.locustfiles[0].unlink()
    load.run(lambda: False)
    assert load.failure == f"{load.plan.locustfiles[0]}: there is no such file"


def test_a_reason_holds_no_secret(tmp_path: Path) -> None:
    why = failure_of(tmp_path, "raise ValueError('hunter2 was wrong')\n", secrets=("hunter2",))
    assert why == "HOME/locustfile.py:1:1: ValueError: [redacted] was wrong"


def test_a_target_that_refuses_is_a_failing_request(tmp_path: Path) -> None:
    locustfile = USER.replace("    @task", "    wait_time = lambda self: 0.05\n\n    @task")
    load = Watcher(tmp_path, locustfile, host="http://127.0.0.1:1")
    load.run(lambda: load.total("failures")["GET /ok"] >= 10)
    assert load.total("failures") == load.total("n")


def test_an_import_that_hangs_is_stopped(tmp_path: Path) -> None:
    load = Watcher(tmp_path, "from pathlib import Path\nPath(__file__).with_name('here').touch()\nwhile True: pass\n")
    load.run((tmp_path / "here").exists)
    assert [type(report) for report in load.reports] == [LoadEndedReport]
    assert load.of(LoadEndedReport)[0].why == "asked to stop; was killed by SIGKILL"
    assert not load.child.alive


@pytest.mark.parametrize(
    ("hang", "place"),
    [
        ("import time\ntime.sleep(9999)\n", "2:1"),
        ("def wait():\n    while True:\n        pass\n\nwait()\n", "2:"),
        ("import socket\nours, _ = socket.socketpair()\nours.recv(1)\n", "3:1"),
        ("import hanging_beside\n", "1:1"),
    ],
    ids=["sleep", "busy", "socket", "beside"],
)
def test_an_import_that_never_ends_is_named(tmp_path: Path, hang: str, place: str) -> None:
    (tmp_path / "hanging_beside.py").write_text("import time\ntime.sleep(9999)\n")
    # Locust itself takes seconds to import on a machine that is busy.
    why = failure_of(tmp_path, hang, patience=Patience(start=10.0))
    assert why.startswith(f"HOME/locustfile.py:{place}")
    assert why.endswith(": the load did not start within 10 s: its import does not come to an end")


def test_a_call_that_blocks_all_users_is_named(tmp_path: Path) -> None:
    locustfile = USER + "        really_sleep(9999)\n"
    locustfile = "from gevent.monkey import get_original\nreally_sleep = get_original('time', 'sleep')\n" + locustfile
    why = failure_of(tmp_path, locustfile, host="http://127.0.0.1:1", patience=Patience(silence=2.0))
    assert why.startswith(
        "HOME/locustfile.py:10:9: the load reported nothing for 2 s: this call blocks all users at once"
    )
