"""Injection: every experiment at its own moment, and no fault without the word."""

from __future__ import annotations

from typing import Any

import pytest

from runner.engine import events as e
from runner.engine.commands import (
    Abort,
    ChangeConfiguration,
    Command,
    Complete,
    IllegalCommand,
    Inject,
    PassPreflight,
    Pause,
    ReportConfiguration,
    Resume,
)
from runner.engine.plan import Experiment, RunPlan, Step
from runner.specs.injection_moment import AfterWarmUp, AtStep, Between, InjectionMoment, OnCommand
from runner.testing import Drive, action_request, sample_plan

LOOK = Step(id="look", name="Look")
FIX = Step(id="fix", name="Fix")
_AFTER_WARM_UP = AfterWarmUp()


def experiment(slug: str = "x", inject: InjectionMoment = _AFTER_WARM_UP, actions: int = 1) -> Experiment:
    return Experiment(slug=slug, document={}, document_hash="", inject=inject, actions=actions)


def drill(*experiments: Experiment, **changes: Any) -> RunPlan:
    return sample_plan(LOOK, FIX, experiments=experiments, **changes)


def ordered(drive: Drive) -> list[str]:
    return [word.experiment for word in drive[e.InjectionOrdered]]


def cause(drive: Drive) -> str:
    assert drive.state.end is not None
    return drive.state.end.cause


# -- when --------------------------------------------------------------------------------------------------------------


def test_after_warm_up_is_when_the_run_goes_live() -> None:
    drive = Drive(drill(experiment())).start()
    assert drive.when(e.InjectionOrdered) == drive.when(e.BaselineTaken)
    kinds = drive.kinds()
    assert kinds.index("baseline-taken") < kinds.index("injection-ordered") < kinds.index("step-started")
    assert drive.state.experiments["x"].status == "injected"
    assert drive.state.last_injection == drive.when(e.ActivityStarted)


def test_at_a_step_is_when_the_step_becomes_current() -> None:
    drive = Drive(drill(experiment(inject=AtStep("fix")))).start().wait(20)
    assert not ordered(drive)
    drive.say(Complete())
    assert ordered(drive) == ["x"]


def test_between_is_the_moment_that_was_drawn() -> None:
    drive = Drive(drill(experiment(inject=Between(60.0, 120.0)))).start()
    due = drive.clock.now() + 80
    drive.observe(e.InjectionScheduled(experiment="x", due=due)).wait(100)
    assert drive.when(e.InjectionOrdered) == pytest.approx(due)


def test_a_moment_is_drawn_once_and_only_for_what_asks_for_it() -> None:
    drive = Drive(drill(experiment(inject=Between(60.0, 120.0)), experiment("y", OnCommand()))).start()
    drive.observe(e.InjectionScheduled(experiment="x", due=99.0))
    with pytest.raises(IllegalCommand, match="already been drawn"):
        drive.observe(e.InjectionScheduled(experiment="x", due=98.0))
    with pytest.raises(IllegalCommand, match="not injected at a random moment"):
        drive.observe(e.InjectionScheduled(experiment="y", due=99.0))


def test_on_command_waits_for_the_facilitator() -> None:
    drive = Drive(drill(experiment(inject=OnCommand()))).start().wait(30)
    assert not ordered(drive)
    assert "facilitator" in drive.refused(Inject(), role="participant")
    drive.say(Inject())
    assert ordered(drive) == ["x"]
    assert "no experiment waits" in drive.refused(Inject())
    assert "is injected, not armed" in drive.refused(Inject(experiment="x"))


def test_of_several_one_is_named() -> None:
    drive = Drive(drill(experiment("x", OnCommand()), experiment("y", OnCommand()))).start()
    assert "name one (x, y)" in drive.refused(Inject())
    assert "no experiment 'z': x, y" in drive.refused(Inject(experiment="z"))
    assert ordered(drive.say(Inject(experiment="y"))) == ["y"]


def test_nothing_is_injected_into_a_paused_run() -> None:
    plan = drill(experiment("x", OnCommand()), experiment("y", Between(10.0, 20.0)))
    drive = Drive(plan).start()
    drive.observe(e.InjectionScheduled(experiment="y", due=drive.clock.now() + 15))
    drive.say(Pause(why="fire drill")).wait(60)
    assert "paused" in drive.refused(Inject(experiment="x"))
    assert not ordered(drive)
    assert ordered(drive.say(Resume())) == ["y"]


# -- the gate ----------------------------------------------------------------------------------------------------------

REQUEST = action_request("x")


