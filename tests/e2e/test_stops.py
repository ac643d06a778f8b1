"""What ends a run before its time: any indicator, a disk that fills up, a pause too long, a person; and what hangs meanwhile."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_fault import DRILL, EXPERIMENT, LONG, Going, Repo, until

_SHOP = """\
import http.server, os, time

class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        bad = os.path.exists(os.environ["MARKER"])
        time.sleep(0.4 if bad else 0)
        self.send_response(500 if bad else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *words):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
print(server.server_port, flush=True)
server.serve_forever()
"""
_SHOPPER = """\
from locust import FastHttpUser, constant, task

class Shopper(FastHttpUser):
    wait_time = constant(0.1)

    @task
    def look(self) -> None:
        self.client.get("/")
"""
_WATCHED = """\
load: {users: 3, spawn-rate: 10, warm-up: 6s, host: 'http://127.0.0.1:$PORT'}
steady-state:
  hold: 1s
  indicators:
    - name: it answers
      load: {metric: success-ratio, request: "GET /"}
      at-least: 99%
    - name: it is quick
      load: {metric: p95, request: "GET /"}
      at-most: 300ms
    - name: it is there
      probe:
        provider: {type: http, url: "http://127.0.0.1:$PORT/", timeout: 1}
        tolerance: 200
      every: 200ms
"""
_HANGS = """\
import pathlib, time

def hang(marker):
    pathlib.Path(marker).touch()
    while True:
        try:
            time.sleep(3600)
        except BaseException:
            pass
