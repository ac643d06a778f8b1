"""Steps: every way through one, and every way out of it."""

from __future__ import annotations

from typing import Any

import pytest

from runner.engine import events as e
from runner.engine.commands import (
    Answer,
    Approve,
    Choose,
    Complete,
    Confirm,
    Dispute,
    Fail,
    GoTo,
    IllegalCommand,
    Milestone,
    Pause,
    Resume,
    Retry,
    RunCommand,
    ShowHint,
    Skip,
)
from runner.engine.plan import Ask, Step, Verify
from runner.specs.failure_rule import ContinueRunbook, FailureRule, GoToStep, StopRunbook
from runner.testing import Drive, sample_plan

NEXT = Step(id="next", name="Next")
INDICATOR = "checkouts succeed"


def drill(*steps: Step, commands: dict[str, list[int]] | None = None, **how: Any) -> Drive:
    """A drill of these steps and a last one, live, with people unless said otherwise."""
    return Drive(sample_plan(*steps, NEXT), commands=commands or {}, **how).start()


def outcomes(drive: Drive) -> list[tuple[str, str]]:
    return [(ended.step, ended.outcome) for ended in drive[e.StepEnded]]


# -- done by a person, or by a command ---------------------------------------------------------------------------------


def test_a_manual_step_waits_for_a_person() -> None:
    drive = drill(Step(id="look", name="Look")).wait(60)
    assert drive.state.current == "look"
    drive.say(Complete())
    assert outcomes(drive) == [("look", "succeeded")]
    assert drive.state.current == "next"
    assert drive.step("look").net_seconds == pytest.approx(60.0)
    assert drive.step("look").who == "alice"


def test_an_automated_step_waits_for_the_word_of_the_people() -> None:
    drive = drill(Step(id="fix", name="Fix", run="fix")).wait(10)
    assert not drive[e.CommandIntended]
    drive.say(RunCommand())
    assert drive[e.CommandIntended] == [e.CommandIntended(step="fix", attempt=1)]
    assert "is running" in drive.refused(RunCommand())
    drive.command_ended("fix")
    assert outcomes(drive) == [("fix", "succeeded")]


def test_without_people_a_command_starts_by_itself() -> None:
    drive = drill(Step(id="fix", name="Fix", run="fix"), attended=False, commands={"fix": [0]})
    assert outcomes(drive) == [("fix", "succeeded"), ("next", "skipped")]


def test_a_scripted_step_waits_as_an_attended_one_does() -> None:
    drive = drill(Step(id="fix", name="Fix", run="fix"), attended=False, scripted=("fix", "next"))
    assert not drive[e.CommandIntended]
    drive.say(RunCommand(), by="operator").command_ended("fix")
    assert drive.state.current == "next"
    drive.say(Complete(), by="operator")
    assert outcomes(drive) == [("fix", "succeeded"), ("next", "succeeded")]


def test_a_command_is_not_done_by_hand_and_a_deed_has_no_command() -> None:
    drive = drill(Step(id="fix", name="Fix", run="fix"))
    assert "command" in drive.refused(Complete())
    assert "no command" in drill(Step(id="look", name="Look")).refused(RunCommand())


# -- what a step asks --------------------------------------------------------------------------------------------------


def test_a_confirmed_command_starts_at_once() -> None:
    drive = drill(Step(id="fix", name="Fix", run="fix", confirm="Really?"))
    assert "confirmation" in drive.refused(RunCommand())
    drive.say(Confirm())
    assert drive[e.CommandIntended]


def test_approve_confirm_and_ask_come_in_that_order() -> None:
    ask = (Ask(name="region", prompt="Which?"), Ask(name="token", prompt="Token?", secret=True))
    drive = drill(Step(id="fix", name="Fix", run="fix", approve="lead", confirm="Really?", ask=ask))
    assert "an approval" in drive.refused(Confirm())
    drive.say(Approve())
    assert "a confirmation" in drive.refused(Answer(name="region", value="eu"))
    drive.say(Confirm())
    assert "region, token" in drive.refused(RunCommand())
    drive.say(Answer(name="region", value="eu"))
    assert not drive[e.CommandIntended]
    drive.say(Answer(name="token", value="hunter2"))
    assert drive[e.CommandIntended]
    assert drive[e.StepAnswered] == [
        e.StepAnswered(step="fix", name="region", value="eu"),
        e.StepAnswered(step="fix", name="token", value="", secret=True),
    ]
    assert drive.state.answers == {"region": "eu", "token": ""}


