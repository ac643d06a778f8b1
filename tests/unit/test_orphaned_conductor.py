"""Whom the front of a run waits for, and whom not."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from runner.actuators.processes import frozen, start_time
from runner.engine.events import Event, ProcessStarted, Recorded, RunClosed
from runner.supervision import orphaned_conductor as module
from runner.supervision.orphaned_conductor import Survivor


@pytest.fixture
def guardian() -> Iterator[int]:
    process = subprocess.Popen(["sleep", "60"])
    yield process.pid
    process.kill()
    process.wait()


def _told(*events: Event) -> Survivor:
    survivor = Survivor()
    for seq, event in enumerate(events, 1):
        survivor.take(Recorded(seq, "", 0.0, "", event))
    return survivor


def _conductor(pid: int) -> ProcessStarted:
    return ProcessStarted(role="conductor", pid=pid, start_time=start_time(pid) or 0)


_CLOSED = RunClosed(ending="passed", exit_code=0)


def test_a_frozen_guardian_of_a_closed_run_is_waited_for_in_vain(
    guardian: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FROZEN", 0.0)
    os.kill(guardian, signal.SIGSTOP)
    while not frozen(guardian):
        time.sleep(0.001)
    assert not _told(_conductor(os.getpid()), _CLOSED).waits_in_vain(guardian)
    assert not _told(ProcessStarted(role="conductor", pid=guardian, start_time=1)).waits_in_vain(guardian)
    over = _told(ProcessStarted(role="conductor", pid=guardian, start_time=1), _CLOSED)
    assert over.waits_in_vain(guardian) or over.waits_in_vain(guardian)
    os.kill(guardian, signal.SIGCONT)
    while frozen(guardian):
        time.sleep(0.001)
    assert not over.waits_in_vain(guardian)


def test_one_that_puts_away_may_take_its_time_but_not_for_ever(guardian: int, monkeypatch: pytest.MonkeyPatch) -> None:
    over = _told(ProcessStarted(role="conductor", pid=guardian, start_time=1), _CLOSED)
    assert not over.waits_in_vain(guardian)
    monkeypatch.setattr(module, "_PUTTING_AWAY", -1.0)
    assert over.waits_in_vain(guardian)


def test_a_conductor_that_nobody_reaped_yet_does_not_go_on() -> None:
    dead = subprocess.Popen(["true"])
    survivor = _told(_conductor(dead.pid))
    os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)
    assert not survivor.goes_on()
    dead.wait()
