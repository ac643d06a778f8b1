"""A rollback restores what was, whatever is in its way, and within its deadline."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from background_services import goes_on, left_running, start_script
from chaos_driver import experiment, http, process, python, run_rollback, workshop

from runner.actuators.journal import merge_rollbacks
from runner.actuators.processes import alive
from runner.actuators.rollback import RollbackChild, RollbackOrder, RollbackResult
from runner.clock import boottime_ns
from runner.errors import Broken
from runner.redact import MASK

SECRET = "the-secret-of-the-day"


def order(
    tmp_path: Path,
    rollbacks: list[dict[str, Any]],
    *,
    known: dict[str, Any] | None = None,
    index: int = 0,
    env: dict[str, str] | None = None,
    **document: Any,
) -> RollbackOrder:
    return RollbackOrder(
        experiment=experiment([process("m", "true")], rollbacks, **document),
        index=index,
        configuration=known or {},
        origin=boottime_ns(),
        env=workshop(tmp_path, "undo") | {"TOKEN": SECRET} | (env or {}),
        redact=[SECRET],
    )


def undo(wanted: RollbackOrder, tmp_path: Path, deadline: float = 60) -> RollbackResult:
    return asyncio.run(run_rollback(wanted, deadline=deadline, log=tmp_path / "log"))


def probed(value: str) -> dict[str, Any]:
    return {"type": "probe", "name": "p", "provider": {"type": "process", "path": "echo", "arguments": value}}


def test_what_a_probe_read_before_the_fault_is_not_read_again(tmp_path: Path) -> None:
    result = undo(
        order(
            tmp_path,
            [process("scale", "echo", ["${replicas}", "${name}"])],
            known={"replicas": 3, "name": "old"},
            configuration={"replicas": probed("0"), "name": {"type": "env", "key": "STATE"}},
        ),
        tmp_path,
    )

    assert result.ok
    assert result.output["stdout"] == "3 old\n"
    assert result.activity is not None
    assert result.activity["status"] == "succeeded"
    assert result.started is not None
    assert result.t is not None
    assert result.started <= result.t


def test_a_masked_value_is_read_again_from_its_source(tmp_path: Path) -> None:
    result = undo(
        order(
            tmp_path,
            [process("check", "sh", ["-c", 'test "$0" = "$TOKEN"', "${key}"])],
            known={"key": MASK},
            configuration={"key": {"type": "env", "key": "TOKEN"}},
        ),
        tmp_path,
    )

    assert result.ok


def test_a_masked_value_that_a_probe_read_is_named_and_never_used(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    source = {"key": probed("something else")}
    needs = process("needs it", "touch", [str(marker), "${key}"])

    refused = undo(order(tmp_path, [needs], known={"key": f"a {MASK}"}, configuration=source), tmp_path)
    works = undo(
        order(tmp_path, [process("does not", "true")], known={"key": f"a {MASK}"}, configuration=source), tmp_path
    )

    assert refused.status == "failed"
    assert "key" in refused.exception
    assert not marker.exists()
    assert works.ok
    assert works.lacking == ("key",)


def test_secrets_are_read_again_and_one_that_is_gone_keeps_no_other_away(tmp_path: Path) -> None:
    secrets = {"api": {"token": {"type": "env", "key": "TOKEN"}}, "old": {"gone": {"type": "env", "key": "NOT_SET"}}}
    rollback = python("knows", "told", {"expect": "${token}"}, provider={"secrets": ["api"]})

    result = undo(order(tmp_path, [rollback], secrets=secrets), tmp_path)

    assert (result.status, result.output) == ("succeeded", True)
    assert "gone" in result.lacking
    assert SECRET not in repr(result)
    assert SECRET not in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("rollback", "status", "ok", "says"),
    [
        (process("wrong", "false"), "succeeded", False, "exited with 1"),
        (process("wrong at length", "sh", ["-c", "seq 9999; echo no way >&2; exit 3"]), "succeeded", False, "exited with 3: no way"),
        (process("killed", "sh", ["-c", "kill -9 $$"]), "succeeded", False, "was killed by SIGKILL"),
        (python("denies", "answer", {"value": False}), "succeeded", False, "gave back false"),
        (python("has failed", "answer", {"value": {"status": "failed"}}), "succeeded", False, "the status 'failed'"),
        (python("had nothing to do", "answer", {"value": []}), "succeeded", True, ""),
        (python("ends its process", "end_process"), "failed", False, "SystemExit: 3"),
        (process("missing", "no-such-command"), "failed", False, "TypeError"),
        (python("breaks", "fail"), "failed", False, "it broke"),
        (python("says no", "answer", {"value": {"status": 1}}), "succeeded", True, ""),
        (http("nobody", "http://127.0.0.1:1/"), "failed", False, "connect"),
        ({"type": "action", "name": "x", "provider": {"type": "python", "module": "nowhere", "func": "f"}}, "failed", False, "nowhere"),
    ],
)  # fmt: skip
def test_a_rollback_that_fails_says_so(
    rollback: dict[str, Any], status: str, ok: bool, says: str, tmp_path: Path
) -> None:
    result = undo(order(tmp_path, [rollback]), tmp_path)

    assert (result.status, result.ok) == (status, ok)
    assert says in f"{result.exception}{result.failure}"
    assert "\n" not in f"{result.exception}{result.failure}"
    assert result.activity is not None
    assert result.activity["status"] == status
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_control_cannot_keep_a_rollback_from_running(tmp_path: Path) -> None:
    marker = tmp_path / "undone"
    controls = [{"name": "ctrl", "provider": {"type": "python", "module": "ctrl", "arguments": {"stop_at": "undo"}}}]

    result = undo(order(tmp_path, [process("undo", "touch", [str(marker)])], controls=controls), tmp_path)

    assert result.ok
    assert marker.exists()
    assert "before undo" in (tmp_path / "undo" / "notes").read_text()


def test_pauses_are_kept_and_not_counted(tmp_path: Path) -> None:
    began = time.monotonic()

    result = undo(order(tmp_path, [process("undo", "true", pauses={"before": 0.5, "after": 0.5})]), tmp_path)

    assert time.monotonic() - began >= 1
    assert result.duration is not None
    assert result.started is not None
    assert result.started >= 0.5


def test_after_its_deadline_it_is_killed_with_all_it_started(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {pid_file}; wait"

    result = undo(order(tmp_path, [process("hangs", "sh", ["-c", script])]), tmp_path, deadline=4)

    assert (result.status, result.ok) == ("timed-out", False)
    assert "4 s" in result.exception
    assert result.started is not None
    assert not alive(int(pid_file.read_text()))


def test_a_service_that_a_rollback_brings_back_stays(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"sleep 60 >/dev/null 2>&1 & echo $! > {pid_file}"

    # Whoever undoes has its signals masked, and a mask is inherited through everything that is started.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})
    try:
        result = undo(order(tmp_path, [process("start", "sh", ["-c", script])]), tmp_path)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    pid = int(pid_file.read_text())
    status = Path(f"/proc/{pid}/status").read_text()
    os.kill(pid, signal.SIGTERM)
    assert result.ok
    ignored_or_blocked = [line.split()[1] for line in status.splitlines() if line.startswith(("SigBlk", "SigIgn"))]
    assert all(int(mask, 16) & (1 << (signal.SIGTERM - 1)) == 0 for mask in ignored_or_blocked)


def test_signals_and_the_loss_of_the_parent_do_not_end_it(tmp_path: Path) -> None:
    marker = tmp_path / "undone"

    async def scene() -> None:
        child = RollbackChild.spawn(log=tmp_path / "log")
        wanted = order(tmp_path, [process("slow", "sh", ["-c", f"sleep 1; touch {marker}"])])
        running = asyncio.create_task(child.run(wanted, deadline=60))
        async with asyncio.timeout(60):
            while child._started is None:
                await asyncio.sleep(0.02)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            os.kill(child.pid, number)
        child._shim._socket.shutdown(2)
        result = await running
        assert result.status == "broken"

    asyncio.run(scene())

    assert marker.exists()


def test_a_rollback_whose_process_dies_is_broken(tmp_path: Path) -> None:
    async def scene() -> RollbackResult:
        child = RollbackChild.spawn()
        os.kill(child.pid, signal.SIGKILL)
        return await child.run(order(tmp_path, [process("undo", "true")]), deadline=60)

    result = asyncio.run(scene())

    assert (result.status, result.ok) == ("broken", False)
    assert "-9" in result.exception


@pytest.mark.parametrize("how", ["", "nohup", "setsid"])
@pytest.mark.parametrize("provider", ["process", "python"])
def test_a_rollback_is_over_when_its_own_command_is_and_what_it_started_goes_on(
    provider: str, how: str, tmp_path: Path
) -> None:
    script = start_script(tmp_path / "pid", how)
    starts = process("start", "sh", ["-c", script])
    if provider == "python":
        starts = python("start", "shell", {"script": script})

    result = undo(order(tmp_path, [starts]), tmp_path, deadline=25)

    assert (result.ok, result.exception) == (True, "")
    with left_running(tmp_path / "pid") as pid:
        assert goes_on(pid)


@pytest.mark.parametrize(
    ("pauses", "told"),
    [
        ({}, []),
        ({"before": 0.01}, [0.01]),
        ({"after": 0.02}, [0.02]),
        ({"before": 0.01, "after": "${long}"}, [0.01, 0.03]),
    ],
)
def test_each_pause_is_told_before_it_begins(
    pauses: dict[str, Any], told: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_off: list[float] = []
    monkeypatch.setattr(RollbackChild, "_put_off", lambda _self, seconds: put_off.append(seconds))

    result = undo(order(tmp_path, [process("undo", "true", pauses=pauses)], known={"long": 0.03}), tmp_path)

    assert result.ok
    assert put_off == told


def test_a_pause_after_the_work_gives_the_work_no_more_time(tmp_path: Path) -> None:
    wanted = order(tmp_path, [process("undo", "sleep", "60", pauses={"after": 60})])

    result = undo(wanted, tmp_path, deadline=2)

    assert result.status == "timed-out"


def test_rollbacks_join_the_kept_journal(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    path.write_text(json.dumps({"status": "completed", "rollbacks": []}))

    assert merge_rollbacks(path, [{"status": "succeeded"}, None, {"status": "failed"}])
    assert json.loads(path.read_text()) == {
        "status": "completed",
        "rollbacks": [{"status": "succeeded"}, {"status": "failed"}],
    }
    assert path.stat().st_mode & 0o777 == 0o600
    assert not merge_rollbacks(tmp_path / "none.json", [])
    path.write_text("{")
    with pytest.raises(Broken, match="not JSON"):
        merge_rollbacks(path, [])


@pytest.mark.parametrize("whom", ["its process", "its command"])
def test_a_rollback_that_somebody_froze_goes_on(whom: str, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"echo $$ > {pid_file}; while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"

    async def scene() -> RollbackResult:
        child = RollbackChild.spawn(log=tmp_path / "log")
        wanted = order(tmp_path, [process("slow", "sh", ["-c", script])])
        running = asyncio.create_task(child.run(wanted, deadline=60))
        async with asyncio.timeout(60):
            while not (pid_file.exists() and pid_file.read_text()):
                await asyncio.sleep(0.02)
            pid = child.pid if whom == "its process" else int(pid_file.read_text())
            os.kill(pid, signal.SIGSTOP)
            (tmp_path / "go").touch()
            return await running

    assert asyncio.run(scene()).ok


def test_a_rollback_that_is_frozen_again_and_again_meets_its_deadline(tmp_path: Path) -> None:
    async def scene() -> tuple[RollbackResult, int]:
        child = RollbackChild.spawn(log=tmp_path / "log")
        running = asyncio.create_task(child.run(order(tmp_path, [process("undo", "sleep", "60")]), deadline=2))
        while not running.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGSTOP)
            await asyncio.sleep(0.01)
        return running.result(), child.pid

    result, pid = asyncio.run(scene())

    assert result.status == "timed-out"
    assert not alive(pid)