def test_only_what_is_asked_is_answered() -> None:
    drive = drill(Step(id="fix", name="Fix", run="fix", ask=(Ask(name="region", prompt="Which?"),)))
    assert "does not ask for 'regoin'" in drive.refused(Answer(name="regoin", value="eu"))
    assert "needs a value" in drive.refused(Answer(name="region", value=""))


@pytest.mark.parametrize(
    ("rule", "end", "then"),
    [(StopRunbook(), "runbook-stopped", ""), (ContinueRunbook(), None, "next"), (GoToStep("last"), None, "last")],
)
def test_a_no_fails_the_step_as_on_failure_says(rule: FailureRule, end: str | None, then: str) -> None:
    last = Step(id="last", name="Last")
    drive = Drive(sample_plan(Step(id="fix", name="Fix", run="x", confirm="?", on_failure=rule), NEXT, last)).start()
    drive.say(Confirm(yes=False))
    assert drive[e.StepEnded][0].outcome == "failed"
    assert (drive.state.end.cause if drive.state.end else None) == end
    assert drive.state.current == then


def test_without_people_a_confirmation_goes_ahead_and_is_recorded_as_waived() -> None:
    drive = drill(Step(id="fix", name="Fix", run="x", confirm="?"), attended=False, commands={"fix": [0]})
    assert drive[e.StepConfirmed] == [e.StepConfirmed(step="fix", waived="unattended")]
    assert outcomes(drive)[0] == ("fix", "succeeded")


@pytest.mark.parametrize(
    "step",
    [
        Step(id="fix", name="Fix", run="x", approve="lead"),
        Step(id="fix", name="Fix", run="x", ask=(Ask(name="region", prompt="?"),)),
        Step(id="fix", name="Fix", choose={"a": "next"}, unattended="done"),
    ],
)
def test_a_question_that_nobody_can_answer_breaks_the_run(step: Step) -> None:
    drive = drill(step, attended=False)
    assert drive.state.end is not None
    assert (drive.state.end.cause, drive.state.end.reason) == ("broken", "nobody-answers")


# -- which step comes next ---------------------------------------------------------------------------------------------


def test_a_choice_leads_to_its_step_and_the_ones_between_are_not_visited() -> None:
    steps = (
        Step(id="what", name="What is it?", choose={"errors": "fail-over", "slow": "raise"}, milestone="detected"),
        Step(id="raise", name="Raise", run="x"),
        Step(id="fail-over", name="Fail over"),
    )
    drive = drill(*steps)
    assert "offers" not in drive.refused(Choose(label="erors"))
    assert "errors, slow" in drive.refused(Complete())
    drive.say(Choose(label="errors"))
    assert drive.state.current == "fail-over"
    assert drive.state.steps["raise"].visits == 0
    assert drive.state.steps["what"].choice == "errors"
    assert "detected" in drive.state.milestones


def test_a_step_without_a_choice_offers_none() -> None:
    assert "no choice" in drill(Step(id="look", name="Look")).refused(Choose(label="x"))


@pytest.mark.parametrize(
    ("condition", "taken"),
    [
        ("steps.what.choice == 'errors'", True),
        ("steps.what.choice == 'slow'", False),
        ("steps.what.outcome == 'succeeded' && answers.region != 'eu'", True),
        ("steps.nowhere.outcome == 'failed'", False),
        ("steps.what.colour == 'red' || answers.a.b == 'x'", False),
    ],
)
def test_a_step_whose_condition_does_not_hold_is_passed_over(condition: str, taken: bool) -> None:
    steps = (
        Step(id="what", name="What?", choose={"errors": "before"}),
        Step(id="before", name="Before"),
        Step(id="maybe", name="Maybe", condition=condition),
    )
    drive = drill(*steps).say(Choose(label="errors")).say(Complete())
    assert drive.state.current == ("maybe" if taken else "next")
    if not taken:
        assert e.StepEnded(step="maybe", outcome="skipped", why="if") in drive[e.StepEnded]
        assert drive.state.steps["maybe"].visits == 0


