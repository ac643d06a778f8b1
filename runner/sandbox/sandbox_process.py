"""Starting and stopping a sandbox from outside. Light to import: no server code is loaded here."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from runner.actuators.processes import alive, session_members, start_time
from runner.clock import boottime_ns
from runner.errors import Broken
from runner.host.boot_id import boot_id
from runner.sandbox.info import SandboxInfo

#: What the sandbox needs of its starter's environment; the rest may hold secrets.
_ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "LANG", "LC_ALL", "TMPDIR", "HOME")

_LOG_TAIL = 2000
#: Seconds until every service answers. It takes two; a machine that is busy with other things may take many more.
_READY = 60.0

#: Supervisors started by this process: it has to reap them.
_started: dict[int, subprocess.Popen[bytes]] = {}


def start(folder: Path, *, lifeline: int | None, timeout: float = _READY) -> SandboxInfo:
    """Starts a sandbox and waits until every service answers.

    `folder` takes logs and is made when missing. `lifeline` is the read end of a pipe: the sandbox ends when its last
    write end is closed; None: it goes on until `stop`. `timeout` in seconds. Raises `Broken`; then nothing is left.
    """
    try:
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        log = (folder / "supervisor.log").open("ab")
    except OSError as error:
        raise Broken(f"the sandbox cannot write to {folder}: {error.strerror}") from error
    report, report_end = os.pipe()
    with log:
        try:
            supervisor = _spawn(folder, lifeline, report_end, log.fileno())
        except OSError as error:
            os.close(report)
            raise Broken(f"the sandbox cannot be started: {error.strerror}") from error
        finally:
            os.close(report_end)
    try:
        info = _await_report(report, folder, timeout)
    except BaseException:
        _end(supervisor)
        raise
    finally:
        os.close(report)
    _started[supervisor.pid] = supervisor
    return info


async def start_async(folder: Path, *, lifeline: int | None, timeout: float = _READY) -> SandboxInfo:
    """`start` for a caller with an event loop. Cancelled, it ends what it began."""
    starting = asyncio.ensure_future(asyncio.to_thread(start, folder, lifeline=lifeline, timeout=timeout))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # The thread cannot be called back: wait for it, then undo it.
        try:
            info = await starting
        except Broken:
            raise asyncio.CancelledError from None
        await asyncio.to_thread(stop, info)
        raise


def is_running(info: SandboxInfo) -> bool:
    """Is this very supervisor, in this boot, still there?"""
    return info.boot_id == boot_id() and start_time(info.pid) == info.pid_start and alive(info.pid)


def stop(info: SandboxInfo, timeout: float = 5.0) -> None:
    """Ends the sandbox; on return none of its processes is left. Does nothing when it is gone already.

    Raises `Broken` when processes survive `timeout` seconds.
    """
    if info.boot_id != boot_id():
        return
    deadline = _now() + timeout
    if is_running(info):
        _signal(info, signal.SIGTERM)
        if not _wait_until_gone(info, min(deadline, _now() + timeout / 2)):
            # Frozen or stuck. Its services die with it.
            _signal(info, signal.SIGKILL)
            _wait_until_gone(info, deadline)
    if supervisor := _started.pop(info.pid, None):
        supervisor.wait()
    while left := session_members(info.pid):
        if _now() > deadline:
            raise Broken(f"the sandbox left processes behind: {', '.join(map(str, left))}")
        time.sleep(0.01)


def _spawn(folder: Path, lifeline: int | None, report: int, log: int) -> subprocess.Popen[bytes]:
    # -P: a folder called `runner` where the user stands must not be taken for this package.
    command = [
        sys.executable,
        "-P",
        "-m",
        "runner.sandbox.supervisor",
        "--folder",
        str(folder),
        "--report",
        str(report),
    ]
    if lifeline is not None:
        command += ["--lifeline", str(lifeline)]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        pass_fds=[report] if lifeline is None else [report, lifeline],
        start_new_session=True,
    )


def _await_report(report: int, folder: Path, timeout: float) -> SandboxInfo:
    text = b""
    deadline = _now() + timeout
    while not text.endswith(b"\n"):
        if not select.select([report], [], [], max(deadline - _now(), 0))[0]:
            raise Broken(f"the sandbox was not ready within {timeout:g} s; its logs are in {folder}")
        part = os.read(report, 1 << 16)
        if not part:
            raise Broken(f"the sandbox ended before it was ready{_tail(folder / 'supervisor.log')}")
        text += part
    said = json.loads(text)
    if "error" in said:
        raise Broken(f"the sandbox: {said['error']}{_tail(folder / (said['service'] + '.log'))}")
    return SandboxInfo.from_json(said["info"])


def _tail(log: Path) -> str:
    try:
        lines = log.read_bytes()[-_LOG_TAIL:].decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return f": {lines[-1]} (more in {log})" if lines else f" (its log, {log}, is empty)"


def _end(supervisor: subprocess.Popen[bytes]) -> None:
    supervisor.kill()
    supervisor.wait()
    deadline = _now() + 5.0
    while session_members(supervisor.pid) and _now() < deadline:
        time.sleep(0.01)


def _signal(info: SandboxInfo, number: signal.Signals) -> None:
    try:
        descriptor = os.pidfd_open(info.pid)
    except ProcessLookupError:
        return
    try:
        # The descriptor holds the process fast; only now is it certain to be the one that was meant.
        if is_running(info):
            signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        pass
    finally:
        os.close(descriptor)


def _wait_until_gone(info: SandboxInfo, deadline: float) -> bool:
    while is_running(info):
        if _now() > deadline:
            return False
        time.sleep(0.01)
    return True


def _now() -> float:
    return boottime_ns() / 1e9
