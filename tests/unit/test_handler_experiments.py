"""A run's experiments, from their loading to their end, on fake injectors and in virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from handlers_kit import DOCUMENT, action, fault, plan, play

from runner.engine import events as ev
from runner.engine.commands import Abort
from runner.engine.plan import Target
from runner.specs.injection_moment import Between, OnCommand
from runner.testing import ExperimentLife, FakeAction, FakePorts, FakeRun, ProbeAnswer


def fault_kinds(run: FakeRun) -> list[str]:
    kinds = ("experiment-", "fault-", "activity-", "method-", "injection-")
    return [kind for kind in run.kinds() if kind.startswith(kinds)]


def test_a_fault_is_intended_before_it_acts_and_undone_at_the_end(tmp_path: Path) -> None:
    async def story(run: FakeRun) -> None:
        await run.until_phase("debrief")
        assert fault_kinds(run) == [
            "experiment-loaded",
            "experiment-armed",
            "injection-ordered",
            "fault-intended",
            "activity-started",
            "activity-ended",
            "method-ended",
            "experiment-ended",
            "fault-undone",
        ]
        (injector,) = run.ports.injectors
        assert injector.ran == ["break it"]
        assert not injector.alive

    play(tmp_path, plan(fault()), story)


def test_it_is_loaded_with_its_document_its_log_and_no_secret_of_others(tmp_path: Path) -> None:
    async def story(run: FakeRun) -> None:
        await run.until_seen(ev.ExperimentLoaded)
        loaded = run.ports.injectors[0].plan
        assert loaded is not None
        assert loaded.experiment == DOCUMENT
        assert loaded.journal == tmp_path / "journal-gateway-errors.json"
        assert loaded.hold
        assert loaded.control_deadline == 7.0
        assert "OTHER" not in loaded.env
        assert loaded.env["GAMEDAY_RUN"] == "r1"
        # Each is masked, whoever may use it.
        assert "hunter2-secret" in loaded.secrets

    play(tmp_path, plan(fault(control_deadline=7.0)), story, secrets={"OTHER": "hunter2-secret"})


def test_a_document_that_cannot_be_loaded_refuses_the_run(tmp_path: Path) -> None:
    async def story(run: FakeRun) -> None:
        failed = await run.until_seen(ev.ExperimentFailed)
        assert failed.why == "no module named shop"
        await run.until_phase("debrief")
        assert not run.of(ev.FaultIntended)

    play(tmp_path, plan(fault()), story, FakePorts(lives=[ExperimentLife(cannot_load="no module named shop")]))


def test_a_hypothesis_that_does_not_hold_before_keeps_the_fault_out(tmp_path: Path) -> None:
    async def story(run: FakeRun) -> None:
        checked = await run.until_seen(ev.HypothesisChecked)
        assert (checked.when, checked.met) == ("before", False)
        await run.until_phase("debrief")
        assert not run.of(ev.FaultIntended)

    play(tmp_path, plan(fault()), story, FakePorts(lives=[ExperimentLife(steady=False)]))


def test_a_configuration_without_a_value_refuses_the_fault(tmp_path: Path) -> None:
    asking = {**action(), "provider": {"type": "http", "url": "http://127.0.0.1:8001/${host}"}}
    configuration = {"host": {"type": "probe", "name": "find it", "provider": {}}}
    document = {**DOCUMENT, "configuration": configuration, "method": [asking]}

    async def story(run: FakeRun) -> None:
        refused = await run.until_seen(ev.FaultRefused)
        assert (refused.name, refused.index) == ("configuration 'host'", -1)
        assert "its probe gave no value" in refused.why
        assert (await run.until_seen(ev.EndDecided)).cause == "refused"
        assert not run.ports.injectors[0].ran

    life = ExperimentLife(unset=("host",))
    play(tmp_path, plan(fault(document=document)), story, FakePorts(lives=[life]))


def test_an_action_that_asks_while_the_run_ends_is_refused(tmp_path: Path) -> None:
    provider = action()["provider"]
    actions = (FakeAction(name="one", provider=provider, lasts=5.0), FakeAction(name="two", provider=provider))

    async def story(run: FakeRun) -> None:
        await run.until_seen(ev.ActivityStarted)
        run.conductor.submit(Abort(reason="logistics", why="enough"), by="alice", uid=1, role="facilitator")
        await run.until_phase("debrief")
        assert run.ports.injectors[0].ran == ["one"]
        assert not run.of(ev.FaultIntended)[1:]

    play(tmp_path, plan(fault()), story, FakePorts(lives=[ExperimentLife(actions=actions)]), attended=True)


def test_an_action_that_asks_before_its_injection_is_ordered_is_refused(tmp_path: Path) -> None:
    async def story(run: FakeRun) -> None:
        await run.until_seen(ev.ExperimentArmed)
        (injector,) = run.ports.injectors
        injector.inject()
        assert (await run.until_seen(ev.FaultRefused)).why.endswith("its injection was not ordered")
        assert (await run.until_seen(ev.EndDecided)).cause == "refused"
        await run.until_phase("debrief")
        assert not run.of(ev.FaultIntended)
        assert injector.ran == []

    play(tmp_path, plan(fault(inject=OnCommand())), story, attended=True)


@pytest.mark.parametrize(
    ("harm", "why"), [("freeze", "its process was silent for 1.5 s"), ("die", "its process ended unexpectedly (-9)")]
)
def test_an_injector_that_freezes_or_dies_ends_the_run_with_undo(tmp_path: Path, harm: str, why: str) -> None:
    async def story(run: FakeRun) -> None:
        await run.until_seen(ev.MethodEnded)
        getattr(run.ports.injectors[0], harm)()
        assert (await run.until_seen(ev.ExperimentFailed, within=3)).why == why
        await run.until_phase("debrief", within=10)
        assert run.of(ev.FaultUndone)

    play(tmp_path, plan(fault()), story)


def test_no_fault_passes_the_gate_once_nothing_can_be_written(tmp_path: Path) -> None:
    async def story(run: FakeRun) -> None:
        await run.until_seen(ev.ExperimentArmed)
        run.transcript.failing = "the disk is gone"
        await run.until(lambda: run.conductor.state.phase == "debrief", within=120)
        assert run.conductor.fatal
        assert not run.ports.injectors[0].ran

    play(tmp_path, plan(fault()), story)


def test_a_target_that_is_another_one_refuses_the_fault(tmp_path: Path) -> None:
    answers: dict[str, Any] = {}
    target = {
        "name": "staging",
        "kind": "http",
        "environment": "staging",
        "url": "http://shop.test",
        "identity": {"provider": {"type": "http", "url": "http://shop.test/id"}, "tolerance": 200},
    }

    async def story(run: FakeRun) -> None:
        await run.until_seen(ev.ExperimentArmed)
        answers["http://shop.test/id"] = ProbeAnswer(ok=False, value={"body": "production"}, why="it is production")
        await run.until_seen(ev.EndDecided)
        assert not run.ports.injectors[0].ran
        assert run.of(ev.EndDecided)[0].cause == "refused"

    play(tmp_path, plan(fault(), target=Target(**target)), story, FakePorts(answers=answers))


def test_the_moment_between_two_is_drawn_within_them(tmp_path: Path) -> None:
    async def story(run: FakeRun) -> None:
        scheduled = await run.until_seen(ev.InjectionScheduled)
        live = next(r.t for r in run.transcript.recorded if getattr(r.event, "phase", "") == "live")
        assert live + 5 <= scheduled.due <= live + 8
        ordered = await run.until_seen(ev.InjectionOrdered)
        assert ordered.experiment == "gateway-errors"

    play(tmp_path, plan(fault(inject=Between(5.0, 8.0))), story)


def test_each_experiment_has_an_injector_of_its_own(tmp_path: Path) -> None:
    async def story(run: FakeRun) -> None:
        await run.until_phase("debrief")
        assert [injector.ran for injector in run.ports.injectors] == [["break it"], ["break it"]]
        assert {undone.experiment for undone in run.of(ev.FaultUndone)} == {"one", "two"}

    play(tmp_path, plan(fault("one"), fault("two")), story)