def test_a_step_that_is_jumped_to_is_not_asked_for_its_condition() -> None:
    drive = drill(
        Step(id="what", name="What?", choose={"a": "b"}), Step(id="b", name="B", condition="answers.x == 'y'")
    )
    assert drive.say(Choose(label="a")).state.current == "b"


def test_people_may_go_to_another_step_and_that_is_not_as_written() -> None:
    drive = drill(Step(id="a", name="A"), Step(id="b", name="B"))
    drive.say(GoTo(step="next"))
    assert drive.state.current == "next"
    assert drive[e.StepEnded] == [
        e.StepEnded(step="a", outcome="skipped", why="went to next", to="next", as_written=False)
    ]
    drive.say(GoTo(step="a"))
    assert drive.state.steps["a"].visits == 2
    assert "no step 'nowhere'" in drive.refused(GoTo(step="nowhere"))


def test_after_the_last_step_people_may_go_back() -> None:
    drive = drill(Step(id="a", name="A")).say(Complete()).say(Complete())
    assert drive.state.current == ""
    assert "no step is current" in drive.refused(Complete())
    assert drive.say(GoTo(step="a")).state.current == "a"


def test_a_runbook_that_goes_round_in_circles_ends() -> None:
    a = Step(id="a", name="A", unattended="fail", on_failure=GoToStep("b"))
    b = Step(id="b", name="B", unattended="fail", on_failure=GoToStep("a"))
    drive = drill(a, b, attended=False)
    assert drive.state.end is not None
    assert (drive.state.end.cause, drive.state.end.reason) == ("broken", "loop")
    assert drive.state.steps["a"].visits == 100


def test_passing_over_a_step_on_a_second_round_keeps_its_first_outcome() -> None:
    once = Step(id="once", name="Once", condition="steps.again.choice != 'yes'")
    again = Step(id="again", name="Again?", choose={"yes": "a", "no": "next"})
    drive = (
        drill(Step(id="a", name="A"), once, again)
        .say(Complete())
        .say(Complete())
        .say(Choose(label="yes"))
        .say(Complete())
    )
    assert drive.state.current == "again"
    assert (drive.step("once").outcome, drive.step("once").visits) == ("succeeded", 1)


# -- verification ------------------------------------------------------------------------------------------------------

PROBE = Verify(probe={"provider": {"type": "http", "url": "http://x"}}, within=10.0)
WATCH = Verify(indicator=INDICATOR, lasting=3.0, within=20.0)


def test_a_probe_is_reported_by_whoever_called_it() -> None:
    drive = drill(Step(id="fix", name="Fix", run="x", verify=PROBE, milestone="mitigated"))
    drive.observe(e.VerifyPrimed(step="fix", held=False)).say(RunCommand()).command_ended("fix")
    assert drive[e.VerifyStarted] == [e.VerifyStarted(step="fix", vacuous=False)]
    assert "being verified" in drive.refused(Complete())
    assert "mitigated" not in drive.state.milestones
    drive.observe(e.VerifyEnded(step="fix", held=True))
    assert outcomes(drive) == [("fix", "succeeded")]
    assert drive.state.milestones["mitigated"].step == "fix"


def test_a_verification_that_already_held_proves_nothing() -> None:
    drive = (
        drill(Step(id="fix", name="Fix", verify=PROBE)).observe(e.VerifyPrimed(step="fix", held=True)).say(Complete())
    )
    assert drive[e.VerifyStarted] == [e.VerifyStarted(step="fix", vacuous=True)]
    assert drive.observe(e.VerifyEnded(step="fix", held=True)).step("fix").vacuous


