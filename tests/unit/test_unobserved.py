"""What nobody observed proves nothing: gaps of indicators, loads that end, hypotheses, actions that did nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sample_runs import CHECKOUTS, FRONT, SampleRun, bucket, drill, plan

from runner.engine import events as ev
from runner.engine.plan import Load, StopRule
from runner.scoring.score import score
from runner.scoring.scorecard import Scorecard

ASKS = {"default": ("after",), "continuously": ("during", "after"), "during-method-only": ("during",)}
CALM = {"expect": "no-impact", "time_to_detect": None, "time_to_mitigate": None, "time_to_recover": None}


def card(sample: SampleRun) -> Scorecard:
    return score(sample.records())


def calm(*indicators: str, until: int = 40, **more: Any) -> SampleRun:
    """A fault at 10 that nothing shows, looked at by both indicators until then, and by these until the end at 35."""
    sample = SampleRun(plan(**{**CALM, **more})).live().seconds(0, "." * 12).inject(10.0)
    sample.seconds(12, "." * (until - 12), *indicators) if indicators else None
    return sample.at(5.0, ev.StepStarted(step="look"), ev.StepEnded(step="look", outcome="succeeded"))


def over(sample: SampleRun, t: float = 35.0) -> Scorecard:
    return card(sample.end(t).undo(t + 0.5))


# -- indicators --------------------------------------------------------------------------------------------------------


def test_no_impact_passes_when_everything_was_observed() -> None:
    told = over(calm("checkouts", "front"))
    assert (told.ending, told.unobserved) == ("passed", ())


@pytest.mark.parametrize(
    ("seen", "until", "missing", "since"),
    [
        pytest.param(("front",), 40, "checkouts", 12.0, id="the load's share is missing"),
        pytest.param(("checkouts",), 40, "front", 12.0, id="the probe's share is missing"),
        pytest.param((), 40, "checkouts", 12.0, id="both are missing"),
        pytest.param(("checkouts", "front"), 28, "checkouts", 28.0, id="both end early"),
    ],
)
def test_what_was_not_observed_to_the_end_is_inconclusive(
    seen: tuple[str, ...], until: int, missing: str, since: float
) -> None:
    told = over(calm(*seen, until=until))
    assert (told.ending, told.exit_code) == ("inconclusive", 7)
    gap = next(gap for gap in told.unobserved if gap.indicator == missing)
    assert (gap.since, gap.until) == (since, 35.0)
    assert told.findings.count(f"{missing} was not observed from {since:.1f} s to 35.0 s") == 1
    assert told.why in told.findings
    assert "met" not in {objective.status for objective in told.objectives}


def test_a_gap_in_the_middle_counts_and_one_second_does_not() -> None:
    one = calm("front").seconds(13, "." * 27, "checkouts")
    two = calm("front").seconds(14, "." * 26, "checkouts")
    assert over(one).ending == "passed"
    told = over(two)
    assert told.ending == "inconclusive"
    assert [(gap.indicator, gap.since, gap.until) for gap in told.unobserved] == [("checkouts", 12.0, 14.0)]


def test_nothing_seen_since_the_fault_is_a_gap_however_short() -> None:
    sample = SampleRun(plan(**CALM)).live().seconds(0, "." * 12).inject(12.0)
    assert over(sample, 13.0).ending == "inconclusive"


def test_a_gap_before_the_fault_does_not_matter() -> None:
    sample = SampleRun(plan(**CALM)).live().seconds(0, "..").seconds(8, "." * 32).inject(10.0)
    assert over(sample).ending == "passed"


def test_a_probe_of_a_slow_rate_is_observed_between_its_shots() -> None:
    slow = replace(FRONT, every=5.0)
    sample = SampleRun(plan(**CALM, indicators=(slow,))).live().inject(11.0)
    for since in range(0, 36, 5):
        sample.at(since + 1.2, bucket("front", float(since), "."))
    assert over(sample).ending == "passed"


def test_judgements_that_always_came_late_may_be_late_at_the_end() -> None:
    sample = SampleRun(plan(**CALM, indicators=(FRONT,))).live().inject(10.0)
    for since in range(27):
        sample.at(since + 9.0, bucket("front", float(since), "."))
    assert over(sample).ending == "passed"


def test_shots_without_an_answer_after_bad_ones_are_bad_not_unobserved() -> None:
    sample = drill(plan(indicators=(FRONT,)))
    sample = (
        SampleRun(plan(indicators=(FRONT,))).live().seconds(0, "." * 12).inject(10.0).seconds(12, "x" * 14, "front")
    )
    told = over(sample)
    assert (told.ending, told.unobserved) == ("failed", ())


def test_an_impact_does_not_make_up_for_a_gap() -> None:
    sample = (
        SampleRun(plan(time_to_detect=None)).live().seconds(0, "." * 12).inject(10.0).seconds(12, "." * 28, "front")
    )
    sample.seconds(12, "xxxx........", "checkouts").seconds(30, "." * 10, "checkouts")
    told = over(sample.step(5.0, "look", 15.0).step(15.0, "fix", 20.0))
    assert (told.ending, told.unobserved[0].indicator) == ("inconclusive", "checkouts")


def test_a_recovery_is_not_counted_over_a_time_nobody_looked_at() -> None:
    sample = SampleRun(plan(indicators=(CHECKOUTS,))).live().seconds(0, "." * 12).inject(10.0)
    sample.seconds(12, "xxxx.", "checkouts").seconds(30, "." * 5, "checkouts")
    [episode] = card(sample).episodes
    assert episode.recovered == 30.05


def test_a_blind_safety_condition_is_named() -> None:
    told = over(calm("front", stop_when=(StopRule(indicator="checkouts", below=0.5, lasting=5.0),)))
    assert "stop-when on checkouts could not see anything then" in told.findings


def test_an_older_transcript_is_scored_as_it_was() -> None:
    records = calm("front").end(35.0).undo(35.5).records()
    start = records[0]
    assert isinstance(start.event, ev.RunStarted)
    records[0] = replace(start, event=replace(start.event, version=1))
    assert score(records).ending == "passed"


# -- the load ----------------------------------------------------------------------------------------------------------

LOAD = Load(locustfile="drills/d/locustfile.py")


@pytest.mark.parametrize("why", ["the load shape ended", "the locustfile ended it", "every user stopped", ""])
def test_a_load_that_ends_by_itself_is_told_with_what_it_leaves_unseen(why: str) -> None:
    told = over(calm("front", load=LOAD).at(12.3, ev.LoadEnded(why=why), by="load"))
    assert told.ending == "inconclusive"
    assert told.why.startswith("checkouts was not observed from 12.0 s to 35.0 s: the load had ended at 12.3 s (")
    assert (told.load.ended, told.load.why) == (12.3, why)


def test_a_load_that_ends_early_costs_nothing_where_no_indicator_rests_on_it() -> None:
    told = over(calm("front", load=LOAD, indicators=(FRONT,)).at(12.3, ev.LoadEnded(why="enough"), by="load"))
    assert told.ending == "passed"
    assert "the load ended by itself at 12.3 s: enough" in told.findings


def test_a_load_that_is_told_to_stop_is_no_news() -> None:
    sample = calm("checkouts", "front", load=LOAD).end(35.0).at(35.2, ev.LoadEnded(why="asked to stop"), by="load")
    told = card(sample.undo(35.5))
    assert (told.ending, told.load.ended) == ("passed", None)
    assert not any("ended" in each for each in told.findings)


def test_a_load_that_never_asked_anything_is_named() -> None:
    told = over(calm("front", load=LOAD, indicators=(FRONT,)))
    assert "the load made no request" in told.findings


# -- hypotheses --------------------------------------------------------------------------------------------------------


def asked(strategy: str = "default", **more: Any) -> SampleRun:
    """A drill without indicators, whose experiment has a hypothesis."""
    sample = SampleRun(plan(**{**CALM, "expect": "impact", "indicators": (), **more})).live().inject(10.0)
    return begun(sample, ASKS.get(strategy, ())).step(5.0, "look", 15.0).step(15.0, "fix", 20.0)


def begun(sample: SampleRun, asks: tuple[str, ...] = ("after",)) -> SampleRun:
    """The experiment will ask its hypothesis then."""
    loaded = ev.ExperimentLoaded(experiment="errors", asks=asks)
    return sample.at(1.0, loaded, by="chaos").at(9.9, ev.InjectionOrdered(experiment="errors"))


def answer(when: str, *, met: bool, error: str = "") -> ev.HypothesisChecked:
    probe = {"name": "answers", "met": met, "value": None if error else 500, "error": error}
    return ev.HypothesisChecked(experiment="errors", when=when, met=met, probes=(probe,))


@pytest.mark.parametrize(
    ("strategy", "answers", "ending", "finding"),
    [
        ("default", [answer("after", met=True)], "passed", ""),
        (
            "default",
            [answer("after", met=False)],
            "failed",
            "hypothesis after of errors did not hold: answers: it gave 500",
        ),
        (
            "default",
            [answer("after", met=False, error="refused")],
            "failed",
            "hypothesis after of errors could not be asked: answers: refused",
        ),
        ("default", [], "inconclusive", "hypothesis after of errors: it was cut short, or never asked"),
        (
            "continuously",
            [answer("during", met=True), answer("during", met=False), answer("after", met=True)],
            "failed",
            "hypothesis during of errors did not hold 1 of 2 times: answers: it gave 500",
        ),
        ("during-method-only", [answer("during", met=True)], "passed", ""),
        ("during-method-only", [], "inconclusive", "hypothesis during of errors: it was cut short, or never asked"),
        ("before-method-only", [], "passed", ""),
    ],
)
def test_a_hypothesis_is_what_a_drill_without_indicators_is_judged_by(
    strategy: str, answers: list[ev.HypothesisChecked], ending: str, finding: str
) -> None:
    told = card(asked(strategy).end(30.0).at(30.1, *answers, by="chaos").undo(30.5))
    assert told.ending == ending
    assert finding in ("", *told.findings)
    assert bool(finding) == any("hypothesis" in each for each in told.findings)


@pytest.mark.parametrize("answers", [[answer("after", met=False)], [], [answer("after", met=False, error="refused")]])
def test_with_indicators_a_hypothesis_is_a_finding(answers: list[ev.HypothesisChecked]) -> None:
    sample = begun(drill())
    told = card(sample.end(28.0).at(28.1, *answers, by="chaos").undo(28.5))
    assert told.ending == "passed"
    assert any(each.startswith("hypothesis after of errors") for each in told.findings)


def test_where_nothing_was_to_happen_a_hypothesis_that_breaks_fails() -> None:
    sample = begun(calm("checkouts", "front"))
    told = card(sample.end(35.0).at(35.1, answer("after", met=False), by="chaos").undo(35.5))
    assert (told.ending, told.service.status) == ("failed", "not met")


def test_an_abort_leaves_nothing_to_be_asked() -> None:
    told = card(asked().end(30.0, "aborted", reason="logistics").undo(30.5))
    assert not any("hypothesis" in each for each in told.findings)


# -- actions that may have done nothing --------------------------------------------------------------------------------


def doubted(sample: SampleRun, why: str = "exited with 1", status: str = "succeeded") -> SampleRun:
    ended = ev.ActivityEnded(experiment="errors", index=0, name="break it", type="action", status=status, doubt=why)
    return sample.at(10.06, ended, by="chaos")


def bare(**ended: Any) -> SampleRun:
    sample = SampleRun(plan(bare=True, steps=(), indicators=(), **{**CALM, "expect": "impact"})).live().inject(10.0)
    told = {"status": "completed", "deviated": False, **ended}
    return sample.at(10.2, ev.ExperimentEnded(experiment="errors", **told), by="chaos")


def test_a_bare_experiment_whose_action_may_have_done_nothing_does_not_pass() -> None:
    assert card(bare().end(11.0).undo(11.5)).ending == "passed"
    told = card(doubted(bare()).end(11.0).undo(11.5))
    assert (told.ending, told.exit_code) == ("inconclusive", 7)
    assert told.why == "action 'break it' exited with 1, and nothing shows that the fault was in"
    assert "action 'break it' exited with 1" in told.findings
    assert told.faults[0].doubt == "exited with 1"


def test_a_deviation_shows_that_the_fault_was_in() -> None:
    told = card(doubted(bare(deviated=True)).end(11.0, "deviated").undo(11.5))
    assert (told.ending, told.exit_code) == ("failed", 1)


def test_an_action_that_failed_fails_a_bare_experiment() -> None:
    assert card(doubted(bare(), "", "failed").end(11.0).undo(11.5)).ending == "failed"


def test_a_bare_experiment_that_was_cut_short_proves_nothing() -> None:
    sample = SampleRun(plan(bare=True, steps=(), indicators=())).live().inject(10.0)
    told = card(sample.end(11.0, "time-box").undo(11.5))
    assert (told.ending, told.why) == ("inconclusive", "errors was cut short")


@pytest.mark.parametrize(("why", "told"), [("no route", ": no route"), ("", "")])
def test_a_probe_of_the_method_that_gave_no_answer_is_a_finding(why: str, told: str) -> None:
    ended = ev.ActivityEnded(experiment="errors", index=1, name="look", type="probe", status="failed", exception=why)
    scored = card(bare().at(10.3, ended, by="chaos").end(11.0).undo(11.5))
    assert (scored.ending, scored.findings) == ("passed", (f"probe 'look' failed{told}",))


@pytest.mark.parametrize(("why", "status"), [("exited with 1", "succeeded"), ("", "failed")])
def test_a_drill_needs_its_impact_to_prove_a_doubted_fault(why: str, status: str) -> None:
    bites = over(doubted(drill(), why, status), 28.0)
    assert bites.ending == "passed"
    assert any("break it" in each for each in bites.findings)
    told = over(doubted(calm("checkouts", "front"), why, status))
    assert told.ending == "inconclusive"
    assert "nothing shows that the fault was in" in told.why
    assert over(doubted(asked("skip"), why, status), 30.0).ending == "inconclusive"


@pytest.mark.parametrize("status", ["failed", "aborted", "interrupted"])
def test_a_method_that_was_cut_short_needs_an_impact_too(status: str) -> None:
    ended = ev.ExperimentEnded(experiment="errors", status=status)
    finding = f"experiment errors did not get through its method ({status})"
    bites = over(drill().at(10.3, ended, by="chaos"), 28.0)
    assert (bites.ending, finding in bites.findings) == ("passed", True)
    told = over(calm("checkouts", "front").at(10.3, ended, by="chaos"))
    assert (told.ending, told.why) == ("inconclusive", f"{finding}, and nothing shows that the fault was in")


def test_an_experiment_that_the_end_stops_was_not_cut_short() -> None:
    stopped = ev.ExperimentEnded(experiment="errors", status="interrupted")
    told = card(calm("checkouts", "front").end(35.0).at(35.2, stopped, by="chaos").undo(35.5))
    assert (told.ending, told.findings) == ("passed", ())


# -- who noticed -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["facilitator", "observer", "system"])
def test_what_nobody_noticed_is_no_persons_detection(role: str) -> None:
    sample = SampleRun(plan(alerts=(), time_to_notice=9.0)).live().seconds(0, "." * 12).inject(10.0)
    sample.seconds(12, "xxxxxxxxxx........", "checkouts").seconds(12, "." * 18, "front")
    sample.at(14.0, ev.MilestoneReached(milestone="detected", role=role), by="zoe").step(15.0, "fix", 20.0)
    told = over(sample, 28.0)
    assert told.times.detected_by_person.seconds is None
    assert told.times.detected.seconds is None
    assert {each.name: each.status for each in told.objectives}["time-to-notice"] == "missed"
    assert any("no participant's notice" in each for each in told.findings) is (role != "system")


def test_a_participant_notices_after_the_facilitator_and_after_the_alert() -> None:
    sample = SampleRun(plan(time_to_notice=5.0, steps=())).live().seconds(0, "." * 12).inject(10.0)
    sample.seconds(12, "xxxxxxxxxx........", "checkouts").seconds(12, "." * 18, "front")
    sample.at(13.0, ev.MilestoneReached(milestone="detected", role="facilitator"), by="zoe")
    sample.at(14.0, ev.AlertFired(alert="ErrorsHigh"))
    sample.at(16.0, ev.MilestoneReached(milestone="detected", role="participant"), by="ada")
    told = over(sample, 28.0)
    statuses = {each.name: (each.status, each.measured) for each in told.objectives}
    assert statuses["time-to-notice"] == ("met", 3.8)
    assert statuses["time-to-detect"] == ("met", 1.8)


def test_time_to_notice_needs_people() -> None:
    sample = SampleRun(plan(time_to_notice=5.0), attended=False).live().seconds(0, "." * 12).inject(10.0)
    sample.seconds(12, "xxxxxxxxxx........", "checkouts").seconds(12, "." * 18, "front")
    sample.at(15.0, ev.MilestoneReached(milestone="detected", step="look", role="system"))
    told = over(sample, 28.0)
    assert {each.name: each.evidence for each in told.objectives}["time-to-notice"] == "needs people"
