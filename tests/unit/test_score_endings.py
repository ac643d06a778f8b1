"""The ending of a run: every verdict word, the awkward drills, and which exit code wins."""

from __future__ import annotations

import pytest
from sample_runs import CHECKOUTS, FRONT, SampleRun, drill, experiment, plan

from runner.engine import events as ev
from runner.engine.plan import Step
from runner.scoring.score import score
from runner.scoring.scorecard import Scorecard
from runner.specs.injection_moment import Between


def card(sample: SampleRun) -> Scorecard:
    return score(sample.records())


def quiet(**more: object) -> SampleRun:
    """A fault that does not bite, a runbook that is done."""
    sample = SampleRun(plan(**more)).live().seconds(0, "." * 40).inject(10.0)
    return sample.at(5.0, ev.StepStarted(step="look"), ev.StepEnded(step="look", outcome="succeeded"))


# -- who ended it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "ending", "code", "success"),
    [
        ({"cause": "aborted", "reason": "real-incident"}, "aborted", 4, None),
        ({"cause": "aborted", "reason": "unsafe"}, "aborted", 4, None),
        ({"cause": "aborted", "reason": "logistics"}, "aborted", 4, None),
        ({"cause": "aborted", "reason": "stuck"}, "aborted", 4, False),
        ({"cause": "stopped", "own_fault": True}, "stopped", 4, False),
        ({"cause": "stopped"}, "stopped", 4, None),
        ({"cause": "refused"}, "refused", 3, None),
        ({"cause": "broken"}, "broken", 5, None),
    ],
)
def test_endings_that_are_not_judged(end: dict[str, object], ending: str, code: int, success: bool | None) -> None:
    told = card(drill().end(28.0, why="so", **end).undo(28.5))
    assert (told.ending, told.exit_code, told.success) == (ending, code, success)
    assert told.headline.startswith(f"{ending}: ")
    assert told.headline.endswith("so")


def test_a_running_run_has_no_ending() -> None:
    told = card(drill())
    assert (told.ending, told.exit_code, told.headline, told.success) == ("", 0, "running", None)
    assert (told.service.status, told.runbook.status, told.ended) == ("open", "open", None)


def test_a_refused_run_has_nothing_to_judge() -> None:
    told = card(SampleRun(plan(expect="no-impact")).at(1.0, ev.PhaseEntered(phase="preflight")).end(2.0, "refused"))
    assert (told.ending, told.service.status, told.runbook.status) == ("refused", "not applicable", "not applicable")
    assert (told.objectives_judged, told.censored) == (0, False)


def test_a_conductor_that_died_after_the_end_was_decided_is_broken() -> None:
    sample = drill().end(28.0).at(28.2, ev.EndDecided(cause="broken", reason="conductor", why="it was killed"))
    told = card(sample.undo(29.0))
    assert (told.ending, told.exit_code, told.cause) == ("broken", 5, "complete")


def test_an_undo_without_a_word_of_why_is_broken() -> None:
    assert card(drill().undo(28.0)).ending == "broken"


# -- faults that stay --------------------------------------------------------------------------------------------------


def test_a_fault_left_behind_is_broken_and_the_gravest_code() -> None:
    sample = drill().end(28.0, "aborted", reason="unsafe").at(28.3, ev.UndoStarted(experiments=("errors",)))
    sample.at(29.0, ev.UndoFailed(experiment="errors", why="the proxy is gone"), ev.UndoEnded(left=("errors",)))
    told = card(sample)
    assert (told.ending, told.exit_code) == ("broken", 6)
    assert told.headline == "broken: a fault was left behind: errors: the proxy is gone"
    assert (told.faults[0].state, told.faults[0].why) == ("left", "the proxy is gone")


def test_an_intent_nothing_undid_was_left_behind() -> None:
    told = card(drill().end(28.0).at(29.0, ev.UndoStarted(), ev.UndoEnded()))
    assert (told.ending, told.exit_code) == ("broken", 6)


