"""Watching whether the target still is the declared one, and still there, on fakes and in virtual time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from handlers_kit import fault, plan, play

from runner.engine import events as ev
from runner.engine.plan import RunPlan, StopRule, Target
from runner.specs.injection_moment import Between
from runner.testing import FakePorts, FakeRun, ProbeAnswer

URL = "http://127.0.0.1:9/id"
OURS = ProbeAnswer(value={"body": "staging"})
LOST = ProbeAnswer(ok=False, why="connection refused")
ANOTHER = ProbeAnswer(ok=False, value={"body": "production"}, why="it is production")


def standing(*stop_when: StopRule, **more: Any) -> RunPlan:
    """A drill on a target that says who it is."""
    identity: dict[str, Any] = {"provider": {"type": "http", "url": URL}, "tolerance": 200}
    target = Target(name="staging", kind="http", environment="staging", url="http://127.0.0.1:9", identity=identity)
    return plan(fault(**more), target=target, stop_when=stop_when)


@pytest.mark.parametrize(("answer", "refused"), [(OURS, False), (LOST, False), (ANOTHER, True)])
def test_one_lost_answer_refuses_no_fault_and_another_target_does(
    tmp_path: Path, answer: ProbeAnswer, refused: bool
) -> None:
    ports = FakePorts(answers={URL: OURS})

    async def story(run: FakeRun) -> None:
        await run.until_phase("live")
        ports.answers[URL] = answer
        await run.until(lambda: run.of(ev.FaultIntended) or run.of(ev.EndDecided))
        assert bool(run.of(ev.FaultIntended)) is not refused
        if refused:
            assert run.of(ev.EndDecided)[0].cause == "refused"
            assert "it is production" in run.of(ev.EndDecided)[0].why

    play(tmp_path, standing(inject=Between(0.5, 0.6)), story, ports)


def test_a_target_that_is_silent_for_too_long_before_the_first_fault_refuses_it(tmp_path: Path) -> None:
    ports = FakePorts(answers={URL: OURS})

    async def story(run: FakeRun) -> None:
        await run.until_phase("warm-up")
        ports.answers[URL] = LOST
        failed = await run.until_seen(ev.EndDecided, within=20)
        assert failed.cause == "refused"
        assert not run.of(ev.FaultIntended)

    play(tmp_path, standing(), story, ports)


def test_once_a_fault_is_in_what_the_target_says_is_not_held_against_it(tmp_path: Path) -> None:
    ports = FakePorts(answers={URL: OURS})

    async def story(run: FakeRun) -> None:
        await run.until_seen(ev.FaultIntended)
        ports.answers[URL] = ANOTHER
        await run.until_phase("debrief")
        assert run.of(ev.EndDecided)[0].cause != "refused"

    play(tmp_path, standing(), story, ports)


def test_a_drill_that_stops_when_its_target_is_gone_is_told_when_it_goes_and_comes_back(tmp_path: Path) -> None:
    ports = FakePorts(answers={URL: OURS})

    async def story(run: FakeRun) -> None:
        await run.until_seen(ev.FaultIntended)
        ports.answers[URL] = LOST
        assert "connection refused" in (await run.until_seen(ev.TargetLost, within=2)).why
        ports.answers[URL] = OURS
        await run.until_seen(ev.TargetFound, within=2)
        ports.answers[URL] = LOST
        end = await run.until_seen(ev.EndDecided, within=15)
        assert end.cause == "stopped"
        assert len(run.of(ev.TargetLost)) == 2

    play(tmp_path, replace(standing(StopRule(target="gone", lasting=5.0)), impact_within=60.0), story, ports)


def test_a_sandbox_whose_process_ended_is_gone_without_being_asked(tmp_path: Path) -> None:
    async def story(run: FakeRun) -> None:
        await run.until_phase("warm-up")
        run.ports.target.ended = True
        lost = await run.until_seen(ev.TargetLost, within=3)
        assert lost.why == "its process has ended"

    play(tmp_path, plan(fault(), stop_when=(StopRule(target="gone", lasting=5.0),)), story)
