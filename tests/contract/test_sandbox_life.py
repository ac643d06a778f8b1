"""How a sandbox begins and ends: never half, and leaving nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from runner import sandbox
from runner.actuators.processes import session_members
from runner.errors import Broken
from runner.sandbox import SandboxInfo, standalone

_PATIENCE = 30.0


def _eventually(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def _processes_of(folder: Path) -> list[int]:
    """By command line: services are forks and carry their supervisor's."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"runner.sandbox.supervisor" in command and any(part.startswith(bytes(folder)) for part in command):
                found.append(int(entry.name))
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Whatever a failing test leaves running on it is ended."""
    yield tmp_path
    for pid in _processes_of(tmp_path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _start(folder: Path) -> SandboxInfo:
    return sandbox.start(folder, lifeline=None, timeout=_PATIENCE)


def test_all_are_gone_when_stop_returns_and_a_second_stop_is_fine(folder: Path) -> None:
    info = _start(folder)
    assert sandbox.is_running(info)
    assert len(session_members(info.pid)) == 1 + len(info.services)
    assert SandboxInfo.from_json(info.to_json()) == info
    assert SandboxInfo.from_json((folder / "sandbox.json").read_text()) == info
    sandbox.stop(info)
    assert session_members(info.pid) == []
    assert not sandbox.is_running(info)
    sandbox.stop(info)


def test_the_end_of_its_owner_is_its_end(folder: Path) -> None:
    lifeline, owner = os.pipe()
    info = sandbox.start(folder, lifeline=lifeline, timeout=_PATIENCE)
    os.close(lifeline)
    os.close(owner)
    _eventually(lambda: session_members(info.pid) == [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGKILL])
def test_a_signal_to_the_supervisor_ends_all(folder: Path, number: signal.Signals) -> None:
    info = _start(folder)
    os.kill(info.pid, number)
    _eventually(lambda: session_members(info.pid) == [])
    sandbox.stop(info)


def test_a_started_owner_that_ignores_interrupts_does_not_pass_that_on(folder: Path) -> None:
    program = (
        "import signal, sys; from pathlib import Path; from runner import sandbox;"
        "signal.signal(signal.SIGINT, signal.SIG_IGN);"
        "print(sandbox.start(Path(sys.argv[1]), lifeline=None, timeout=30).to_json())"
    )
    told = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, check=True, text=True)
    info = SandboxInfo.from_json(told.stdout)
    assert sandbox.is_running(info), "it outlives who started it, having no lifeline"
    os.kill(info.pid, signal.SIGINT)
    _eventually(lambda: session_members(info.pid) == [])


def test_without_its_admin_address_it_ends(folder: Path) -> None:
    info = _start(folder)
    os.kill(info.services["admin"], signal.SIGKILL)
    _eventually(lambda: session_members(info.pid) == [])
    sandbox.stop(info)


def test_frozen_processes_are_stopped_too(folder: Path) -> None:
    info = _start(folder)
    os.kill(info.services["storefront"], signal.SIGSTOP)
    os.kill(info.pid, signal.SIGSTOP)
    sandbox.stop(info, timeout=2.0)
    assert session_members(info.pid) == []


def test_a_restarted_service_ends_with_the_others(folder: Path) -> None:
    info = _start(folder)
    with urlopen(Request(f"{info.admin}/processes/cache/restart", method="POST"), timeout=_PATIENCE):
        pass
    os.kill(info.pid, signal.SIGKILL)
    _eventually(lambda: session_members(info.pid) == [])
    sandbox.stop(info)


def test_the_starters_environment_stays_with_the_starter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGING_TOKEN", "hunter2")
    info = _start(folder)
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


def test_a_folder_that_cannot_be_made_is_said_so(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(Broken, match="cannot write to"):
        sandbox.start(folder / "file" / "logs", lifeline=None)


def test_a_service_that_does_not_start_is_named_and_nothing_stays(folder: Path) -> None:
    (folder / "cache.log").mkdir()
    with pytest.raises(Broken, match="cache ended before it was ready"):
        sandbox.start(folder, lifeline=None, timeout=_PATIENCE)
    assert _processes_of(folder) == []


def test_one_that_is_not_ready_in_time_is_ended(folder: Path) -> None:
    with pytest.raises(Broken, match=r"not ready within 0\.05 s"):
        sandbox.start(folder, lifeline=None, timeout=0.05)
    assert _processes_of(folder) == []


def test_a_cancelled_start_leaves_nothing(folder: Path) -> None:
    async def impatient() -> None:
        starting = asyncio.create_task(sandbox.start_async(folder, lifeline=None, timeout=_PATIENCE))
        await asyncio.sleep(0.2)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    asyncio.run(impatient())
    assert _processes_of(folder) == []


def test_an_asynchronous_start_gives_the_same(folder: Path) -> None:
    info = asyncio.run(sandbox.start_async(folder, lifeline=None, timeout=_PATIENCE))
    assert sandbox.is_running(info), "it must not end with the thread that started it"
    sandbox.stop(info)


# On its own


def test_up_twice_down_twice(folder: Path) -> None:
    state = folder / "state"
    assert standalone.status(state) is None
    assert standalone.down(state) is False
    info, started = standalone.up(state, timeout=_PATIENCE)
    try:
        assert started
        assert standalone.up(state) == (info, False)
        assert standalone.status(state) == info
    finally:
        assert standalone.down(state) is True
    assert session_members(info.pid) == []
    assert standalone.status(state) is None
    assert standalone.down(state) is False


def test_a_dead_sandbox_is_not_up_and_up_starts_another(folder: Path) -> None:
    first, _ = standalone.up(folder, timeout=_PATIENCE)
    os.kill(first.pid, signal.SIGKILL)
    _eventually(lambda: session_members(first.pid) == [])
    assert standalone.status(folder) is None
    second, started = standalone.up(folder, timeout=_PATIENCE)
    assert (started, second.pid != first.pid) == (True, True)
    standalone.down(folder)


def test_a_state_file_that_is_none_counts_as_down(folder: Path) -> None:
    for text in ("", "{}", "[]", '{"pid": "x"}', "null"):
        (folder / "sandbox.json").write_text(text)
        assert standalone.status(folder) is None


def test_importing_it_loads_no_server() -> None:
    program = (
        "import sys, runner.sandbox; sys.exit(any(name in sys.modules for name in ('aiohttp', 'pydantic', 'ctypes')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