def test_a_failed_verification_fails_the_step() -> None:
    drive = drill(Step(id="fix", name="Fix", verify=PROBE, on_failure=ContinueRunbook())).say(Complete())
    drive.observe(e.VerifyEnded(step="fix", held=False, why="status 503, expected 200"))
    assert drive[e.StepEnded] == [e.StepEnded(step="fix", outcome="failed", why="status 503, expected 200")]


def test_an_indicator_must_hold_long_enough_after_the_deed() -> None:
    drive = drill(Step(id="fix", name="Fix", verify=WATCH))
    drive.health[INDICATOR] = 0.5
    drive.wait(4).say(Complete()).wait(5)
    drive.health[INDICATOR] = 1.0
    drive.wait(2)
    assert not drive[e.VerifyEnded]
    drive.wait(1)
    assert drive[e.VerifyEnded] == [e.VerifyEnded(step="fix", held=True)]
    assert not drive.step("fix").vacuous


def test_good_seconds_before_the_deed_do_not_count() -> None:
    drive = drill(Step(id="fix", name="Fix", verify=WATCH)).wait(10).say(Complete()).wait(2)
    assert not drive[e.VerifyEnded]
    drive.wait(1)
    assert drive[e.VerifyEnded] == [e.VerifyEnded(step="fix", held=True, vacuous=True)]


def test_an_indicator_that_does_not_come_back_in_time_fails_the_step() -> None:
    drive = drill(Step(id="fix", name="Fix", verify=WATCH, on_failure=ContinueRunbook()))
    drive.health[INDICATOR] = 0.5
    drive.say(Complete()).wait_for(e.VerifyEnded)
    assert not drive[e.VerifyEnded][0].held
    assert drive.when(e.VerifyEnded) - drive.when(e.VerifyStarted) == pytest.approx(22.0)
    assert drive[e.StepEnded][0].why == "checkouts succeed did not hold for 3 s within 20 s"


CONFIRM = Verify(impact=True, within=20.0)


def test_a_step_that_confirms_the_impact_ends_when_one_was_measured() -> None:
    """One bad second is noise: a runbook that goes on at once mitigates before there is anything to recover from."""
    drive = drill(
        Step(id="look", name="Look", run="look", verify=CONFIRM), commands={"look": [0]}, attended=False
    ).wait(5)
    assert drive.step("look").status == "verifying"
    drive.health[INDICATOR] = 0.5
    drive.wait_for(e.ImpactSeen)
    assert outcomes(drive)[0] == ("look", "succeeded")
    assert drive[e.VerifyEnded] == [e.VerifyEnded(step="look", held=True)]
    assert not drive.step("look").vacuous


def test_an_impact_that_is_there_already_is_confirmed_at_once() -> None:
    drive = drill(Step(id="look", name="Look", verify=CONFIRM))
    drive.health[INDICATOR] = 0.5
    drive.wait_for(e.ImpactSeen)
    drive.say(Complete())
    assert drive[e.VerifyEnded] == [e.VerifyEnded(step="look", held=True)]


def test_without_an_impact_in_time_the_step_that_confirms_it_fails() -> None:
    drive = drill(Step(id="look", name="Look", verify=CONFIRM, on_failure=ContinueRunbook())).say(Complete())
    drive.wait_for(e.VerifyEnded)
    assert drive[e.StepEnded][0].why == "no impact was measured within 20 s"
    # Its two bad seconds may have begun in the last one, and are judged a little later.
    assert drive.when(e.VerifyEnded) - drive.when(e.VerifyStarted) == pytest.approx(24.0)


def test_an_impact_at_the_last_moment_is_still_in_time() -> None:
    drive = drill(Step(id="look", name="Look", verify=CONFIRM)).say(Complete()).wait(18)
    drive.health[INDICATOR] = 0.5
    drive.wait_for(e.VerifyEnded)
    assert drive[e.VerifyEnded] == [e.VerifyEnded(step="look", held=True)]


def test_holding_too_late_is_not_holding_within() -> None:
    drive = drill(Step(id="fix", name="Fix", verify=WATCH, on_failure=ContinueRunbook()))
    drive.health[INDICATOR] = 0.5
    drive.say(Complete()).wait(18)
    drive.health[INDICATOR] = 1.0
    drive.wait_for(e.VerifyEnded)
    assert not drive[e.VerifyEnded][0].held