def test_a_fault_undone_later_is_no_longer_left() -> None:
    sample = drill().end(28.0).at(28.3, ev.UndoStarted(experiments=("errors",)))
    sample.at(29.0, ev.UndoFailed(experiment="errors", why="no route"), ev.UndoEnded(left=("errors",)))
    told = card(sample.undo(500.0))
    assert (told.ending, told.exit_code, told.faults[0].state) == ("broken", 5, "undone")


def test_while_the_undo_runs_nothing_is_left_yet() -> None:
    assert card(drill().end(28.0)).exit_code == 0


# -- checks that prove nothing -----------------------------------------------------------------------------------------


def test_a_vacuous_undone_when_never_passes() -> None:
    sample = drill().at(11.0, ev.UndoChecked(experiment="errors", name="gone", held=True, while_in=True))
    told = card(sample.end(28.0).undo(28.5))
    assert (told.ending, told.exit_code, told.vacuous) == ("inconclusive", 7, ("undone-when 'gone'",))


@pytest.mark.parametrize("answers", [(True, False), (False, True)])
def test_one_no_with_the_fault_in_is_enough(answers: tuple[bool, bool]) -> None:
    sample = drill()
    for t, held in zip((11.0, 12.0), answers, strict=True):
        sample.at(t, ev.UndoChecked(experiment="errors", name="gone", held=held, while_in=True))
    told = card(sample.end(28.0).undo(28.5))
    assert (told.ending, told.vacuous) == ("passed", ())


# -- awkward drills ----------------------------------------------------------------------------------------------------


def test_a_fault_that_does_not_bite_proves_nothing() -> None:
    told = card(quiet().end(35.0).undo(35.5))
    assert (told.ending, told.exit_code, told.service.status) == ("inconclusive", 7, "not applicable")
    assert told.why == "no impact within 20 s of the fault: a fault that does not bite proves nothing"


def test_an_impact_that_comes_too_late_proves_nothing() -> None:
    sample = SampleRun(plan(indicators=(CHECKOUTS,))).live().inject(10.0).seconds(10, "." * 25 + "xx....")
    assert card(sample.end(45.0)).why == "the impact came 25.2 s after the fault, later than 20 s"


def test_a_fault_that_was_never_injected_proves_nothing() -> None:
    told = card(
        SampleRun().live().seconds(0, "." * 30).step(5.0, "look", 6.0).step(6.0, "fix", 7.0).end(30.0, "time-box")
    )
    assert (told.ending, told.why) == ("inconclusive", "no fault was injected")


def test_inconclusive_outweighs_a_failed_runbook() -> None:
    told = card(quiet().step(12.0, "fix", 13.0, "failed").end(35.0))
    assert (told.ending, told.exit_code, told.runbook.status) == ("inconclusive", 7, "not met")


def test_no_impact_expected_and_none_seen_passes() -> None:
    told = card(quiet(expect="no-impact").step(12.0, "fix", 13.0).end(35.0).undo(36.0))
    assert (told.ending, told.headline) == ("passed", "1 of 1 objectives met")


def test_no_impact_expected_and_one_seen_fails() -> None:
    told = card(drill(plan(expect="no-impact")).end(28.0).undo(28.5))
    assert (told.ending, told.exit_code) == ("failed", 1)
    assert told.objectives[0].evidence == "checkouts broke at 12.2 s"


def test_mitigated_before_any_impact_is_prevented_without_a_recovery_time() -> None:
    told = card(quiet().step(12.0, "fix", 13.0).end(35.0).undo(36.0))
    assert (told.ending, told.episodes[0].character) == ("passed", "prevented")
    assert (told.service.why, told.times.recovered.seconds) == ("prevented: mitigated before any impact", None)
    assert {objective.status for objective in told.objectives} == {"not applicable"}


def test_a_service_that_heals_before_any_team_action_healed_itself() -> None:
    sample = SampleRun(plan(indicators=(CHECKOUTS,))).live().inject(10.0).seconds(10, "xx......")
    told = card(sample.step(5.0, "look", 16.0).step(16.0, "fix", 17.0).say(13.0, "detected").end(19.0))
    assert (told.ending, told.episodes[0].character) == ("passed", "self-healed")
    assert told.objectives[-1].evidence.endswith("the system's time, not the team's")