"""


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with Repo.make(tmp_path) as made:
        yield made


@pytest.fixture
def port(repo: Repo) -> Iterator[int]:
    """A shop that the fault slows down and breaks."""
    # Elsewhere, and without the repository's name in its command: it is no process of the run.
    shop = subprocess.Popen(
        [sys.executable, "-c", _SHOP],
        cwd="/",
        env={**os.environ, "MARKER": str(repo.marker)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert shop.stdout is not None
    yield int(shop.stdout.readline())
    shop.kill()
    shop.wait()
    shop.stdout.close()


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("{indicator: it answers, below: 50%, for: 2s}", "it answers below 50 %"),
        ("{indicator: it is quick, above: 200ms, for: 2s}", "it is quick above 200 ms"),
        ("{indicator: it is there, below: 50%, for: 2s}", "it is there below 50 %"),
    ],
    ids=["ratio", "latency", "probe"],
)
def test_any_indicator_can_stop_a_run(rule: str, words: str, repo: Repo, port: int) -> None:
    drill = DRILL + _WATCHED.replace("$PORT", str(port)) + f"stop-when: [{rule}]\n"
    repo.write("drills/files/drill.yaml", drill)
    repo.write("drills/files/locustfile.py", _SHOPPER)
    said = repo.gameday("run", "files")
    assert said.code == 4, said.err
    assert repo.leftovers() == []
    assert f"stopped: {words}" in said.err


def test_a_run_folder_that_fills_up_ends_the_run_while_its_end_can_still_be_told(repo: Repo) -> None:
    """The disk is real and small; the fault is what fills it."""
    (repo.root / "runs").mkdir()
    mount = f"mount -t tmpfs -o size=4m small {repo.root}/runs"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], check=False, capture_output=True).returncode:
        pytest.skip("no mount namespaces are permitted here")
    fills = f'path: sh, arguments: ["-c", "touch $MARKER; cat /dev/zero >{repo.root}/runs/ballast || true"]'
    repo.write("experiments/files.yaml", EXPERIMENT.replace('path: touch, arguments: "$MARKER"', fills))
    inside = f'{mount}; "$@"; code=$?; {sys.executable} -m runner verify >&2 || exit 9; exit $code'
    said = repo.gameday("run", "files", under=["unshare", "-rm", "sh", "-c", inside, "sh"])
    assert said.code == 4, said.err
    assert "stopped: the run folder fills up: less than 1 MB is left on its disk" in said.err
    assert "is undone" in said.err
    assert repo.leftovers() == []


def test_a_pause_stops_the_clock_of_the_time_box_until_somebody_goes_on(repo: Repo) -> None:
    repo.write("drills/files/drill.yaml", DRILL.replace("40s", "3s"))
    going = repo.start()
    assert repo.gameday("tell", "pause", "why=the door bell", "--name", "ana", "--as", "facilitator").code == 0
    until(lambda: going.seen("paused"), going.said)
    assert "paused: the door bell" in repo.gameday("runs").out
    # Longer than the whole time-box.
    time.sleep(3.5)
    assert repo.marker.exists()
    assert not going.seen("end-decided")
    assert repo.gameday("tell", "resume", "--as", "facilitator").code == 0
    assert going.ended() == 1
    [paused], [went_on], [end] = (going.of(kind) for kind in ("paused", "resumed", "end-decided"))
    [live] = [event for event in going.of("phase-entered") if event["phase"] == "live"]
    net = end["t"] - live["t"] - (went_on["t"] - paused["t"])
    assert end["cause"] == "time-box"
    assert 2.9 < net < 4
    assert paused["by"] == "ana"


@pytest.mark.parametrize("background", ["false", "true"], ids=["foreground", "background"])
def test_a_python_action_that_hangs_is_killed_at_an_abort(background: str, repo: Repo) -> None:
    repo.write("hanging.py", _HANGS)
    python = "{type: python, module: hanging, func: hang, arguments: {marker: $MARKER}}"
    hangs = EXPERIMENT.replace(
        '{type: process, path: touch, arguments: "$MARKER"}', f"{python}\n    background: {background}"
    )
    repo.write("experiments/files.yaml", hangs)
    going = Going.start(repo, "files", env={"PYTHONPATH": f"{repo.root}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"})
    repo.started.append(going)
    until(repo.marker.exists, going.said)
    assert repo.gameday("abort", "--why", "enough").code == 0
    assert going.ended() == 4
    assert repo.leftovers() == []
    [end], started = going.of("end-decided"), going.of("rollback-started")
    # A second is the promise, which tests/benchmarks hold it to; here the machine may be busy with other tests.
    assert started[0]["t"] - end["t"] < 3


# -- which run -----------------------------------------------------------------------------------------------------------


def test_an_abort_without_a_name_means_the_only_run_and_asks_when_there_are_several(repo: Repo) -> None:
    assert repo.gameday("abort", "--why", "x").err == "gameday: no run is going on\n"
    first = repo.start()
    repo.write("drills/other/drill.yaml", DRILL.replace("target: local", "target: sandbox"))
    second = Going.start(repo, "other")
    repo.started.append(second)
    until(lambda: len(repo.open_records()) == 2, second.said)
    names = sorted(repo.open_records())
    several = repo.gameday("abort", "--why", "x")
    assert several.code == 2
    assert several.err == f"gameday: 2 runs are going on: name the one you mean: {', '.join(names)}\n"
    assert _completed(repo, "abort") == _completed(repo, "tell --run") == names
    assert not any(_completed(repo, "recover"))
    unknown = repo.gameday("abort", "nobody", "--why", "x")
    assert "no run that is going on is called 'nobody'" in unknown.err
    assert not first.seen("end-decided")
    until(lambda: repo.gameday("abort", names[1], "--why", "x").code == 0, second.said)
    assert second.ended() == 4
    assert repo.gameday("abort", "--why", "enough", "--name", "ana").code == 0
    assert first.ended() == 4
    assert repo.leftovers() == []


def _completed(repo: Repo, words: str) -> list[str]:
    """What a shell offers next."""
    line = f"gameday {words} "
    env = {"_GAMEDAY_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()))}
    program = [sys.executable, "-c", "from runner.cli.main import gameday; gameday(prog_name='gameday')"]
    done = subprocess.run(program, env=repo.env(env), cwd=repo.root, capture_output=True, text=True, check=False)
    return sorted(name.partition(",")[2] for name in done.stdout.splitlines())


def test_runs_and_show_say_who_is_waited_for(repo: Repo) -> None:
    repo.write("runbooks/files.yaml", LONG.replace("run: sleep 30", "milestone: detected"))
    going = repo.start("files", "--attended")
    until(lambda: going.seen("step-started"), going.said)
    assert "waiting for people: Look" in repo.gameday("runs").out
    assert "waiting for people: Look" in repo.gameday("show").err
    going.process.terminate()
    assert going.ended() == 4


_TERMINAL = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


def test_what_is_to_be_ignored_is_and_no_step_ignores_it(repo: Repo) -> None:
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _TERMINAL}
    try:
        # As under nohup, and in the background of a script: what is ignored stays so over an exec.
        going = repo.start()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    until(lambda: _sleeping(repo), going.said)
    assert [_ignored(pid) for pid in _sleeping(repo)] == [set()]
    for number in _TERMINAL:
        going.process.send_signal(number)
    going.process.send_signal(signal.SIGTERM)
    assert going.ended() == 4
    assert "SIGTERM" in going.closed()["headline"]


def _sleeping(repo: Repo) -> list[int]:
    return [pid for pid, line in repo.processes() if line.split() == ["sleep", "30"]]


def _ignored(pid: int) -> set[signal.Signals]:
    status = Path(f"/proc/{pid}/status").read_text()
    mask = int(status.partition("SigIgn:")[2].split()[0], 16)
    return {number for number in _TERMINAL if mask >> (number - 1) & 1}


def test_a_run_whose_folder_is_taken_away_undoes_and_ends(repo: Repo) -> None:
    going = repo.start()
    shutil.rmtree(repo.run_folders[-1])
    going.process.terminate()
    assert going.ended() == 5
    until(lambda: not repo.leftovers(), lambda: f"{repo.leftovers()}\n{going.said()}")