def test_an_indicator_is_judged_by_the_engine_alone() -> None:
    drive = drill(Step(id="fix", name="Fix", verify=WATCH)).say(Complete())
    with pytest.raises(IllegalCommand, match="not verified by a probe"):
        drive.observe(e.VerifyEnded(step="fix", held=True))


def test_a_check_that_held_for_too_short_a_time_proves_something() -> None:
    drive = drill(Step(id="look", name="Look"), Step(id="fix", name="Fix", verify=WATCH))
    drive.health[INDICATOR] = 0.5
    drive.wait(2)
    drive.health[INDICATOR] = 1.0
    drive.wait(2).say(Complete()).say(Complete())
    assert drive[e.VerifyStarted] == [e.VerifyStarted(step="fix", vacuous=False)]


def test_a_check_that_was_bad_before_the_deed_proves_something() -> None:
    drive = drill(Step(id="fix", name="Fix", verify=WATCH))
    drive.health[INDICATOR] = 0.5
    drive.wait(2)
    drive.health[INDICATOR] = 1.0
    drive.wait(1).say(Complete())
    assert drive[e.VerifyStarted] == [e.VerifyStarted(step="fix", vacuous=False)]


# -- failure -----------------------------------------------------------------------------------------------------------


def test_a_failed_command_is_tried_again_after_its_delay() -> None:
    drive = drill(Step(id="fix", name="Fix", run="x", retry_max=2, retry_delay=5.0), commands={"fix": [1, 1, 0]})
    drive.say(RunCommand())
    began = drive.clock.now()
    assert drive[e.RetryScheduled] == [e.RetryScheduled(step="fix", attempt=2, due=began + 5.0)]
    drive.wait(4.9)
    assert len(drive[e.CommandIntended]) == 1
    drive.wait(5.2)
    assert [intended.attempt for intended in drive[e.CommandIntended]] == [1, 2, 3]
    assert outcomes(drive) == [("fix", "succeeded")]


def test_a_person_need_not_wait_for_the_retry() -> None:
    drive = drill(Step(id="fix", name="Fix", run="x", retry_max=1, retry_delay=500.0), commands={"fix": [1]})
    drive.say(RunCommand()).say(Retry())
    assert len(drive[e.CommandIntended]) == 2


def test_when_no_retry_is_left_people_are_asked() -> None:
    drive = drill(Step(id="fix", name="Fix", run="x", retry_max=1), commands={"fix": [3, 3]}).say(RunCommand())
    assert drive[e.StepFailing] == [e.StepFailing(step="fix", why="exit code 3")]
    assert drive.step("fix").status == "failing"
    assert "retry it, skip it" in drive.refused(Complete())


@pytest.mark.parametrize(
    ("command", "outcome", "as_written", "then"),
    [
        (Skip(why="by hand"), "skipped", False, "b"),
        (Fail(why="it is broken"), "failed", True, "b"),
        (GoTo(step="next"), "failed", False, "next"),
    ],
)
def test_people_decide_what_becomes_of_a_failing_step(command: Any, outcome: str, as_written: bool, then: str) -> None:
    drive = drill(Step(id="fix", name="Fix", run="x"), Step(id="b", name="B"), commands={"fix": [1]}).say(RunCommand())
    drive.say(command)
    ended = drive[e.StepEnded][0]
    assert (ended.outcome, ended.as_written, drive.state.current) == (outcome, as_written, then)


def test_a_retry_by_hand_gives_the_retries_back() -> None:
    step = Step(id="fix", name="Fix", run="x", retry_max=1)
    drive = drill(step, commands={"fix": [1, 1, 1, 0]}).say(RunCommand()).say(Retry())
    assert drive[e.StepRetried]
    assert [intended.attempt for intended in drive[e.CommandIntended]] == [1, 2, 3, 4]
    assert outcomes(drive) == [("fix", "succeeded")]


