"""What must hold before a run goes on, on fakes and in virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from handlers_kit import check, fault, plan, play

from runner.engine import events as ev
from runner.engine.plan import Load, Target
from runner.testing import ExperimentLife, FakePorts, FakeRun, ProbeAnswer

UP = "http://127.0.0.1:8000/up"


def needs(run: FakeRun) -> dict[str, tuple[bool, str]]:
    return {need.name: (need.met, need.why) for need in run.of(ev.NeedChecked)}


def test_the_target_is_found_then_the_needs_then_the_experiments(tmp_path: Path) -> None:
    async def story(run: FakeRun) -> None:
        await run.until_phase("warm-up")
        (ready,) = run.of(ev.TargetReady)
        assert (ready.url, dict(ready.vars)) == (run.ports.target.url, dict(run.ports.target.vars))
        assert needs(run) == {"the shop is up": (True, ""), "it is undone": (True, "")}
        kinds = run.kinds()
        assert kinds.index("target-ready") < kinds.index("need-checked") < kinds.index("phase-entered", 3)
        # The sandbox is the target, not the run: no fence may kill it.
        assert {"spare": [run.ports.target.pid]} in run.guardian.receive()

    undone = check("it is undone", "http://127.0.0.1:8000/undone")
    play(tmp_path, plan(fault(undone_when=(undone,)), needs=(check("the shop is up", UP),)), story)


@pytest.mark.parametrize("which", ["needs", "undone_when"])
def test_a_need_that_does_not_hold_keeps_everything_from_beginning(tmp_path: Path, which: str) -> None:
    async def story(run: FakeRun) -> None:
        assert (await run.until_seen(ev.EndDecided)).cause == "refused"
        met, why = needs(run)["the shop is up"]
        assert not met
        assert "it answers 503" in why
        await run.until_phase("debrief")
        assert not run.of(ev.LoadStarted)
        assert not run.of(ev.FaultIntended)

    ports = FakePorts(answers={UP: ProbeAnswer(ok=False, why="it answers 503")})
    play(tmp_path, plan(fault(), **{which: (check("the shop is up", UP),)}), story, ports)


@pytest.mark.parametrize(("after", "met"), [(4.0, True), (9.0, False)])
def test_a_sandbox_that_still_settles_has_five_seconds(tmp_path: Path, after: float, met: bool) -> None:
    async def story(run: FakeRun) -> None:
        assert (await run.until_seen(ev.NeedChecked)).met is met

    ports = FakePorts(answers={UP: lambda t: ProbeAnswer(ok=t >= after, why="not yet")})
    play(tmp_path, plan(needs=(check("the shop is up", UP),)), story, ports)


def test_a_target_that_does_not_come_up_refuses_the_run_by_its_name(tmp_path: Path) -> None:
    async def story(run: FakeRun) -> None:
        end = await run.until_seen(ev.EndDecided)
        assert (end.cause, end.why) == ("refused", "target sandbox: no port is free")
        assert not run.ports.injectors

    play(tmp_path, plan(fault()), story, FakePorts(target_fails="no port is free"))


def test_a_load_that_goes_elsewhere_is_refused(tmp_path: Path) -> None:
    async def story(run: FakeRun) -> None:
        end = await run.until_seen(ev.EndDecided)
        assert end.cause == "refused"
        assert "shop.example.com" in end.why
        assert run.ports.load.plan is None

    load = Load(locustfile="locustfile.py", host="http://shop.example.com", users=4)
    play(tmp_path, plan(fault(), load=load), story)


def test_an_experiment_that_never_answers_is_given_a_minute(tmp_path: Path) -> None:
    async def story(run: FakeRun) -> None:
        end = await run.until_seen(ev.EndDecided)
        assert (end.cause, end.why) == ("refused", "gateway-errors did not load within 60 s")
        assert run.context.clock.now() == pytest.approx(60, abs=2)

    ports = FakePorts(lives=[ExperimentLife(silent=True)])
    play(tmp_path, plan(fault(), time_box=600.0), story, ports)


@pytest.mark.parametrize("name", ["production", "staging"])
def test_a_target_that_stands_is_asked_who_it_is(tmp_path: Path, name: str) -> None:
    identity: dict[str, Any] = {"provider": {"type": "http", "url": "http://127.0.0.1:9/id"}, "tolerance": 200}
    target = Target(
        name="staging", kind="http", environment="staging", url="http://127.0.0.1:9", identity=identity, vars={"a": "b"}
    )

    async def story(run: FakeRun) -> None:
        checked = await run.until_seen(ev.NeedChecked)
        assert checked.met is (name == "staging")
        assert run.of(ev.TargetReady)[0].url == "http://127.0.0.1:9"
        assert run.context.vars == {"a": "b"}

    answer = ProbeAnswer(ok=name == "staging", value={"body": name}, why=f"it is {name}")
    play(tmp_path, plan(fault(), target=target), story, FakePorts(answers={"http://127.0.0.1:9/id": answer}))
