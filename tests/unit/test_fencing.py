"""Whom a fence leaves alone."""

from __future__ import annotations

import subprocess
import uuid

import pytest

from runner.actuators.processes import MARK
from runner.undo import fencing
from runner.undo.fencing import RUN, Spared, fence_strays, of_steps, outlives


def test_a_number_that_went_to_another_process_is_spared_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    started = {7: 500, 8: 500}
    monkeypatch.setattr(fencing, "start_time", started.get)
    spared = Spared()
    spared.add(7)
    spared.add(8)
    spared.add(9)
    assert spared.living() == {7, 8}
    started[7] = 900
    del started[8]
    started[9] = 900
    assert spared.living() == set()


def test_what_a_step_left_outlives_the_conductor_and_what_it_still_does_does_not() -> None:
    command = ["sleep", "60"]
    steps = {step: subprocess.Popen(command, env={MARK: f"run/{step}/2"}) for step in ("over", "going")}
    other = subprocess.Popen(command, env={MARK: "another/over/1"})
    try:
        pids = {step: process.pid for step, process in steps.items()}
        assert of_steps("run", [*pids.values(), other.pid]) == {pid: step for step, pid in pids.items()}
        assert outlives("run", 0, {"going"}) == {pids["over"]}
        assert outlives("run", 0, None) == set()
    finally:
        for process in (*steps.values(), other):
            process.kill()
            process.wait()


def test_recovering_ends_the_step_that_nobody_tends_and_leaves_what_the_others_left() -> None:
    run = f"run-{uuid.uuid4()}"
    begun = {
        step: subprocess.Popen(["sleep", "60"], env={RUN: run, MARK: f"{run}/{step}/1"}) for step in ("over", "going")
    }
    try:
        assert fence_strays(run, {"going"}) == (begun["going"].pid,)
        assert begun["going"].wait(10) < 0
        assert begun["over"].poll() is None
        assert fence_strays(run, None) == (begun["over"].pid,)
    finally:
        for process in begun.values():
            process.kill()
            process.wait()