def test_a_retried_deed_is_done_again() -> None:
    drive = (
        drill(Step(id="fix", name="Fix", verify=PROBE)).say(Complete()).observe(e.VerifyEnded(step="fix", held=False))
    )
    drive.say(Retry())
    assert drive.step("fix").status == "ready"
    drive.say(Complete()).observe(e.VerifyEnded(step="fix", held=True))
    assert outcomes(drive) == [("fix", "succeeded")]


def test_a_refused_confirmation_may_be_asked_again() -> None:
    drive = drill(Step(id="fix", name="Fix", run="x", confirm="?")).say(Confirm(yes=False)).say(Retry())
    assert drive.step("fix").status == "asking"
    assert drive.say(Confirm())[e.CommandIntended]


def test_without_people_asking_means_stopping() -> None:
    drive = drill(Step(id="fix", name="Fix", run="x"), attended=False, commands={"fix": [1]})
    assert outcomes(drive) == [("fix", "failed")]
    assert drive.state.end is not None
    assert (drive.state.end.cause, drive.state.end.why) == ("runbook-stopped", "step fix: exit code 1")


@pytest.mark.parametrize(
    ("on_timeout", "then"),
    [(None, "next"), (GoToStep("b"), "b"), (StopRunbook(), "")],
    ids=["as on-failure", "go-to", "stop"],
)
def test_a_timeout_has_its_own_way_out(on_timeout: FailureRule | None, then: str) -> None:
    step = Step(id="fix", name="Fix", run="x", timeout=10.0, on_failure=GoToStep("next"), on_timeout=on_timeout)
    drive = drill(step, Step(id="b", name="B")).say(RunCommand()).wait(10)
    drive.command_ended("fix", -9, timed_out=True)
    assert drive[e.StepEnded][0].outcome == "timed-out"
    assert drive[e.StepEnded][0].why == "timed out after 10 s"
    assert drive.state.current == then


@pytest.mark.parametrize(("code", "why"), [(-15, "signal 15"), (127, "exit code 127")])
def test_what_went_wrong_is_said(code: int, why: str) -> None:
    drive = drill(Step(id="fix", name="Fix", run="x", on_failure=ContinueRunbook()), commands={"fix": [code]})
    assert drive.say(RunCommand())[e.StepEnded][0].why == why


def test_a_person_who_says_failed_is_not_asked_again() -> None:
    drive = drill(Step(id="look", name="Look")).say(Fail(why="the dashboard is down"))
    assert outcomes(drive) == [("look", "failed")]
    assert drive.state.current == "next"


def test_going_round_a_step_needs_a_reason() -> None:
    drive = drill(Step(id="look", name="Look"))
    assert drive.refused(Skip(why=" ")) == "say why"
    assert drive.refused(Fail(why="")) == "say why"
    assert "retry" not in drive.refused(Retry())


def test_a_running_command_can_be_left_behind() -> None:
    drive = drill(Step(id="fix", name="Fix", run="x")).say(RunCommand()).say(Skip(why="it hangs"))
    drive.command_ended("fix", -9)
    assert outcomes(drive) == [("fix", "skipped")]
    assert drive.step("fix").status == "ended"
    assert drive.state.current == "next"


# -- without people ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "outcome", "why"),
    [("skip", "skipped", "unattended"), ("done", "succeeded", ""), ("fail", "failed", "unattended")],
)
def test_a_manual_step_without_people(way: str, outcome: str, why: str) -> None:
    step = Step(id="look", name="Look", unattended=way, on_failure=ContinueRunbook(), milestone="detected")
    drive = drill(step, attended=False)
    assert drive[e.StepEnded][0] == e.StepEnded(step="look", outcome=outcome, why=why)
    assert ("detected" in drive.state.milestones) == (way == "done")


def test_a_manual_step_without_people_can_be_proven_instead() -> None:
    step = Step(id="look", name="Look", unattended="verify", verify=PROBE, milestone="resolved")
    drive = drill(step, attended=False)
    assert drive.step("look").status == "verifying"
    assert drive.observe(e.VerifyEnded(step="look", held=True)).state.milestones["resolved"].step == "look"


