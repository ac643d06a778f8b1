"""Step commands on the real shell: exit codes, time-outs, output, what the command sees, what it leaves."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from background_services import goes_on, left_running, start_script

from runner.actuators.command import MOST_READ, CommandPlan, CommandResult, StepCommand, minimal_env
from runner.actuators.processes import MARK, alive, carriers
from runner.clock import Stamp, SystemClock
from runner.redact import MASK, Redaction, Redactor


def run(tmp_path: Path, text: str, *, secrets: tuple[str, ...] = (), **plan: Any) -> tuple[CommandResult, Path]:
    output = tmp_path / "out.log"
    plan = {"directory": tmp_path, "env": minimal_env(), "mark": os.urandom(6).hex(), **plan}
    command = StepCommand(CommandPlan(text=text, output=output, **plan), SystemClock(), Redaction(Redactor(secrets)))
    return asyncio.run(command.run(lambda _pid, _stamp: None)), output


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("true", 0),
        ("exit 3", 3),
        ("false; echo not reached", 1),
        ("false | true", 1),
        ("kill -TERM $$", -15),
        ("no-such-command-here", 127),
    ],
)
def test_the_exit_code_is_the_shells_own(tmp_path: Path, text: str, code: int) -> None:
    result, output = run(tmp_path, text)
    assert result.exit_code == code
    assert not result.timed_out
    assert "not reached" not in output.read_text()


def started_at(tmp_path: Path, text: str, **more: Any) -> tuple[float, float, CommandResult]:
    """When it was begun with, when it is said to have started, and how it went."""
    clock, told = SystemClock(), []
    plan = CommandPlan(text=text, directory=tmp_path, output=tmp_path / "out.log", **{"env": minimal_env(), **more})
    before = clock.now()
    result = asyncio.run(StepCommand(plan, clock, Redaction(Redactor())).run(lambda _, stamp: told.append(stamp.t)))
    (started,) = told
    return before, started, result


def test_its_start_is_when_the_shell_begins_with_it(tmp_path: Path) -> None:
    slow = tmp_path / "bin/bash"
    slow.parent.mkdir()
    slow.write_text('#!/bin/sh\nsleep 0.1\nexec /bin/bash "$@"\n')
    slow.chmod(0o700)
    env = {**minimal_env(), "PATH": f"{slow.parent}:{os.environ['PATH']}"}
    before, started, result = started_at(tmp_path, "sleep 0.1", env=env)
    assert started >= before + 0.1
    assert result.ended.t >= started + 0.1
    assert result.duration == pytest.approx(result.ended.t - started, abs=1e-5)


@pytest.mark.parametrize(
    "more", [{"shell": "sh"}, {"shell": "env -u X bash -c"}, {"env": {"POSIXLY_CORRECT": "1", "PATH": "/usr/bin:/bin"}}]
)
@pytest.mark.parametrize("text", ["true", "exit 3", "sleep 0.3", "kill -9 $$"])
def test_a_shell_that_does_not_say_when_it_begins_began_when_it_was_started(
    tmp_path: Path, text: str, more: dict[str, Any]
) -> None:
    before, started, result = started_at(tmp_path, text, **more)
    assert before <= started <= result.ended.t


def test_a_start_that_cannot_be_is_reported_all_the_same(tmp_path: Path) -> None:
    before, started, result = started_at(tmp_path, "nonsense (")
    assert before <= started <= result.ended.t
    assert result.exit_code == 2


def test_the_command_sees_nothing_of_how_its_start_is_told(tmp_path: Path) -> None:
    text = "ls /proc/$$/fd; env | cut -d= -f1; set -o | grep -c on$; echo $-; type -t printf unset; declare -F; trap"
    _, output = run(tmp_path, text, env={"PATH": "/usr/bin:/bin"})
    plain = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", text],
        env={"PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    seen = [line for line in output.read_text().splitlines() if line != MARK]
    assert seen == plain.stdout.splitlines()


def test_what_a_step_says_that_bash_runs_first_is_run_first(tmp_path: Path) -> None:
    (tmp_path / "first.sh").write_text("echo first")
    _, output = run(tmp_path, "echo $BASH_ENV", env={**minimal_env(), "BASH_ENV": str(tmp_path / "first.sh")})
    assert output.read_text().splitlines() == ["first", str(tmp_path / "first.sh")]


def test_its_end_is_dated_when_it_ends_whatever_else_is_done(tmp_path: Path) -> None:
    clock, later = SystemClock(), []

    def busy(pid: int, _: Stamp) -> None:
        with suppress(ChildProcessError):  # it has ended, and was taken note of already
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        # As a disk that takes its time would have it.
        time.sleep(0.5)
        later.append(clock.now())

    plan = CommandPlan(text="true", directory=tmp_path, env=minimal_env(), output=tmp_path / "out.log")
    result = asyncio.run(StepCommand(plan, clock, Redaction(Redactor())).run(busy))
    assert result.ended.t < later[0]


def test_what_is_read_from_is_standard_output_alone_and_raw(tmp_path: Path) -> None:
    text = "printf '{\"a\": '; echo warning >&2; printf hunter22; echo ' token hunter22' >&2; echo ' }'"
    result, output = run(tmp_path, text, reads=True, secrets=("hunter22",))
    assert result.printed == '{"a": hunter22 }\n'
    assert "hunter22" not in output.read_text() + result.tail
    assert sorted(output.read_text().splitlines()) == sorted(["warning", f" token {MASK}", f'{{"a": {MASK} }}'])


def test_nothing_is_given_back_that_nobody_reads(tmp_path: Path) -> None:
    assert run(tmp_path, "echo a")[0].printed == ""


def test_of_endless_output_the_beginning_is_read(tmp_path: Path) -> None:
    result, _ = run(tmp_path, f"head -c {MOST_READ + 10} /dev/zero | tr '\\0' x", reads=True)
    assert len(result.printed) == MOST_READ


def test_sh_has_no_pipefail(tmp_path: Path) -> None:
    assert run(tmp_path, "false | true", shell="sh")[0].exit_code == 0


def test_another_program_takes_the_text_as_its_last_argument(tmp_path: Path) -> None:
    result, output = run(tmp_path, "import sys; print(2 + 3)", shell="python3 -c")
    assert (result.exit_code, output.read_text()) == (0, "5\n")


def test_a_shell_that_is_not_there_is_a_result_not_an_error(tmp_path: Path) -> None:
    result, _ = run(tmp_path, "true", shell="no-such-shell -c")
    assert result.exit_code == 127
    assert "cannot start" in result.why


def test_output_is_kept_for_the_owner_alone_with_its_last_lines_at_hand(tmp_path: Path) -> None:
    result, output = run(tmp_path, "for i in $(seq 50); do echo line $i; done; echo oops >&2")
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert len(output.read_text().splitlines()) == 51
    assert result.tail.splitlines()[-2:] == ["line 50", "oops"]
    assert len(result.tail.splitlines()) == 20


def test_a_secret_is_in_neither_output_nor_tail(tmp_path: Path) -> None:
    env = minimal_env({"TOKEN": "hunter2hunter2"})
    result, output = run(tmp_path, 'echo "token=$TOKEN"', secrets=("hunter2hunter2",), env=env)
    assert output.read_text() == f"token={MASK}\n"
    assert "hunter2" not in result.tail


def test_it_sees_what_it_is_given_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOT_FOR_STEPS", "1")
    _, output = run(tmp_path, "env", env=minimal_env({"TARGET_URL": "http://x"}))
    assert "TARGET_URL=http://x" in output.read_text()
    assert "NOT_FOR_STEPS" not in output.read_text()


def test_its_input_is_empty(tmp_path: Path) -> None:
    result, output = run(tmp_path, "cat; echo end", timeout=5.0)
    assert (result.exit_code, output.read_text()) == (0, "end\n")


def test_a_timeout_ends_it_with_everything_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    text = f"setsid sleep 60 & echo $! > {pids}; sleep 60"
    before = time.monotonic()
    result, _ = run(tmp_path, text, timeout=0.7)
    assert result.timed_out
    assert result.why == "timed out after 0.7 s"
    assert time.monotonic() - before < 10
    assert 0.7 <= result.duration < 5
    assert not alive(int(pids.read_text()))


def test_a_child_that_keeps_the_pipe_open_does_not_hold_up_the_end(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    before = time.monotonic()
    result, output = run(tmp_path, f"echo said; sleep 30 & echo $! > {pids}")
    try:
        assert result.exit_code == 0
        assert time.monotonic() - before < 10
        assert output.read_text() == "said\n"
    finally:
        os.kill(int(pids.read_text()), 9)


@pytest.mark.parametrize("how", ["", "nohup", "setsid"])
def test_what_a_step_leaves_running_goes_on_and_may_print(how: str, tmp_path: Path) -> None:
    mark = f"step-{tmp_path}"
    result, output = run(tmp_path, start_script(tmp_path / "pid", how), mark=mark)
    assert result.exit_code == 0
    kept = output.read_bytes()
    assert b"started" in kept
    with left_running(tmp_path / "pid") as pid:
        assert goes_on(pid)
    # What it says after the end of its step is not the step's output.
    assert output.read_bytes() == kept
    before = time.monotonic()
    while carriers(MARK, mark):
        assert time.monotonic() - before < 20
        time.sleep(0.02)


def test_lines_without_end_are_kept_in_pieces(tmp_path: Path) -> None:
    result, output = run(tmp_path, "head -c 300000 /dev/zero | tr '\\0' x")
    assert result.exit_code == 0
    assert len(output.read_text()) == 300000


def test_of_an_endless_output_the_beginning_and_the_last_lines_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.actuators.kept.MOST_BYTES", 1000)
    result, output = run(tmp_path, "seq 50000; echo the last line")
    assert result.exit_code == 0
    assert output.read_text().startswith(
        "".join(f"{i}\n" for i in range(1, 1000))[:1000] + "\n[gameday keeps the first 1,000 bytes;"
    )
    assert output.stat().st_size < 1200
    assert result.tail.splitlines()[-1] == "the last line"


def test_the_start_is_told_before_the_end_on_the_same_clock(tmp_path: Path) -> None:
    told: list[tuple[int, Stamp]] = []
    clock = SystemClock()
    plan = CommandPlan(text="sleep 0.2", directory=tmp_path, env=minimal_env(), output=tmp_path / "out")
    result = asyncio.run(
        StepCommand(plan, clock, Redaction(Redactor())).run(lambda pid, stamp: told.append((pid, stamp)))
    )
    ((pid, started),) = told
    assert pid > 0
    assert result.duration == pytest.approx(result.ended.t - started.t, abs=1e-6)
    assert result.duration == pytest.approx(0.2, abs=0.15)
