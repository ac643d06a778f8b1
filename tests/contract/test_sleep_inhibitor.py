"""The lock that keeps the machine awake, with a tool that notes how it was called in place of the system's."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from runner.actuators.processes import alive
from runner.host.sleep_inhibitor import Wakefulness

_TOOL = """#!/bin/sh
echo "$@" > {told}
while [ "${{1#--}}" != "$1" ]; do shift; done
exec "$@"
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tool = tmp_path / "systemd-inhibit"
    tool.write_text(_TOOL.format(told=tmp_path / "told"))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "told"


def _until_told(told: Path) -> str:
    end = time.monotonic() + 20
    while not (told.exists() and told.read_text().endswith("\n")) and time.monotonic() < end:
        time.sleep(0.01)
    return told.read_text()


def test_the_lock_is_held_until_the_end(told: Path) -> None:
    awake = Wakefulness()
    pid = awake.begin("drill x")
    assert "--what=sleep:idle --mode=block --who=Gameday --why=drill x cat" in _until_told(told)
    assert alive(pid)
    awake.end()
    assert not alive(pid)


def test_the_lock_ends_with_the_process_that_took_it(told: Path) -> None:
    code = (
        "import os; from runner.host.sleep_inhibitor import Wakefulness; print(Wakefulness().begin('x')); os._exit(0)"
    )
    pid = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    _until_told(told)
    end = time.monotonic() + 20
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    assert not alive(pid)


def test_without_the_tool_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    awake = Wakefulness()
    assert awake.begin("drill x") == 0
    awake.end()