def test_a_skipped_step_asks_nobody() -> None:
    step = Step(id="look", name="Look", approve="lead", confirm="?", ask=(Ask(name="a", prompt="?"),))
    drive = drill(step, attended=False)
    assert outcomes(drive)[0] == ("look", "skipped")
    assert not drive[e.StepConfirmed]


def test_nobody_may_answer_for_a_step_that_is_unattended() -> None:
    drive = drill(Step(id="fix", name="Fix", run="x"), attended=False)
    assert "unattended" in drive.refused(Skip(why="I am here"))
    assert "unattended" in drive.refused(GoTo(step="next"))


# -- beside the sequence -----------------------------------------------------------------------------------------------

TELL = Step(id="tell", name="Tell people", anytime=True, every=60.0)


def test_an_anytime_step_is_never_current_and_can_be_done_again_and_again() -> None:
    drive = drill(Step(id="look", name="Look"), TELL)
    drive.say(Complete(step="tell")).say(Complete(step="tell"))
    assert drive.state.current == "look"
    assert drive.step("tell").visits == 2
    assert outcomes(drive) == [("tell", "succeeded")] * 2
    assert drive.say(Complete()).state.current == "next"


def test_an_anytime_step_reminds_until_it_is_done_and_again_later() -> None:
    drive = drill(Step(id="look", name="Look"), TELL)
    drive.wait(61)
    assert len(drive[e.StepReminded]) == 1
    drive.wait(30).say(Complete(step="tell")).wait(59)
    assert len(drive[e.StepReminded]) == 1
    drive.wait(2)
    assert len(drive[e.StepReminded]) == 2


def test_a_reminder_waits_as_long_as_a_pause() -> None:
    drive = drill(Step(id="look", name="Look"), TELL).wait(30).say(Pause(why="fire drill")).wait(100)
    drive.say(Resume()).wait(29)
    assert not drive[e.StepReminded]
    drive.wait(2).say(Pause(why="again")).wait(100).say(Resume()).wait(58)
    assert len(drive[e.StepReminded]) == 1
    drive.wait(2)
    assert len(drive[e.StepReminded]) == 2


def test_nobody_is_reminded_when_nobody_is_there() -> None:
    drive = drill(Step(id="look", name="Look"), TELL, attended=False, scripted=("look",)).wait(200)
    assert not drive[e.StepReminded]


def test_only_the_current_step_is_done_by_name() -> None:
    drive = drill(Step(id="look", name="Look"))
    assert "look is" in drive.refused(Complete(step="next"))
    assert drive.say(Complete(step="look")).state.current == "next"


# -- milestones, hints, disputes ---------------------------------------------------------------------------------------


def test_a_milestone_is_reached_when_its_step_succeeds_and_only_once() -> None:
    drive = drill(Step(id="look", name="Look", milestone="detected")).say(Milestone(name="detected"), by="bob")
    drive.say(Complete())
    assert len(drive[e.MilestoneReached]) == 1
    assert drive.state.milestones["detected"].by == "bob"
    assert "was said by bob at 00:0" in drive.refused(Milestone(name="detected"))


def test_a_skipped_step_reaches_nothing() -> None:
    drive = drill(Step(id="look", name="Look", milestone="detected")).say(Skip(why="no time"))
    assert not drive.state.milestones


def test_milestones_come_in_any_order_but_only_known_ones() -> None:
    drive = drill(Step(id="look", name="Look")).say(Milestone(name="resolved")).say(Milestone(name="detected"))
    assert set(drive.state.milestones) == {"resolved", "detected"}
    assert "is no milestone" in drive.refused(Milestone(name="healed"))


def test_a_hint_is_recorded_when_it_is_shown_once() -> None:
    drive = drill(Step(id="look", name="Look", hint="The status page lags.")).say(ShowHint()).say(ShowHint())
    assert drive[e.HintShown] == [e.HintShown(step="look")]
    assert "no hint" in drive.say(Complete()).refused(ShowHint())


def test_a_step_can_be_disputed_while_and_after_it_is_current() -> None:
    drive = drill(Step(id="look", name="Look")).say(Dispute(text="The dashboard has moved."))
    drive.say(Complete()).say(Complete()).say(Dispute(text="This one too."))
    assert [disputed.step for disputed in drive[e.StepDisputed]] == ["look", "next"]
    assert drive.step("look").disputes == 1


