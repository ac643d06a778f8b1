"""How runs end: complete, stopped, aborted, out of time; and how pauses count."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from runner.engine import events as e
from runner.engine.apply import apply
from runner.engine.commands import (
    Abort,
    AbortReason,
    Complete,
    GoTo,
    IllegalCommand,
    Milestone,
    Note,
    Order,
    Pause,
    Resume,
    RunCommand,
    Stop,
    Tick,
)
from runner.engine.decide import decide, next_deadline
from runner.engine.plan import Experiment, Indicator, Step, StopRule, Verify
from runner.specs.failure_rule import ContinueRunbook
from runner.specs.injection_moment import AtStep, Between, InjectionMoment, OnCommand
from runner.testing import Drive, action_request, sample_plan

LOOK = Step(id="look", name="Look")
INDICATOR = "checkouts succeed"


def drill(*steps: Step, **changes: Any) -> Drive:
    return Drive(sample_plan(*(steps or (LOOK,)), **changes)).start()


def cause(drive: Drive) -> str:
    return drive.state.end.cause if drive.state.end else ""


# -- complete ----------------------------------------------------------------------------------------------------------


def test_the_run_ends_when_the_steps_are_done_and_recovery_has_held() -> None:
    drive = drill()
    drive.health[INDICATOR] = 0.5
    drive.wait(10).say(Complete()).wait(3)
    drive.health[INDICATOR] = 1.0
    drive.wait(4)
    assert cause(drive) == ""
    drive.wait(2)
    assert cause(drive) == "complete"
    assert drive[e.ImpactSeen]
    assert drive[e.RecoverySeen]
    assert drive.when(e.RecoverySeen) == drive.when(e.EndDecided)


def test_recovery_does_not_end_a_run_whose_steps_are_not_done() -> None:
    drive = drill()
    drive.health[INDICATOR] = 0.5
    drive.wait(5)
    drive.health[INDICATOR] = 1.0
    drive.wait(60)
    assert cause(drive) == ""
    assert cause(drive.say(Complete())) == "complete"


def test_a_relapse_takes_the_recovery_back() -> None:
    drive = drill()
    for value in (0.5, 1.0, 0.5):
        drive.health[INDICATOR] = value
        drive.wait(8)
    assert drive[e.Relapsed]
    drive.say(Complete())
    assert cause(drive) == ""
    drive.health[INDICATOR] = 1.0
    assert cause(drive.finish()) == "complete"


@pytest.mark.parametrize("expect", ["impact", "no-impact"])
def test_a_fault_that_does_not_bite_is_given_its_time(expect: str) -> None:
    drive = drill(expect=expect).say(Complete())
    drive.finish()
    assert cause(drive) == "complete"
    assert drive.state.end is not None
    assert drive.state.end.why == "no impact within 30 s"
    assert drive.when(e.EndDecided) - drive.when(e.ActivityStarted) == pytest.approx(34.0)


def test_an_impact_at_the_last_moment_still_counts() -> None:
    drive = drill().say(Complete()).wait(29)
    drive.health[INDICATOR] = 0.5
    drive.wait(10)
    assert drive[e.ImpactSeen]
    assert cause(drive) == ""


def test_a_second_fault_after_a_recovery_is_given_its_time_too() -> None:
    plan = sample_plan(
        LOOK,
        experiments=(
            Experiment(slug="x", document={}, document_hash="", actions=1),
            Experiment(slug="y", document={}, document_hash="", actions=1, inject=Between(10.0, 90.0)),
        ),
    )
    drive = Drive(plan).start().say(Complete())
    drive.observe(e.InjectionScheduled(experiment="y", due=drive.clock.now() + 80))
    drive.health[INDICATOR] = 0.5
    drive.wait(5)
    drive.health[INDICATOR] = 1.0
    drive.wait(60)
    assert drive[e.RecoverySeen]
    assert cause(drive) == ""
    drive.wait(40)
    assert drive.state.experiments["y"].injected_t is not None
    assert cause(drive) == ""
    assert cause(drive.finish()) == "complete"


def test_a_fault_injected_while_recovery_is_being_proven_is_waited_for() -> None:
    """The held window began before the second fault: it says nothing of that one."""
    drive = Drive(
        sample_plan(
            LOOK,
            hold=20.0,
            experiments=(
                Experiment(slug="x", document={}, document_hash="", actions=1),
                Experiment(slug="y", document={}, document_hash="", actions=1, inject=Between(10.0, 90.0)),
            ),
        )
    )
    drive.start().say(Complete())
    drive.observe(e.InjectionScheduled(experiment="y", due=drive.clock.now() + 15))
    drive.health[INDICATOR] = 0.5
    drive.wait(5)
    drive.health[INDICATOR] = 1.0
    drive.finish()
    assert drive.when(e.EndDecided) - (drive.state.last_injection or 0.0) == pytest.approx(34.0)


def test_a_method_with_more_actions_to_come_holds_up_the_end() -> None:
    many = (Experiment(slug="x", document={}, document_hash="", actions=2),)
    drive = Drive(sample_plan(LOOK, experiments=many)).warm_up()
    drive.world = False
    drive.wait(8)
    drive.observe(e.ExperimentArmed(experiment="x"))
    drive.order(action_request("x", "one"))
    drive.observe(e.ActivityStarted(experiment="x", index=0, name="one", type="action")).say(Complete())
    drive.wait(100)
    assert cause(drive) == ""
    drive.observe(e.ActivityStarted(experiment="x", index=1, name="two", type="action")).wait(1)
    assert cause(drive) == "complete"


def test_without_indicators_the_end_is_when_steps_and_method_are_done() -> None:
    drive = drill(indicators=(), load=None)
    assert cause(drive) == ""
    assert cause(drive.say(Complete())) == "complete"


def test_a_drill_without_experiments_ends_when_it_has_held_for_a_while() -> None:
    drive = drill(experiments=()).wait(50).say(Complete()).wait(4)
    assert cause(drive) == ""
    assert cause(drive.wait(1)) == "complete"


@pytest.mark.parametrize("inject", [OnCommand(), AtStep("fix")], ids=str)
def test_an_experiment_that_nobody_injects_does_not_hold_up_the_end(inject: InjectionMoment) -> None:
    never = Experiment(slug="x", document={}, document_hash="", actions=1, inject=inject)
    fix = Step(id="fix", name="Fix", condition="answers.never == 'asked'")
    drive = drill(LOOK, fix, experiments=(never,)).say(Complete()).wait(5)
    assert cause(drive) == "complete"


def test_a_team_that_went_back_is_not_done() -> None:
    drive = drill()
    drive.health[INDICATOR] = 0.5
    drive.wait(3).say(Complete()).say(GoTo(step="look"))
    drive.health[INDICATOR] = 1.0
    drive.wait(20)
    assert cause(drive) == ""
    assert cause(drive.say(Complete())) == "complete"


# -- limits ------------------------------------------------------------------------------------------------------------


def test_the_time_box_ends_the_run() -> None:
    drive = drill(time_box=120.0).finish()
    assert cause(drive) == "time-box"
    assert drive.when(e.EndDecided) - (drive.state.live_t or 0) == pytest.approx(120.0)


@pytest.mark.parametrize(("value", "ends"), [(0.94, True), (0.96, False)])
def test_collateral_damage_stops_the_run(value: float, ends: bool) -> None:
    rule = StopRule(indicator=INDICATOR, below=0.95, lasting=10.0)
    drive = drill(stop_when=(rule,))
    drive.health[INDICATOR] = value
    drive.wait(9)
    assert cause(drive) == ""
    drive.wait(2)
    assert (cause(drive) == "stopped") == ends
    if ends and drive.state.end:
        assert drive.state.end.why == "checkouts succeed below 95 % for 10 s"
        assert drive.state.end.own_fault


def test_a_good_second_begins_the_count_again_and_an_empty_one_does_not() -> None:
    drive = drill(stop_when=(StopRule(indicator=INDICATOR, below=0.95, lasting=4.0),))
    for value in (0.1, 0.1, 0.1, 1.0, 0.1, 0.1, None):
        drive.health[INDICATOR] = value
        drive.wait(1)
    assert cause(drive) == ""
    drive.health[INDICATOR] = 0.1
    assert cause(drive.wait(1)) == "stopped"


def test_silence_alone_is_no_collateral_damage() -> None:
    drive = drill(stop_when=(StopRule(indicator=INDICATOR, below=0.95, lasting=4.0),))
    drive.health[INDICATOR] = None
    assert cause(drive.wait(20)) == ""


def test_a_bound_from_above_and_a_stop_before_the_fault() -> None:
    slow = Indicator(name="p95", source="load", metric="p95", at_most=0.4)
    drive = Drive(sample_plan(LOOK, indicators=(slow,), stop_when=(StopRule(indicator="p95", above=2.0),))).warm_up()
    drive.health["p95"] = 2.5
    drive.wait(1)
    assert drive.state.end is not None
    assert drive.state.end.why == "p95 above 2 s for 1 s"
    assert not drive.state.end.own_fault


# -- the target --------------------------------------------------------------------------------------------------------

GONE = StopRule(target="gone", lasting=10.0)


def test_a_target_that_stays_away_stops_the_run() -> None:
    drive = drill(stop_when=(GONE,)).observe(e.TargetLost(why="connection refused"))
    lost = drive.when(e.TargetLost)
    drive.wait(5).observe(e.TargetLost(why="no answer")).wait(6)
    assert drive.state.end is not None
    assert (drive.state.end.cause, drive.state.end.reason) == ("stopped", "target-gone")
    assert drive.state.end.why == "the target is gone for 10 s: connection refused"
    assert drive.state.end.own_fault
    assert drive.when(e.EndDecided) - lost == pytest.approx(10.0)


def test_a_target_that_comes_back_in_time_does_not() -> None:
    drive = drill(stop_when=(GONE,)).observe(e.TargetLost(why="x")).wait(9).observe(e.TargetFound())
    assert cause(drive.wait(20).observe(e.TargetLost(why="x")).wait(9)) == ""
    assert cause(drive.wait(2)) == "stopped"


def test_without_patience_the_run_stops_at_once_and_without_the_rule_never() -> None:
    assert cause(drill(stop_when=(StopRule(target="gone"),)).observe(e.TargetLost(why="x"))) == "stopped"
    assert cause(drill().observe(e.TargetLost(why="x")).wait(20)) == ""


def test_a_target_lost_in_the_warm_up_stops_the_run_without_blame() -> None:
    drive = Drive(sample_plan(LOOK, stop_when=(StopRule(target="gone"),))).warm_up().observe(e.TargetLost(why="x"))
    assert drive.state.end is not None
    assert not drive.state.end.own_fault


def test_a_target_that_is_another_one_is_refused_until_the_fault_is_in() -> None:
    waiting = Experiment(slug="x", document={}, document_hash="", inject=OnCommand(), actions=1)
    told = e.NeedChecked(name="target stage still is what was declared", met=False, why="'b', not 'a'")
    assert cause(drill(experiments=(waiting,)).observe(told)) == "refused"
    assert cause(drill().observe(told)) == ""


# -- pauses ------------------------------------------------------------------------------------------------------------


def test_a_pause_stops_step_clocks_and_the_time_box() -> None:
    drive = drill(time_box=100.0).wait(10).say(Pause(why="fire drill")).wait(500)
    assert cause(drive) == ""
    assert drive.state.live_seconds(drive.clock.now()) == pytest.approx(10.0)
    assert drive.state.step_seconds("look", drive.clock.now()) == pytest.approx(10.0)
    drive.say(Resume()).wait(20).say(Complete())
    assert drive.step("look").net_seconds == pytest.approx(30.0)
    assert drive.state.paused_total == pytest.approx(500.0)


def test_nobody_plays_on_in_a_paused_run() -> None:
    drive = drill().say(Pause(why="fire drill"))
    assert "paused" in drive.refused(Complete())
    assert "already: fire drill" in drive.refused(Pause(why="again"))
    drive.say(Milestone(name="detected")).say(Note(text="back in a minute"))
    drive.say(Resume())
    assert "not paused" in drive.refused(Resume())
    assert drive.refused(Pause(why="")) == "say why"


def test_a_command_that_ends_in_a_pause_is_looked_at_afterwards() -> None:
    drive = drill(Step(id="fix", name="Fix", run="x"), LOOK).say(RunCommand()).say(Pause(why="fire drill"))
    drive.command_ended("fix").wait(5)
    assert drive.state.current == "fix"
    assert drive.say(Resume()).state.current == "look"


def test_a_verification_keeps_its_time_in_a_pause() -> None:
    verify = Verify(indicator=INDICATOR, lasting=5.0, within=20.0)
    drive = drill(Step(id="fix", name="Fix", verify=verify, on_failure=ContinueRunbook()))
    drive.health[INDICATOR] = 0.5
    drive.wait(2).say(Complete()).wait(10).say(Pause(why="fire drill")).wait(100).say(Resume()).wait(4)
    drive.health[INDICATOR] = 1.0
    drive.wait(5)
    assert drive[e.VerifyEnded] == [e.VerifyEnded(step="fix", held=True)]


def test_a_pause_that_lasts_too_long_ends_the_run() -> None:
    drive = drill(max_pause=60.0).say(Pause(why="lunch")).finish()
    assert drive.state.end is not None
    assert (drive.state.end.cause, drive.state.end.reason) == ("stopped", "max-pause")
    assert drive.when(e.EndDecided) - drive.when(e.Paused) == pytest.approx(60.0)
    assert not drive.state.paused
    assert drive.state.paused_total == pytest.approx(60.0)


def test_a_run_does_not_complete_while_it_is_paused() -> None:
    drive = drill(experiments=()).say(Complete()).say(Pause(why="x")).wait(60)
    assert cause(drive) == ""
    assert cause(drive.say(Resume())) == "complete"


# -- somebody ends it --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", get_args(AbortReason))
@pytest.mark.parametrize("role", ["facilitator", "participant", "observer"])
def test_anyone_may_abort_for_a_reason(reason: AbortReason, role: Any) -> None:
    drive = drill().say(Abort(reason=reason, why="the pager went"), by="bob", role=role)
    assert drive.state.end == e.EndDecided(cause="aborted", reason=reason, why="the pager went")


def test_an_abort_says_why() -> None:
    drive = drill()
    assert drive.refused(Abort(reason="stuck", why="")) == "say why"
    assert "real-incident, unsafe" in drive.refused(Abort(reason="bored", why="x"))  # type: ignore[arg-type]


@pytest.mark.parametrize("live", [False, True])
def test_an_abort_is_possible_from_the_first_moment(live: bool) -> None:
    drive = Drive(sample_plan(LOOK), world=False).begin()
    if live:
        drive = drill()
    assert drive.say(Abort(reason="logistics", why="no room")).state.end is not None


def test_the_first_end_wins() -> None:
    drive = drill()
    drive.world = False
    drive.order(Stop(cause="stopped", why="the disk is full", own_fault=True))
    assert drive.refused(Abort(reason="stuck", why="x")) == "already ending: stopped (the disk is full)"
    with pytest.raises(IllegalCommand, match="already ending"):
        drive.order(Stop(cause="broken", why="x"))
    assert len(drive[e.EndDecided]) == 1


def test_two_writers_may_both_have_decided_the_end() -> None:
    drive = drill().say(Abort(reason="stuck", why="it hangs"))
    late = e.Recorded(len(drive.log), "", drive.clock.now(), "guardian", e.EndDecided(cause="broken"))
    assert apply(drive.state, late).end == drive.state.end


def test_an_older_stamp_does_not_turn_time_back() -> None:
    """A child's report may come after a younger one of somebody else."""
    drive = drill(time_box=20.0)
    drive.world = False
    state = apply(drive.state, e.Recorded(999, "", drive.clock.now() + 25.0, "probe", e.ProbesSampled(indicator="x")))
    events = decide(state, Order(command=Tick(), t=drive.clock.now()))
    assert e.EndDecided(cause="time-box", why="the time-box of 20 s is over") in events


def test_undoing_always_follows_and_takes_its_time() -> None:
    drive = Drive(sample_plan(LOOK), world=False).begin().order(Stop(cause="refused", why="freeze window"))
    assert drive.state.phase == "undoing"
    assert next_deadline(drive.state) is None
    assert drive.wait(1000).state.phase == "undoing"
    drive.observe(e.UndoStarted()).observe(e.UndoEnded())
    assert drive.state.phase == "debrief"


def test_the_step_that_was_current_stays_without_an_outcome() -> None:
    drive = drill(Step(id="fix", name="Fix", run="x")).say(RunCommand()).wait(5)
    drive.say(Abort(reason="stuck", why="it hangs")).wait(50)
    drive.command_ended("fix", -9)
    assert drive.step("fix").outcome == ""
    assert drive.state.step_seconds("fix", drive.clock.now()) == pytest.approx(5.0)
    assert not drive[e.StepEnded]
