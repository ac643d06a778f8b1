"""Days on which everything goes wrong: whatever dies, freezes or fails, the fault is gone afterwards, or its being there is said.

Judged from outside: the fault is a file, and it is looked for; so are processes, sockets and open records.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_fault import DRILL, EXPERIMENT, GONE, SHORT, VACUOUS, Going, Repo, until, with_check

_LATE = "name: Files\nsteps:\n  - name: Look\n    run: sleep 3\n"
_PEOPLE = """\
name: Files
steps:
  - {name: Look, milestone: detected}
  - name: Which way?
    choose: {left: mend-it, right: mend-it}
  - name: Mend it
    ask: [{name: REGION, prompt: which}, {name: WORD, prompt: secret, secret: true}]
    run: echo "$REGION/$WORD"
  - {name: Calm down, milestone: resolved}
"""
_WEB = """\
import http.server

class Ok(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *words):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ok)
print(server.server_port, flush=True)
server.serve_forever()
"""
_SHOPPER = """\
from locust import FastHttpUser, constant, task

class Shopper(FastHttpUser):
    wait_time = constant(0.1)
    network_timeout = 0.5
    connection_timeout = 0.5

    @task
    def look(self) -> None:
        self.client.get("/")
"""


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with Repo.make(tmp_path) as made:
        yield made


def _kill(going: Going, role: str) -> None:
    going.signal(role, signal.SIGKILL)


def _freeze(going: Going, role: str) -> None:
    going.signal(role, signal.SIGSTOP)


def _unbroken(repo: Repo) -> None:
    assert repo.gameday("verify").code == 0


# -- a process of the run dies or freezes ------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["conductor", "guardian", "chaos"])
@pytest.mark.parametrize("harm", [_kill, _freeze])
def test_a_run_undoes_and_closes_without(role: str, harm: object, repo: Repo) -> None:
    going = repo.start()
    assert callable(harm)
    harm(going, role)
    assert going.ended() == 5
    last = going.closed()
    assert (last["kind"], last["ending"], last["exit_code"]) == ("run-closed", "broken", 5)
    assert going.seen("fault-undone")
    assert "is undone" in going.said()
    _unbroken(repo)


def test_a_chaos_child_that_freezes_as_soon_as_it_has_loaded_ends_the_run(repo: Repo) -> None:
    going = repo.start(fault=False)
    until(lambda: going.seen("experiment-loaded"), going.said)
    _freeze(going, "chaos")
    assert going.ended() == 5
    assert "silent" in going.said()
    going.closed()


def test_the_launcher_of_a_killed_guardian_prints_the_end_of_the_run(repo: Repo) -> None:
    going = repo.start()
    _kill(going, "guardian")
    assert going.ended() == 5
    # When the command returns all is over: nothing goes on behind its back.
    assert repo.leftovers() == []
    assert "closed" in going.said()


def test_a_conductor_that_dies_before_the_first_line_leaves_nothing(repo: Repo) -> None:
    going = repo.start(fault=False)
    guardian = _only_child(going.process.pid, going)
    until(lambda: list((repo.root / "runs").glob("*/transcript.jsonl")), going.said)
    os.kill(_only_child(guardian, going), signal.SIGSTOP)
    told = repo.run_folders[0] / "transcript.jsonl"
    begun = told.stat().st_size > 0
    os.kill(_only_child(guardian, going), signal.SIGKILL)
    assert going.ended() == 5
    until(lambda: not repo.leftovers(), repo.leftovers)
    if not begun:
        assert repo.run_folders == []
        assert "gameday broke: the conductor ended" in going.said()
    # The target is free again.
    repo.write("runbooks/files.yaml", SHORT)
    assert repo.gameday("run", "files").code == 0


def _only_child(pid: int, going: Going) -> int:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    until(lambda: path.read_text().split(), going.said)
    return int(path.read_text().split()[0])


# -- the terminal ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_at_the_terminal_aborts_with_undo(number: signal.Signals, repo: Repo) -> None:
    going = repo.start()
    going.process.send_signal(number)
    assert going.ended() == 4
    assert repo.leftovers() == []
    last = going.closed()
    assert last["ending"] == "aborted"
    assert number.name in last["headline"]
    _unbroken(repo)


def test_impatience_changes_nothing(repo: Repo) -> None:
    going = repo.start()
    for _ in range(5):
        going.process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    assert going.ended() == 4
    assert repo.leftovers() == []


def test_a_headless_run_ends_with_its_terminal(repo: Repo) -> None:
    going = repo.start()
    going.process.kill()
    assert going.closed()["ending"] == "aborted"


def test_a_detached_run_stays_and_can_be_aborted(repo: Repo) -> None:
    said = repo.gameday("run", "files", "--detach")
    assert said.code == 0
    run = said.out.strip()
    until(repo.marker.exists, lambda: "no fault")
    assert repo.open_records() == [run]
    assert "running" in repo.gameday("runs").out
    assert repo.gameday("abort", run, "--why", "enough", "--reason", "stuck", "--name", "ana").code == 0
    until(lambda: not repo.leftovers(), repo.leftovers)
    shown = repo.gameday("show", run[-4:])
    assert "aborted" in shown.out
    assert "stuck: enough" in shown.out


# -- undoing goes wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rollback", "extension", "why"),
    [
        (
            'path: sh, arguments: ["-c", "echo no way >&2; exit 3"]',
            "",
            "rollback 'take it away': it exited with 3: no way",
        ),
        ('path: sleep, arguments: "60"', "extensions: [{name: gameday, undo-deadline: 1s}]\n", "not done within 1 s"),
    ],
    ids=["fails", "hangs"],
)
def test_a_fault_that_stays_is_named_and_kept_open(rollback: str, extension: str, why: str, repo: Repo) -> None:
    repo.write("runbooks/files.yaml", SHORT)
    repo.write("experiments/files.yaml", EXPERIMENT.replace('path: rm, arguments: "-f $MARKER"', rollback) + extension)
    said = repo.gameday("run", "files")
    assert said.code == 6
    assert "LEFT BEHIND: files" in said.err
    assert why in said.err
    assert repo.marker.exists()
    assert list(repo.processes()) == []
    # Nobody runs into it unawares.
    run = repo.open_records()[0]
    again = repo.gameday("run", "files")
    assert again.code == 3
    assert run in again.err


def test_undone_when_outranks_what_a_rollback_says_of_itself(repo: Repo) -> None:
    repo.write("runbooks/files.yaml", _LATE)
    liar = with_check(GONE).replace('path: rm, arguments: "-f $MARKER"', 'path: "true"')
    repo.write("experiments/files.yaml", liar)
    said = repo.gameday("run", "files")
    assert said.code == 6
    assert "the marker is gone" in said.err
    assert len(repo.open_records()) == 1


def test_a_rollback_that_fails_and_yet_worked_leaves_nothing(repo: Repo) -> None:
    repo.write("runbooks/files.yaml", _LATE)
    clumsy = 'path: sh, arguments: ["-c", "rm -f $MARKER; exit 3"]'
    repo.write("experiments/files.yaml", with_check(GONE).replace('path: rm, arguments: "-f $MARKER"', clumsy))
    said = repo.gameday("run", "files")
    assert (said.code, repo.leftovers()) == (0, [])
    assert "(verified)" in said.err


@pytest.mark.parametrize("what", [("files",), ("experiments/files.yaml", "--target", "local")])
def test_a_check_that_proves_nothing_never_passes(what: tuple[str, ...], repo: Repo) -> None:
    repo.write("runbooks/files.yaml", SHORT)
    repo.write("experiments/files.yaml", with_check(VACUOUS))
    said = repo.gameday("run", *what)
    assert (said.code, repo.leftovers()) == (7, [])
    assert "proves nothing" in said.err


def test_a_check_that_does_not_hold_before_the_fault_refuses_the_run(repo: Repo) -> None:
    repo.marker.touch()
    repo.write("experiments/files.yaml", with_check(GONE))
    said = repo.gameday("run", "files")
    assert said.code == 3
    assert "the marker is gone" in said.err
    assert "↯" not in said.err
    assert repo.marker.exists()


def test_a_disk_that_fills_up_ends_the_run_with_undo(repo: Repo) -> None:
    repo.write("runbooks/files.yaml", _LATE)
    said = repo.gameday("run", "files", under=["sh", "-c", 'ulimit -f 16; exec "$@"', "sh"])
    assert said.code == 5
    assert "this run has no end on record: the transcript cannot be written" in said.err
    assert repo.leftovers() == []


# -- limits ------------------------------------------------------------------------------------------------------------


def test_the_time_box_ends_a_step_that_does_not(repo: Repo) -> None:
    repo.write("drills/files/drill.yaml", DRILL.replace("40s", "2s"))
    said = repo.gameday("run", "files")
    assert (said.code, repo.leftovers()) == (1, [])
    assert "the time-box of 2 s is over" in said.err


def test_a_pause_that_lasts_too_long_undoes(repo: Repo) -> None:
    repo.write("drills/files/drill.yaml", DRILL.replace("40s", "40s, max-pause: 1s"))
    going = repo.start()
    assert repo.gameday("tell", "pause", "why=a real one", "--as", "facilitator").code == 0
    assert going.ended() == 4
    last = going.closed()
    assert last["ending"] == "stopped"
    assert "max-pause" in last["headline"]


def test_a_second_run_on_the_same_target_is_refused_by_name(repo: Repo) -> None:
    going = repo.start()
    said = repo.gameday("run", "experiments/files.yaml", "--target", "local")
    assert said.code == 3
    assert f"is taken by run {repo.run_folders[0].name}" in said.err
    assert repo.marker.exists()
    going.process.terminate()
    assert going.ended() == 4


# -- people ------------------------------------------------------------------------------------------------------------


def test_people_answer_over_the_socket_and_are_told_what_is_not_possible(repo: Repo) -> None:
    repo.write("runbooks/files.yaml", _PEOPLE)
    going = repo.start("files", "--attended")

    def tell(*words: str) -> tuple[int, str]:
        said = repo.gameday("tell", *words, "--name", "ana")
        assert "Traceback" not in said.err
        return said.code, said.err

    assert "'danse' is not a command" in tell("danse")[1]
    assert "milestone lacks name; write it as: milestone name=detected|" in tell("milestone")[1]
    assert "complete takes no 'stpe'; write it as: complete [step=…]" in tell("complete", "stpe=look")[1]
    assert (
        "confirm: yes='perhaps' is not possible; write it as: confirm [yes=yes|no]" in tell("confirm", "yes=perhaps")[1]
    )
    assert "an observer watches" in tell("complete", "--as", "observer")[1]
    assert tell("choose", "label=left")[0] == 2
    assert tell("complete") == (0, "")
    assert "'up' is no choice" in tell("choose", "label=up")[1]
    assert tell("choose", "label=left") == (0, "")
    assert tell("answer", "name=REGION", "value=eu") == (0, "")
    assert tell("answer", "name=WORD", "value=open-sesame") == (0, "")
    until(lambda: going.seen("command-ended"), going.said)
    until(lambda: going.of("step-started")[-1]["step"] == "calm-down", going.said)
    assert tell("complete") == (0, "")
    assert going.ended() == 0
    assert going.of("step-answered")[0]["value"] == "eu"
    assert {event["by"] for event in going.of("step-answered")} == {"ana"}
    assert going.of("command-ended")[0]["tail"].strip() == "eu/[redacted]"
    for path in repo.run_folders[0].rglob("*"):
        assert path.is_dir() or b"open-sesame" not in path.read_bytes()


# -- the world ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def web() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    server = subprocess.Popen([sys.executable, "-c", _WEB], stdout=subprocess.PIPE)
    assert server.stdout is not None
    yield server, int(server.stdout.readline())
    server.kill()
    server.wait()
    server.stdout.close()


def _loaded(repo: Repo, port: int, more: str = "") -> None:
    load = f"load: {{users: 2, spawn-rate: 10, warm-up: 6s, host: 'http://127.0.0.1:{port}'}}\n"
    steady = f"""\
