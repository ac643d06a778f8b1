"""Whatever hangs, a stop ends it, and nothing it started can act any more."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from chaos_driver import Stage, experiment, obedient, probe, process, python, workshop

from runner.actuators.chaos import (
    ActivityStartedReport,
    Armed,
    Asking,
    ChaosChild,
    ChaosReport,
    ChildGone,
    ExperimentEndedReport,
    ExperimentLoadedReport,
    MethodEndedReport,
)
from runner.actuators.processes import alive, descendants

# Far under what the hanging ones would take, far over what a busy machine adds to 0.3 s.
SOON = 10.0

HANGING: dict[str, dict[str, Any]] = {
    "command": process("hang", "sleep", "60"),
    "command in the background": process("hang", "sleep", "60", background=True),
    "command that ignores signals": process("hang", "sh", ["-c", "trap '' TERM INT HUP; sleep 60 & wait; sleep 60"]),
    "function": python("hang", "wait", {"seconds": 60}),
    "function in the background": python("hang", "wait", {"seconds": 60}, background=True),
    "function that will not stop": python("hang", "stubborn"),
}


async def stopped(stage: Stage) -> list[int]:
    began = time.monotonic()
    left = await stage.child.stop()
    assert time.monotonic() - began < SOON
    assert not stage.child.alive
    assert descendants(stage.child.origin) == []
    return left


@pytest.mark.parametrize("name", HANGING)
def test_a_stop_does_not_wait_for_what_hangs(name: str, tmp_path: Path) -> None:
    async def scene() -> dict[str, Any]:
        stage = Stage(tmp_path)
        await stage.load(
            experiment([HANGING[name], process("next", "touch", [str(tmp_path / "next")])]), env=workshop(tmp_path, "s")
        )
        await stage.until(ActivityStartedReport)
        await asyncio.sleep(0.1)
        assert await stopped(stage) == []
        assert isinstance(stage.story.reports[-1], ChildGone)
        journal: dict[str, Any] = json.loads(stage.story.journal_path.read_text())
        return journal

    journal = asyncio.run(scene())

    assert journal["status"] == "interrupted"
    assert journal["run"][0]["activity"]["name"] == "hang"
    if not HANGING[name].get("background"):
        assert not (tmp_path / "next").exists()


@pytest.mark.parametrize("where", [ExperimentLoadedReport, Armed, Asking, MethodEndedReport])
def test_a_stop_works_wherever_the_experiment_stands(where: type[ChaosReport], tmp_path: Path) -> None:
    def handler(child: ChaosChild, report: ChaosReport) -> None:
        if not isinstance(report, where):
            obedient(child, report)

    async def scene() -> None:
        stage = Stage(tmp_path, handler)
        document = experiment(
            [process("touch", "touch", [str(tmp_path / "touched")])],
            probes=[probe(process("p", "true"), 0)],
            strategy="continuously",
        )
        await stage.load(document, hold=True, env=workshop(tmp_path, "s"))
        await stage.until(where)
        await stopped(stage)

    asyncio.run(scene())

    assert (tmp_path / "touched").exists() == (where is MethodEndedReport)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_any_stopping_signal_interrupts_once_and_no_second_action_follows(
    number: signal.Signals, tmp_path: Path
) -> None:
    async def scene() -> None:
        stage = Stage(tmp_path)
        document = experiment(
            [python("hang", "wait", {"seconds": 60}), process("next", "touch", [str(tmp_path / "next")])]
        )
        await stage.load(document, env=workshop(tmp_path, "s"))
        await stage.until(ActivityStartedReport)
        for _ in range(3):
            os.kill(stage.child.pid, number)
        await stage.until(ExperimentEndedReport)
        assert stage.story.one(ExperimentEndedReport).status == "interrupted"
        await stage.close()

    asyncio.run(scene())

    assert not (tmp_path / "next").exists()


FINALIZERS = """
import gc, os, signal, time, weakref

class Held:
    pass

def interrupt(*_):
    os.kill(os.getpid(), signal.SIGTERM)

class Closes:
    def __del__(self):
        interrupt()

def finalizer():
    held = Closes()
    del held
    time.sleep(60)

def callback():
    held = Held()
    reference = weakref.ref(held, interrupt)
    del held
    time.sleep(60)

def collected():
    held = Closes()
    held.itself = held
    del held
    gc.collect()
    time.sleep(60)