# -- answers that are asked for in a form, and outputs -----------------------------------------------------------------

_REGION = Ask(name="region", prompt="Which?", choices=("eu", "us"), default="us")
_TICKET = Ask(name="ticket", prompt="Which?", pattern="[A-Z]+-[0-9]+")


def _asking(*ask: Ask, **how: Any) -> Drive:
    return drill(Step(id="fix", name="Fix", run="fix", ask=ask), **how)


@pytest.mark.parametrize(
    ("ask", "value", "why"),
    [
        (_REGION, "mars", "region cannot be 'mars': it is none of: eu, us"),
        (_REGION, "EU", "region cannot be 'EU': it is none of: eu, us"),
        (_TICKET, "OPS-12 or so", "ticket cannot be 'OPS-12 or so': it does not match [A-Z]+-[0-9]+"),
        (_TICKET, "", "ticket needs a value"),
    ],
)
def test_an_answer_that_is_not_asked_for_is_refused(ask: Ask, value: str, why: str) -> None:
    assert why == _asking(ask).refused(Answer(name=ask.name, value=value))


@pytest.mark.parametrize(("given", "answer"), [("eu", "eu"), ("", "us")])
def test_an_empty_answer_means_the_default(given: str, answer: str) -> None:
    drive = _asking(_REGION).say(Answer(name="region", value=given))
    assert drive.state.answers == {"region": answer}
    assert drive.step("fix").who == "alice"


def test_where_nobody_is_the_default_is_the_answer() -> None:
    drive = _asking(_REGION, attended=False, commands={"fix": [0]})
    assert drive[e.StepAnswered] == [e.StepAnswered(step="fix", name="region", value="us", waived="unattended")]
    assert drive.state.driver != "conductor"
    assert outcomes(drive)[0] == ("fix", "succeeded")


@pytest.mark.parametrize("unattended", ["skip", "fail", "done"])
def test_where_nobody_is_the_default_is_the_answer_also_of_a_step_that_a_person_does(unattended: str) -> None:
    how = Step(
        id="how", name="How?", ask=(_REGION,), confirm="Sure?", unattended=unattended, on_failure=ContinueRunbook()
    )
    then = Step(id="then", name="Then", run="x", condition="answers.region == 'us'")
    drive = drill(how, then, attended=False, commands={"then": [0]})
    assert drive[e.StepAnswered] == [e.StepAnswered(step="how", name="region", value="us", waived="unattended")]
    ended = {"skip": "skipped", "fail": "failed", "done": "succeeded"}[unattended]
    assert outcomes(drive)[:2] == [("how", ended), ("then", "succeeded")]


def test_where_nobody_is_a_question_without_a_default_ends_the_run() -> None:
    drive = _asking(_REGION, _TICKET, attended=False)
    assert "waits for an answer" in drive[e.EndDecided][0].why


def test_an_output_is_there_for_later_conditions() -> None:
    read = Step(id="read", name="Read", run="v", output={"version": "$.v"})
    old, new = (Step(id=f"v{n}", name="Fix", run="x", condition=f"outputs.version == '{n}'") for n in (1, 2))
    drive = drill(read, old, new).say(RunCommand()).command_ended("read", outputs={"version": "2"})
    assert drive.state.outputs == {"version": "2"}
    assert drive.state.current == "v2"


def test_a_command_whose_output_is_not_there_has_failed_and_is_tried_again() -> None:
    read = Step(id="read", name="Read", run="v", output={"version": "$.v"}, retry_max=1, on_failure=ContinueRunbook())
    drive = drill(read).say(RunCommand()).command_ended("read", why="output version: nothing is found at $.v")
    assert [tried.attempt for tried in drive[e.CommandIntended]] == [1, 2]
    drive.command_ended("read", why="output version: nothing is found at $.v")
    assert outcomes(drive) == [("read", "failed")]
    assert drive.step("read").why == "output version: nothing is found at $.v"