def test_any_team_action_makes_it_the_teams_recovery() -> None:
    for act in (ev.CommandStarted(step="fix", attempt=1), ev.StepDone(step="look")):
        sample = SampleRun(plan(indicators=(CHECKOUTS,))).live().inject(10.0).seconds(10, "xx......").at(11.0, act)
        assert card(sample.end(19.0)).episodes[0].character == "recovered"
    said = SampleRun(plan(indicators=(CHECKOUTS,))).live().inject(10.0).seconds(10, "xx......").say(11.0, "mitigated")
    assert card(said.end(19.0)).episodes[0].character == "recovered"


def test_a_step_nobody_did_is_no_team_action() -> None:
    sample = SampleRun(plan(indicators=(CHECKOUTS,)), attended=False).live().inject(10.0).seconds(10, "xx......")
    assert card(sample.at(11.0, ev.StepDone(step="look")).end(19.0)).episodes[0].character == "self-healed"


def test_actions_of_an_earlier_incident_do_not_heal_a_later_one() -> None:
    two = plan(indicators=(CHECKOUTS,), experiments=(experiment("a"), experiment("b", Between(1.0, 9.0))))
    sample = SampleRun(two).live().inject(10.0, "a").seconds(10, "xx....").inject(16.0, "b").seconds(16, "xx....")
    sample.at(10.5, ev.CommandStarted(step="fix", attempt=1))
    assert [each.character for each in card(sample.end(25.0)).episodes] == ["recovered", "self-healed"]


def test_without_indicators_the_runbook_decides() -> None:
    told = card(
        SampleRun(plan(indicators=())).live().inject(10.0).step(5.0, "look", 6.0).step(6.0, "fix", 12.0).end(13.0)
    )
    assert (told.ending, told.service.status) == ("passed", "not applicable")
    assert "no indicator: neither impact nor recovery is measured" in told.findings


def test_a_rehearsal_without_a_fault_is_about_the_runbook() -> None:
    calm = plan(experiments=(), indicators=(FRONT,))
    told = card(SampleRun(calm).live().seconds(0, "." * 12).step(5.0, "look", 6.0).step(6.0, "fix", 12.0).end(13.0))
    assert (told.ending, told.runbook.status) == ("passed", "met")
    assert told.headline == "passed; every critical step succeeded as written"


# -- the runbook -------------------------------------------------------------------------------------------------------


def recovering(**more: object) -> SampleRun:
    sample = SampleRun(plan(**more)).live().seconds(0, "." * 12).inject(10.0)
    return sample.seconds(12, "xx.............", "checkouts").seconds(12, "." * 15, "front")


def test_recovered_off_script_fails_the_runbook() -> None:
    sample = (
        recovering().step(5.0, "look", 13.0).step(13.0, "fix", 14.0, "skipped", why="I know better", as_written=False)
    )
    told = card(sample.at(13.5, ev.NoteWritten(text="restarted it by hand")).end(28.0).undo(28.5))
    assert (told.ending, told.exit_code, told.service.status) == ("failed", 1, "met")
    assert told.runbook.why == "recovered off-script: step fix: skipped, I know better"
    assert told.headline == "3 of 3 objectives met; runbook not met"


@pytest.mark.parametrize("outcome", ["failed", "timed-out"])
def test_a_critical_step_that_fails_fails_the_runbook(outcome: str) -> None:
    told = card(recovering().step(5.0, "look", 13.0).step(13.0, "fix", 14.0, outcome).end(28.0))
    assert (told.runbook.status, told.ending) == ("not met", "failed")


def test_a_step_that_is_not_critical_may_fail() -> None:
    steps = (Step(id="look", name="Look", milestone="detected"), Step(id="fix", name="Fix", run="x", critical=False))
    told = card(recovering(steps=steps).step(5.0, "look", 13.0).step(13.0, "fix", 14.0, "failed").end(28.0))
    assert (told.runbook.status, told.ending) == ("met", "passed")


def test_the_last_visit_decides() -> None:
    sample = recovering().step(5.0, "look", 12.0).step(12.0, "fix", 13.0, "failed").step(13.0, "fix", 14.0)
    assert card(sample.end(28.0)).runbook.status == "met"


