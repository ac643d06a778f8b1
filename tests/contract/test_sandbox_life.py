"""How a sandbox begins and ends: never half, and leaving nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from runner import sandbox
from runner.errors import Broken
from runner.sandbox import SandboxInfo, standing
from runner.sandbox.procfs import session_members

_PATIENCE = 30.0


def _eventually(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def _processes_of(folder: Path) -> list[str]:
    """By command line: services are forks and carry their supervisor's."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"runner.sandbox.supervisor" in command and str(folder).encode() in command:
                found.append(entry.name)
    return found


def _start(folder: Path) -> SandboxInfo:
    return sandbox.start(folder, lifeline=None, timeout=_PATIENCE)


def test_all_are_gone_when_stop_returns_and_a_second_stop_is_fine(tmp_path: Path) -> None:
    info = _start(tmp_path)
    assert sandbox.is_running(info)
    assert len(session_members(info.pid)) == 1 + len(info.services)
    assert SandboxInfo.from_json(info.to_json()) == info
    assert SandboxInfo.from_json((tmp_path / "sandbox.json").read_text()) == info
    sandbox.stop(info)
    assert session_members(info.pid) == []
    assert not sandbox.is_running(info)
    sandbox.stop(info)


def test_the_end_of_its_owner_is_its_end(tmp_path: Path) -> None:
    lifeline, owner = os.pipe()
    info = sandbox.start(tmp_path, lifeline=lifeline, timeout=_PATIENCE)
    os.close(lifeline)
    os.close(owner)
    _eventually(lambda: session_members(info.pid) == [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGKILL])
def test_a_signal_to_the_supervisor_ends_all(tmp_path: Path, number: signal.Signals) -> None:
    info = _start(tmp_path)
    os.kill(info.pid, number)
    _eventually(lambda: session_members(info.pid) == [])
    sandbox.stop(info)


def test_a_started_owner_that_ignores_interrupts_does_not_pass_that_on(tmp_path: Path) -> None:
    program = (
        "import signal, sys; from pathlib import Path; from runner import sandbox;"
        "signal.signal(signal.SIGINT, signal.SIG_IGN);"
        "print(sandbox.start(Path(sys.argv[1]), lifeline=None, timeout=30).to_json())"
    )
    told = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, check=True, text=True)
    info = SandboxInfo.from_json(told.stdout)
    assert sandbox.is_running(info), "it outlives who started it, having no lifeline"
    os.kill(info.pid, signal.SIGINT)
    _eventually(lambda: session_members(info.pid) == [])


def test_without_its_admin_address_it_ends(tmp_path: Path) -> None:
    info = _start(tmp_path)
    os.kill(info.services["admin"], signal.SIGKILL)
    _eventually(lambda: session_members(info.pid) == [])
    sandbox.stop(info)


def test_frozen_processes_are_stopped_too(tmp_path: Path) -> None:
    info = _start(tmp_path)
    os.kill(info.services["storefront"], signal.SIGSTOP)
    os.kill(info.pid, signal.SIGSTOP)
    sandbox.stop(info, timeout=2.0)
    assert session_members(info.pid) == []


def test_a_restarted_service_ends_with_the_others(tmp_path: Path) -> None:
    info = _start(tmp_path)
    with urlopen(Request(f"{info.admin}/processes/cache/restart", method="POST"), timeout=_PATIENCE):
        pass
    os.kill(info.pid, signal.SIGKILL)
    _eventually(lambda: session_members(info.pid) == [])
    sandbox.stop(info)


def test_the_starters_environment_stays_with_the_starter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGING_TOKEN", "hunter2")
    info = _start(tmp_path)
    try:
        for pid in session_members(info.pid):
            assert b"hunter2" not in Path(f"/proc/{pid}/environ").read_bytes()
    finally:
        sandbox.stop(info)


def test_another_boot_or_a_later_process_is_not_taken_for_it() -> None:
    me = SandboxInfo(
        url="", admin="", proxy="", monitor="", folder=Path("/"), pid=os.getpid(), pid_start=1, boot_id="", services={}
    )
    assert not sandbox.is_running(me)
    sandbox.stop(me)


# Failing to start


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Broken, match="cannot write to"):
        sandbox.start(tmp_path / "file" / "logs", lifeline=None)


def test_a_service_that_does_not_start_is_named_and_nothing_stays(tmp_path: Path) -> None:
    (tmp_path / "cache.log").mkdir()
    with pytest.raises(Broken, match="cache ended before it was ready"):
        sandbox.start(tmp_path, lifeline=None, timeout=_PATIENCE)
    assert _processes_of(tmp_path) == []


def test_one_that_is_not_ready_in_time_is_ended(tmp_path: Path) -> None:
    with pytest.raises(Broken, match=r"not ready within 0\.05 s"):
        sandbox.start(tmp_path, lifeline=None, timeout=0.05)
    assert _processes_of(tmp_path) == []


def test_a_cancelled_start_leaves_nothing(tmp_path: Path) -> None:
    async def impatient() -> None:
        starting = asyncio.create_task(sandbox.start_async(tmp_path, lifeline=None, timeout=_PATIENCE))
        await asyncio.sleep(0.2)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    asyncio.run(impatient())
    assert _processes_of(tmp_path) == []


def test_an_asynchronous_start_gives_the_same(tmp_path: Path) -> None:
    info = asyncio.run(sandbox.start_async(tmp_path, lifeline=None, timeout=_PATIENCE))
    assert sandbox.is_running(info), "it must not end with the thread that started it"
    sandbox.stop(info)


# On its own


def test_up_twice_down_twice(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert standing.status(state) is None
    assert standing.down(state) is False
    info, started = standing.up(state, timeout=_PATIENCE)
    try:
        assert started
        assert standing.up(state) == (info, False)
        assert standing.status(state) == info
    finally:
        assert standing.down(state) is True
    assert session_members(info.pid) == []
    assert standing.status(state) is None
    assert standing.down(state) is False


def test_a_dead_sandbox_is_not_up_and_up_starts_another(tmp_path: Path) -> None:
    first, _ = standing.up(tmp_path, timeout=_PATIENCE)
    os.kill(first.pid, signal.SIGKILL)
    _eventually(lambda: session_members(first.pid) == [])
    assert standing.status(tmp_path) is None
    second, started = standing.up(tmp_path, timeout=_PATIENCE)
    assert (started, second.pid != first.pid) == (True, True)
    standing.down(tmp_path)


def test_a_state_file_that_is_none_counts_as_down(tmp_path: Path) -> None:
    for text in ("", "{}", "[]", '{"pid": "x"}', "null"):
        (tmp_path / "sandbox.json").write_text(text)
        assert standing.status(tmp_path) is None


def test_the_state_directory_follows_the_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/var/state")
    assert standing.default_state_dir() == Path("/var/state/gameday")
    for ignored in ("", "relative"):
        monkeypatch.setenv("XDG_STATE_HOME", ignored)
        assert standing.default_state_dir() == Path.home() / ".local" / "state" / "gameday"


def test_importing_it_loads_no_server() -> None:
    program = (
        "import sys, runner.sandbox; sys.exit(any(name in sys.modules for name in ('aiohttp', 'pydantic', 'ctypes')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