"""


@pytest.mark.parametrize("func", ["finalizer", "callback", "collected"])
def test_a_stop_that_comes_while_a_finalizer_runs_is_not_lost(func: str, tmp_path: Path) -> None:
    (tmp_path / "finalizers.py").write_text(FINALIZERS)
    provider = {"type": "python", "module": "finalizers", "func": func}

    async def scene() -> None:
        stage = Stage(tmp_path)
        hangs = {"type": "action", "name": "hang", "provider": provider}
        document = experiment([hangs, process("next", "touch", [str(tmp_path / "next")])])
        await stage.load(document, env=workshop(tmp_path, "s"))
        await stage.until(ActivityStartedReport)
        async with asyncio.timeout(SOON):
            await stage.until(ExperimentEndedReport)
        assert stage.story.one(ExperimentEndedReport).status == "interrupted"
        await stage.close()

    asyncio.run(scene())

    assert not (tmp_path / "next").exists()


# Nothing is left to find one by that also dropped its environment, once the child is dead: that takes a subreaper above.
@pytest.mark.parametrize(("first_killed", "environment"), [(False, {}), (False, None), (True, None)])
def test_what_fled_its_session_and_lost_its_parent_is_found(
    first_killed: bool, environment: dict[str, str] | None, tmp_path: Path
) -> None:
    stray = tmp_path / "stray"

    async def scene() -> None:
        stage = Stage(tmp_path)
        flees = python("flees", "scatter", {"path": str(stray), "environment": environment})
        await stage.load(experiment([flees]), env=workshop(tmp_path, "s"))
        async with asyncio.timeout(60):
            while not stray.exists():
                await asyncio.sleep(0.02)
        pid = int(stray.read_text())
        assert os.getsid(pid) != stage.child.pid
        if first_killed:
            os.kill(stage.child.pid, signal.SIGKILL)
            await stage.until(ChildGone)
        assert alive(pid)
        assert await stopped(stage) == []
        assert not alive(pid)

    asyncio.run(scene())


HOLDER = """
import subprocess, time

def hold(path):
    subprocess.Popen(["sleep", "60"])
    open(path, "w").close()
    time.sleep(60)

def leave(path):
    stray = subprocess.Popen(["sleep", "60"], start_new_session=True, env={})
    open(path, "w").write(str(stray.pid))
"""


def holding(tmp_path: Path, func: str) -> dict[str, Any]:
    (tmp_path / "holder.py").write_text(HOLDER)
    provider = {"type": "python", "module": "holder", "func": func, "arguments": {"path": str(tmp_path / "held")}}
    return experiment([{"type": "action", "name": func, "provider": provider}])


def test_a_grandchild_that_holds_the_output_does_not_delay_the_news_of_the_end(tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Stage(tmp_path)
        await stage.load(holding(tmp_path, "hold"), env=workshop(tmp_path, "s"))
        async with asyncio.timeout(60):
            while not (tmp_path / "held").exists():
                await asyncio.sleep(0.02)
        began = time.monotonic()
        os.kill(stage.child.pid, signal.SIGKILL)
        await stage.until(ChildGone)
        assert time.monotonic() - began < SOON
        assert descendants(stage.child.origin) != []
        await stopped(stage)

    asyncio.run(scene())


def test_an_experiment_that_ends_by_itself_leaves_nothing_running(tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Stage(tmp_path)
        await stage.load(holding(tmp_path, "leave"), env=workshop(tmp_path, "s"))
        await stage.until(ChildGone)
        assert stage.story.one(ExperimentEndedReport).status == "completed"
        assert not alive(int((tmp_path / "held").read_text()))
        await stage.close()

    asyncio.run(scene())


def test_a_frozen_child_is_killed(tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Stage(tmp_path)
        await stage.load(experiment([process("hang", "sleep", "60")]), env=workshop(tmp_path, "s"))
        await stage.until(ActivityStartedReport)
        os.kill(stage.child.pid, signal.SIGSTOP)
        assert await stopped(stage) == []

    asyncio.run(scene())


def test_the_child_ends_when_its_parent_is_gone(tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Stage(tmp_path)
        await stage.load(experiment([python("hang", "wait", {"seconds": 60})]), env=workshop(tmp_path, "s"))
        await stage.until(ActivityStartedReport)
        stage.child._shim._socket.shutdown(2)
        await stage.until(ChildGone)
        assert stage.story.one(ChildGone).returncode == 70
        await stage.close()

    asyncio.run(scene())