def test_no_fault_goes_in_without_the_word() -> None:
    drive = Drive(drill(experiment(inject=OnCommand()))).start().order(REQUEST)
    assert not drive[e.FaultIntended]
    assert [each.why for each in drive[e.FaultRefused]] == ["x is armed, its injection was not ordered"]
    assert cause(drive) == "refused"


def test_no_fault_goes_in_once_the_end_is_decided() -> None:
    drive = Drive(drill(experiment(actions=2))).start()
    drive.order(REQUEST)
    drive.world = False
    drive.say(Abort(reason="unsafe", why="the wrong cluster"))
    before = len(drive[e.FaultIntended])
    drive.order(action_request("x", refusal="3 pods, 2 allowed"))
    assert len(drive[e.FaultIntended]) == before
    assert [each.why for each in drive[e.FaultRefused]] == ["the run is ending"]
    assert cause(drive) == "aborted"


def test_no_fault_goes_in_that_the_guard_refuses() -> None:
    drive = Drive(drill(experiment(actions=2))).start()
    before = len(drive[e.FaultIntended])
    drive.order(action_request("x", "more", index=1, refusal="3 pods, 2 allowed"))
    assert len(drive[e.FaultIntended]) == before
    assert drive[e.FaultRefused] == [e.FaultRefused(experiment="x", index=1, name="more", why="3 pods, 2 allowed")]
    assert cause(drive) == "refused"


@pytest.mark.parametrize("refusal", ["", "3 pods, 2 allowed"])
@pytest.mark.parametrize("ending", [False, True])
@pytest.mark.parametrize("inject", [AfterWarmUp(), OnCommand()])
def test_whoever_asks_for_an_action_is_answered(inject: InjectionMoment, ending: bool, refusal: str) -> None:
    drive = Drive(drill(experiment(inject=inject, actions=2))).start()
    if ending:
        drive.world = False
        drive.say(Abort(reason="unsafe", why="x"))
    before = len(drive[e.FaultIntended]) + len(drive[e.FaultRefused])
    drive.order(action_request("x", refusal=refusal))
    assert len(drive[e.FaultIntended]) + len(drive[e.FaultRefused]) == before + 1


def test_an_intent_has_the_hash_of_the_document_as_planned() -> None:
    planned = Experiment(slug="x", document={}, document_hash="5a4881", inject=AfterWarmUp(), actions=1)
    drive = Drive(drill(planned)).start()
    assert [each.document_hash for each in drive[e.FaultIntended]] == ["5a4881"]


def test_what_lacks_a_value_refuses_its_experiment_once() -> None:
    drive = Drive(drill(experiment())).warm_up()
    drive.order(ReportConfiguration(experiment="x", lacking={"secret 'key'": "no value", "secret 'id'": "no value"}))
    assert drive[e.FaultRefused] == [e.FaultRefused(experiment="x", index=-1, name="secret 'key'", why="no value")]
    with pytest.raises(IllegalCommand, match="is whole"):
        drive.order(ReportConfiguration(experiment="x", lacking={}))


def test_a_configuration_that_changes_is_kept_for_the_undo_while_there_is_one() -> None:
    changed = ChangeConfiguration(experiment="x", configuration={"made": 1}, document={}, withheld=("key",))
    drive = Drive(drill(experiment(inject=OnCommand()))).start()
    with pytest.raises(IllegalCommand, match="nothing to undo"):
        drive.order(changed)
    drive.say(Inject(experiment="x")).order(changed)
    kept = e.ConfigurationChanged(experiment="x", configuration={"made": 1}, document={}, withheld=("key",))
    assert drive[e.ConfigurationChanged] == [kept]


@pytest.mark.parametrize(
    "command",
    [
        action_request("nope"),
        ReportConfiguration(experiment="nope", lacking={"a": "b"}),
        ChangeConfiguration(experiment="nope", configuration={}, document={}, withheld=()),
    ],
)
def test_an_experiment_that_the_run_does_not_have_reports_nothing(command: Command) -> None:
    with pytest.raises(IllegalCommand, match="no experiment 'nope'"):
        Drive(drill(experiment())).start().order(command)


def test_a_fault_that_started_all_the_same_is_a_fact() -> None:
    drive = Drive(drill(experiment(inject=OnCommand()))).start()
    drive.world = False
    drive.say(Abort(reason="unsafe", why="x"))
    drive.observe(e.ActivityStarted(experiment="x", index=0, name="break it", type="action"))
    assert drive.state.last_injection is not None