steady-state:
  hold: 1s
  indicators:
    - name: it answers
      load: {{metric: success-ratio, request: "GET /"}}
      at-least: 99%
    - name: it is there
      probe:
        provider: {{type: http, url: "http://127.0.0.1:{port}/", timeout: 1}}
        tolerance: 200
      every: 200ms
expect: {{impact-within: 5s}}
"""
    repo.write("drills/files/drill.yaml", DRILL.replace("40s", "8s") + load + steady + more)
    repo.write("drills/files/locustfile.py", _SHOPPER)


def test_a_target_that_dies_is_what_a_drill_is_for(repo: Repo, web: tuple[subprocess.Popen[bytes], int]) -> None:
    server, port = web
    _loaded(repo, port)
    going = repo.start()
    server.kill()
    assert going.ended() == 1
    assert repo.leftovers() == []
    last = going.closed()
    assert last["ending"] == "failed"
    assert going.seen("impact-seen")
    assert going.of("end-decided")[0]["cause"] == "time-box"


def test_collateral_damage_stops_the_run(repo: Repo, web: tuple[subprocess.Popen[bytes], int]) -> None:
    server, port = web
    _loaded(repo, port, "stop-when: [{indicator: it is there, below: 50%, for: 2s}]\n")
    going = repo.start()
    server.kill()
    assert going.ended() == 4
    assert repo.leftovers() == []
    last = going.closed()
    assert last["ending"] == "stopped"
    assert "it is there below 50 %" in last["headline"]


def test_a_load_that_dies_ends_the_run_as_broken(repo: Repo, web: tuple[subprocess.Popen[bytes], int]) -> None:
    _loaded(repo, web[1])
    going = repo.start()
    _kill(going, "load")
    assert going.ended() == 5
    assert repo.leftovers() == []
    assert "killed by SIGKILL" in going.closed()["headline"]


def test_a_target_that_never_answered_gets_no_fault(repo: Repo) -> None:
    _loaded(repo, 9)
    said = repo.gameday("run", "files")
    assert said.code == 3
    assert "steady state not met: it answers 0 %" in said.err
    assert repo.leftovers() == []
    assert "↯" not in said.err