def test_a_step_once_gone_round_was_not_followed_as_written() -> None:
    sample = (
        recovering().step(5.0, "look", 12.0).step(12.0, "fix", 13.0, "skipped", why="went to look", as_written=False)
    )
    told = card(sample.step(13.0, "fix", 14.0).end(28.0))
    assert told.runbook.why == "recovered off-script: step fix: gone round"


def test_steps_that_do_not_apply_leave_the_denominators() -> None:
    sample = recovering().at(5.0, ev.StepEnded(step="look", outcome="skipped", why="if")).say(13.0, "detected")
    assert card(sample.step(13.0, "fix", 14.0).end(28.0)).runbook.status == "met"


def test_a_runbook_of_which_nothing_is_left_to_judge_does_not_apply() -> None:
    sample = recovering().at(5.0, ev.StepEnded(step="look", outcome="skipped", why="unattended"))
    sample.at(5.0, ev.StepEnded(step="fix", outcome="skipped", why="if")).say(13.0, "detected")
    assert card(sample.end(28.0)).runbook.status == "not applicable"


THREE = (Step(id="look", name="Look"), Step(id="other", name="Other"), Step(id="fix", name="Fix", run="x"))


def test_steps_jumped_over_by_a_choice_are_not_missing() -> None:
    sample = recovering(steps=THREE).step(5.0, "look", 12.0).step(12.0, "fix", 14.0)
    assert card(sample.say(12.5, "detected").end(28.0)).runbook.status == "met"


def test_a_runbook_may_end_early_by_its_own_choice() -> None:
    sample = recovering(steps=THREE).step(5.0, "look", 12.0).say(12.5, "detected")
    assert card(sample.end(28.0)).runbook.status == "met"


def test_steps_behind_the_point_where_it_stopped_are_missing() -> None:
    sample = recovering(steps=THREE).step(5.0, "look", 12.0).say(12.5, "detected")
    told = card(sample.end(28.0, "runbook-stopped"))
    assert told.runbook.why == "recovered off-script: step other: not reached; step fix: not reached"


def test_a_step_unfinished_at_the_time_box_fails_the_runbook() -> None:
    sample = recovering().step(5.0, "look", 13.0).at(13.0, ev.StepStarted(step="fix"))
    told = card(sample.end(28.0, "time-box").undo(28.5))
    assert (told.runbook.why, told.ending) == ("recovered off-script: step fix: unfinished", "failed")


def test_an_anytime_step_nobody_did_is_not_missing() -> None:
    steps = (*plan().steps, Step(id="tell", name="Tell people", anytime=True))
    sample = recovering(steps=steps).step(5.0, "look", 13.0).step(13.0, "fix", 14.0)
    assert card(sample.end(28.0, "aborted", reason="unsafe")).runbook.status == "met"


# -- a bare experiment -------------------------------------------------------------------------------------------------


BARE = plan(bare=True, steps=(), indicators=(), alerts=(), time_to_detect=None)


@pytest.mark.parametrize(
    ("status", "deviated", "cause", "ending", "code"),
    [
        ("completed", False, "complete", "passed", 0),
        ("completed", True, "deviated", "failed", 1),
        ("failed", False, "deviated", "failed", 1),
        ("aborted", False, "complete", "failed", 1),
    ],
)
def test_a_bare_experiment(status: str, deviated: bool, cause: str, ending: str, code: int) -> None:
    sample = SampleRun(BARE, attended=False).inject(1.0)
    sample.at(2.0, ev.ExperimentEnded(experiment="errors", status=status, deviated=deviated))
    told = card(sample.end(2.1, cause).undo(2.5))
    assert (told.ending, told.exit_code, told.objectives) == (ending, code, ())


def test_a_bare_experiment_whose_action_failed_did_not_pass() -> None:
    sample = SampleRun(BARE, attended=False).inject(1.0)
    failed = ev.ActivityEnded(experiment="errors", index=1, name="kill", type="action", status="failed", exception="no")
    sample.at(1.5, failed).at(2.0, ev.ExperimentEnded(experiment="errors", status="completed"))
    told = card(sample.end(2.1).undo(2.5))
    assert (told.ending, told.why) == ("failed", "action kill failed")