def test_facts_of_the_undo_are_always_taken() -> None:
    drive = Drive(drill(experiment())).start()
    drive.world = False
    drive.say(Abort(reason="unsafe", why="x"))
    drive.observe(e.UndoStarted(experiments=("x",)))
    assert drive.state.experiments["x"].status == "undoing"
    drive.observe(e.UndoFailed(experiment="x", why="the proxy does not answer"))
    drive.observe(e.ExperimentFailed(experiment="x", why="killed"))
    assert drive.state.left == ("x",)
    assert drive.state.experiments["x"].status == "left"
    assert drive.state.experiments["x"].fault_open
    drive.observe(e.UndoEnded(left=("x",)))
    assert drive.state.phase == "debrief"
    drive.observe(e.FaultUndone(experiment="x", how="verified"))
    assert drive.state.left == ()
    assert not drive.state.experiments["x"].fault_open


@pytest.mark.parametrize(
    "event",
    [
        e.ExperimentArmed(experiment="nope"),
        e.VerifyEnded(step="nope", held=True),
        e.StepEnded(step="look", outcome="x"),
    ],
)
def test_what_cannot_have_happened_is_not_taken(event: e.Event) -> None:
    drive = Drive(drill(experiment())).start()
    with pytest.raises(IllegalCommand):
        drive.observe(event)


# -- trouble -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "cause"),
    [
        (e.ExperimentFailed(experiment="x", why="it went silent"), "broken"),
        (e.LoadFailed(why="it died"), "broken"),
    ],
)
def test_trouble_in_the_middle_ends_the_run(event: e.Event, cause: str) -> None:
    drive = Drive(drill(experiment(actions=2))).start().observe(event)
    assert drive.state.end is not None
    assert drive.state.end.cause == cause


def test_an_experiment_that_ends_before_its_word_breaks_the_run() -> None:
    drive = Drive(drill(experiment(inject=OnCommand()))).start()
    drive.observe(e.ExperimentEnded(experiment="x", status="aborted"))
    assert drive.state.end is not None
    assert (drive.state.end.cause, drive.state.end.why) == ("broken", "x ended before its method (aborted)")


def test_an_experiment_that_ends_with_its_fault_in_goes_on_hurting() -> None:
    drive = Drive(drill(experiment())).start().observe(e.ExperimentEnded(experiment="x", status="completed"))
    assert drive.state.phase == "live"
    assert drive.state.experiments["x"].fault_open


def test_a_method_that_has_begun_is_open_without_any_action() -> None:
    drive = Drive(drill(experiment(inject=OnCommand()))).start()
    begun = e.MethodBegun(experiment="x", document_hash="")
    with pytest.raises(IllegalCommand, match="its injection was not ordered"):
        drive.observe(begun)
    drive.say(Inject()).observe(begun)
    assert drive.state.experiments["x"].fault_open


def test_failed_actions_are_counted() -> None:
    drive = Drive(drill(experiment())).start()
    drive.observe(e.ActivityEnded(experiment="x", index=1, name="more", type="action", status="failed"))
    drive.observe(e.ActivityEnded(experiment="x", index=2, name="look", type="probe", status="failed"))
    assert drive.state.experiments["x"].actions_failed == 1


# -- an experiment alone -----------------------------------------------------------------------------------------------


def bare(**changes: Any) -> Drive:
    plan = sample_plan(experiments=(experiment(inject=OnCommand()),), load=None, indicators=(), bare=True, **changes)
    return Drive(plan, attended=False)


def test_a_bare_experiment_is_injected_once_armed_and_ends_with_its_method() -> None:
    drive = bare().warm_up()
    assert drive.state.end is not None
    assert drive.state.end.cause == "complete"
    assert drive.kinds()[-7:] == [
        "end-decided",
        "phase-entered",
        "undo-started",
        "fault-undone",
        "undo-ended",
        "phase-entered",
        "debrief-closed",
    ]
    assert drive.state.phase == "debrief"


@pytest.mark.parametrize(
    ("status", "deviated", "cause"),
    [
        ("completed", False, "complete"),
        ("completed", True, "deviated"),
        ("failed", False, "deviated"),
        ("aborted", False, "deviated"),
        ("interrupted", False, "deviated"),
    ],
)
def test_a_bare_experiment_ends_as_chaos_toolkit_says(status: str, deviated: bool, cause: str) -> None:
    drive = bare()
    drive.world = False
    drive.begin().observe(e.ExperimentLoaded(experiment="x"))
    drive.order(PassPreflight()).observe(e.ExperimentArmed(experiment="x"))
    assert ordered(drive) == ["x"]
    drive.order(REQUEST).observe(e.MethodEnded(experiment="x")).wait(5)
    assert drive.state.end is None
    drive.observe(e.ExperimentEnded(experiment="x", status=status, deviated=deviated))
    assert drive.state.end is not None
    assert drive.state.end.cause == cause
