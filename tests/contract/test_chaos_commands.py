"""Commands of Chaos Toolkit's process provider: as the toolkit runs them, but over when they have ended themselves."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from background_services import goes_on, left_running, start_script
from chaos_driver import Stage, experiment, obedient, process, python, workshop

from runner.actuators.chaos import ActivityEndedReport, ChaosChild, ChaosReport, MethodEndedReport
from runner.actuators.processes import MARK, alive, carriers
from runner.actuators.shims import toolkit_commands

PIPED: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


@pytest.mark.parametrize(
    ("command", "shell"),
    [
        (["true"], False),
        (["sh", "-c", "echo out; echo err >&2; exit 3"], False),
        (["sh", "-c", "kill -TERM $$"], False),
        ("printf '%s' \"$((6*7))\"; printf ü >&2", True),
        (["sh", "-c", "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2"], False),
        (["sh", "-c", "exec >&- 2>&-; sleep 0.3; exit 4"], False),
    ],
)
def test_it_answers_as_the_standard_one_does(command: Any, shell: bool) -> None:
    expected = subprocess.run(command, shell=shell, env=os.environ, check=False, **PIPED)

    found = toolkit_commands.run(command, shell=shell, env=os.environ, **PIPED)

    assert (found.returncode, found.stdout, found.stderr) == (expected.returncode, expected.stdout, expected.stderr)


def test_a_command_that_takes_too_long_is_ended() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        toolkit_commands.run(["sleep", "60"], timeout=0.2, **PIPED)


def test_a_command_that_is_not_there_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        toolkit_commands.run(["/no/such/command"], **PIPED)


def test_of_an_endless_output_the_beginning_is_kept(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(toolkit_commands, "MOST_BYTES", 100_001)

    found = toolkit_commands.run("yes ü | head -c 3000000", shell=True, **PIPED)

    assert len(found.stdout) == 100_001 - 100_001 % 3
    assert set(found.stdout.decode()) == {"ü", "\n"}
    assert "2899999 bytes of output" in caplog.text


@pytest.mark.parametrize("how", ["", "nohup", "setsid"])
def test_what_a_command_leaves_running_is_not_waited_for_and_goes_on(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = f"commands-{tmp_path}"
    monkeypatch.setenv(MARK, mark)
    began = time.monotonic()

    found = toolkit_commands.run(["sh", "-c", start_script(tmp_path / "pid", how)], **PIPED)

    assert time.monotonic() - began < 20
    assert b"started" in found.stdout
    with left_running(tmp_path / "pid") as pid:
        assert goes_on(pid)
    deadline = time.monotonic() + 20
    while carriers(MARK, mark):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _holds(child: ChaosChild, report: ChaosReport) -> None:
    """The fault stays in until the child is stopped."""
    if not isinstance(report, MethodEndedReport):
        obedient(child, report)


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("provider", ["process", "python"])
def test_what_an_action_leaves_running_lives_until_the_fault_is_undone_and_no_longer(
    provider: str, background: bool, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    script = start_script(pid_file, "setsid")
    action = process("start", "sh", ["-c", script], background=background)
    if provider == "python":
        action = python("start", "shell", {"script": script}, background=background)

    async def scene() -> None:
        stage = Stage(tmp_path, _holds)
        await stage.load(experiment([action]), hold=True, env=workshop(tmp_path, "s"))
        await stage.until(ActivityEndedReport)
        assert stage.story.one(ActivityEndedReport).status == "succeeded"
        await stage.until(MethodEndedReport)
        with left_running(pid_file) as pid:
            assert await asyncio.to_thread(goes_on, pid)
            assert await stage.child.stop() == []
            assert not alive(pid)
        assert not carriers(MARK, stage.child.origin.mark)

    asyncio.run(scene())
