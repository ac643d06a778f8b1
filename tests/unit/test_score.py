"""What a scorecard says of a run: times, objectives, steps, faults, alerts."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_runs import CHECKOUTS, SampleRun, drill, experiment, plan

from runner.engine import events as ev
from runner.engine.plan import Check, Step
from runner.scoring.score import score, to_json
from runner.scoring.scorecard import AlertScore, CheckScore, LoadScore, RaisedFigures, Rating, Scorecard, StepScore
from runner.specs.injection_moment import Between
from runner.views.load_text import load_lines


def card(sample: SampleRun) -> Scorecard:
    return score(sample.records())


def objective(scorecard: Scorecard, name: str) -> tuple[str, float | None]:
    found = next(each for each in scorecard.objectives if each.name == name)
    return found.status, None if found.measured is None else round(found.measured, 3)


def step(scorecard: Scorecard, step_id: str) -> StepScore:
    return next(each for each in scorecard.steps if each.id == step_id)


# -- a drill that goes well --------------------------------------------------------------------------------------------


def test_a_drill_that_goes_well() -> None:
    told = card(drill().say(27.0, "resolved").end(28.0).undo(28.5))
    assert (told.ending, told.exit_code, told.headline) == ("passed", 0, "3 of 3 objectives met")
    assert (told.service.status, told.runbook.status, told.success) == ("met", "met", True)
    assert (told.run, told.drill, told.target, told.cause) == ("r1", "Gateway outage", "sandbox", "complete")
    assert (told.started_at, told.people) == ("2026-11-20T17:40:00.000000Z", ("ada",))
    assert (told.censored, told.relapses, told.out_of_tolerance) == (False, 0, 10.0)


def test_every_time_with_its_resolution_and_what_measured_it() -> None:
    times = card(drill().say(27.0, "resolved").end(28.0).undo(28.5)).times
    measured = {
        name: (round(time.seconds, 3), time.resolution, time.how)
        for name, time in vars(times).items()
        if time.seconds is not None
    }
    assert measured == {
        "injected": (10.0, 0.001, "the first action started"),
        "returned": (10.05, 0.001, "the first action returned"),
        "impact": (12.2, 0.1, "first bad observation of checkouts"),
        "detected_by_person": (2.8, 0.101, "impact → detected, by step look"),
        "detected_by_alert": (1.8, 0.6, "impact → alert ErrorsHigh fired"),
        "detected": (1.8, 0.6, "impact → alert ErrorsHigh fired"),
        "mitigated_claimed": (7.8, 0.101, "impact → mitigated, by step fix"),
        "mitigated": (9.6, 0.2, "impact → every indicator inside its degraded tolerance"),
        "recovered": (9.6, 0.2, "impact → every indicator inside its tolerance, unbroken"),
        "all_clear_error": (5.2, 0.101, "recovered → resolved was said"),
    }


def test_an_early_all_clear_is_negative() -> None:
    times = card(drill().say(20.0, "resolved").end(28.0)).times
    assert times.all_clear_error.seconds == pytest.approx(-1.8)


def test_what_was_said_before_the_fault_detects_nothing() -> None:
    sample = SampleRun().live().say(6.0, "detected").seconds(0, "." * 10).inject(10.0).seconds(10, "xx......")
    assert card(sample.end(20.0)).times.detected_by_person.seconds is None


def test_an_alert_from_before_the_fault_detects_nothing() -> None:
    sample = SampleRun().live().at(9.0, ev.AlertFired(alert="ErrorsHigh")).seconds(0, "." * 10).inject(10.0)
    assert card(sample.seconds(10, "xx......").end(20.0)).times.detected.seconds is None


def test_acknowledging_counts_from_the_alert() -> None:
    told = card(drill(plan(time_to_acknowledge=5.0)).say(14.6, "acknowledged").end(28.0))
    assert told.times.acknowledged.seconds == pytest.approx(0.6)
    assert objective(told, "time-to-acknowledge") == ("met", 0.6)


def test_nobody_has_to_acknowledge_what_a_person_noticed_first() -> None:
    told = card(drill(plan(time_to_acknowledge=5.0)).say(13.0, "detected").say(14.6, "acknowledged").end(28.0))
    assert told.times.acknowledged.seconds is None
    assert told.times.detected.how == "impact → detected, said by ada"
    assert objective(told, "time-to-acknowledge") == ("not applicable", None)


# -- objectives --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bounds", "name", "expected"),
    [
        ({"time_to_detect": 1.8}, "time-to-detect", ("met", 1.8)),
        ({"time_to_detect": 1.0}, "time-to-detect", ("missed", 1.8)),
        ({"time_to_mitigate": 9.0}, "time-to-mitigate", ("missed", 9.6)),
        ({"time_to_recover": 9.0}, "time-to-recover", ("missed", 9.6)),
        ({"time_to_recover": None}, "recovered", ("met", 9.6)),
    ],
)
def test_an_objective_is_a_bound_on_a_time(bounds: dict[str, Any], name: str, expected: tuple[str, float]) -> None:
    told = card(drill(plan(**bounds)).end(28.0))
    status, measured = objective(told, name)
    assert (status, measured) == (expected[0], pytest.approx(expected[1]))
    assert (told.ending, told.exit_code) == (("passed", 0) if status == "met" else ("failed", 1))


def test_without_a_recovery_the_objective_is_not_recovered_and_the_run_censored() -> None:
    sample = SampleRun().live().seconds(0, "." * 10).inject(10.0).seconds(10, "x" * 20)
    told = card(sample.step(5.0, "look", 15.0).step(15.0, "fix", 20.0).end(30.2, "time-box").undo(31.0))
    assert objective(told, "time-to-recover") == ("not recovered", None)
    assert objective(told, "time-to-mitigate") == ("missed", None)
    assert (told.ending, told.censored, told.censored_after) == ("failed", True, 20.0)
    assert told.episodes[0].character == "not recovered"


def test_an_abort_after_the_recovery_leaves_its_time_standing() -> None:
    told = card(drill().end(28.0, "aborted", reason="logistics", why="fire drill"))
    assert told.times.recovered.seconds == pytest.approx(9.6)
    assert (told.censored, told.ending) == (False, "aborted")


def test_the_longest_recovery_is_the_headline() -> None:
    two = plan(indicators=(CHECKOUTS,), experiments=(experiment("a"), experiment("b", Between(1.0, 9.0))))
    sample = SampleRun(two).live().inject(10.0, "a").seconds(10, "xx....").inject(16.0, "b").seconds(16, "xxxx....")
    told = card(sample.end(24.5))
    assert told.times.recovered.seconds == pytest.approx(3.6)
    assert [round(each.time_to_recover.seconds or 0.0, 3) for each in told.episodes] == [1.6, 3.6]


def test_one_episode_not_recovered_is_a_run_not_recovered() -> None:
    two = plan(indicators=(CHECKOUTS,), experiments=(experiment("a"), experiment("b", Between(1.0, 9.0))))
    sample = SampleRun(two).live().inject(10.0, "a").seconds(10, "xx....").inject(16.0, "b").seconds(16, "xxxx")
    told = card(sample.end(24.5, "time-box"))
    assert objective(told, "time-to-recover") == ("not recovered", None)
    assert told.censored


# -- people, or none ---------------------------------------------------------------------------------------------------


def test_objectives_that_need_people_do_not_apply_without_them() -> None:
    lonely = plan(alerts=(), time_to_acknowledge=5.0)
    sample = SampleRun(lonely, attended=False).live().seconds(0, "." * 10).inject(10.0).seconds(10, "xx......")
    sample.at(5.0, ev.StepStarted(step="look"), ev.StepEnded(step="look", outcome="skipped", why="unattended"))
    told = card(sample.step(5.1, "fix", 11.0).end(20.0))
    assert objective(told, "time-to-detect") == ("not applicable", None)
    assert objective(told, "time-to-acknowledge") == ("not applicable", None)
    assert (told.objectives_met, told.objectives_judged, told.headline) == (2, 2, "2 of 2 objectives met")
    assert (told.ending, told.runbook.status) == ("passed", "met")


def test_an_alert_can_detect_without_people() -> None:
    told = card(drill(attended=False).end(28.0))
    assert objective(told, "time-to-detect")[0] == "met"


def test_a_scripted_operator_acknowledges_but_notices_nothing() -> None:
    silent = plan(time_to_acknowledge=5.0, steps=(Step(id="look", name="Look", milestone="acknowledged"),))
    sample = SampleRun(silent, attended=False, scripted=("look",)).live().inject(10.0).seconds(10, "xx......")
    told = card(sample.at(12.0, ev.AlertFired(alert="ErrorsHigh")).end(20.0))
    assert objective(told, "time-to-acknowledge") == ("missed", None)
    alone = SampleRun(plan(alerts=()), attended=False, scripted=("look",)).live().inject(10.0).seconds(10, "xx......")
    assert objective(card(alone.end(20.0)), "time-to-detect") == ("not applicable", None)


# -- steps -------------------------------------------------------------------------------------------------------------


def test_every_second_of_a_step_is_accounted_for() -> None:
    sample = SampleRun().live().at(10.0, ev.StepStarted(step="fix"))
    sample.at(14.0, ev.CommandStarted(step="fix", attempt=1))
    sample.at(15.0, ev.CommandEnded(step="fix", attempt=1, exit_code=1, duration=1.0))
    sample.at(15.0, ev.RetryScheduled(step="fix", attempt=2, due=17.0))
    sample.at(17.0, ev.CommandStarted(step="fix", attempt=2))
    sample.at(18.0, ev.CommandEnded(step="fix", attempt=2, exit_code=0, duration=1.0))
    sample.at(18.0, ev.VerifyStarted(step="fix"))
    sample.at(20.0, ev.Paused(why="lunch")).at(50.0, ev.Resumed())
    sample.at(52.0, ev.VerifyEnded(step="fix", held=True), ev.StepEnded(step="fix", outcome="succeeded"))
    told = card(sample.end(60.0))
    fix = step(told, "fix")
    assert (fix.seconds, fix.net, fix.paused) == (42.0, 12.0, 30.0)
    assert (fix.waiting, fix.commands, fix.verifying) == (4.0, 4.0, 4.0)
    assert (fix.visits, fix.attempts, fix.outcome, fix.in_time) == (1, 2, "succeeded", True)
    assert told.paused == 30.0


def test_a_step_that_comes_again_adds_up() -> None:
    told = card(SampleRun().live().step(10.0, "fix", 20.0, "failed").step(30.0, "fix", 55.0).end(60.0))
    fix = step(told, "fix")
    assert (fix.visits, fix.seconds, fix.outcome, fix.in_time) == (2, 35.0, "succeeded", False)
    assert (told.targets_met, told.targets_judged) == (0, 1)


def test_who_acted_and_what_was_shown() -> None:
    sample = SampleRun().live().at(6.0, ev.StepStarted(step="look"), ev.HintShown(step="look"))
    sample.at(7.0, ev.StepDone(step="look"), by="grace").at(7.0, ev.StepEnded(step="look", outcome="succeeded"))
    look = step(card(sample), "look")
    assert (look.who, look.hint_shown, look.seconds) == ("grace", True, 1.0)


def test_a_step_open_at_the_end_is_unfinished_there() -> None:
    sample = SampleRun().live().at(6.0, ev.StepStarted(step="look")).end(9.0, "aborted", reason="unsafe").undo(20.0)
    look = step(card(sample), "look")
    assert (look.outcome, look.seconds) == ("unfinished", 3.0)


def test_a_running_step_counts_up_to_now() -> None:
    sample = SampleRun().live().at(6.0, ev.StepStarted(step="fix")).at(8.0, ev.NoteWritten(text="hm"))
    assert (step(card(sample), "fix").outcome, step(card(sample), "fix").seconds) == ("open", 2.0)
    assert step(card(sample), "fix").in_time is None
    assert step(card(sample.at(40.0, ev.NoteWritten(text="hm"))), "fix").in_time is False


def test_a_verify_that_held_before_is_vacuous() -> None:
    sample = drill().at(19.0, ev.VerifyStarted(step="fix", vacuous=True)).end(28.0)
    told = card(sample)
    assert step(told, "fix").vacuous_verify
    assert told.vacuous == ("verify of step fix",)
    assert told.ending == "passed"


# -- the rest of the scorecard ---------------------------------------------------------------------------------------------


def test_alerts_that_fired_never_fired_or_fired_before() -> None:
    checks = tuple(Check(name=name, probe={}) for name in ("ErrorsHigh", "Slow", "Old"))
    sample = drill(plan(alerts=checks)).at(4.0, ev.AlertFired(alert="Old", before=True))
    told = card(sample.at(25.0, ev.AlertCleared(alert="ErrorsHigh")).end(28.0))
    assert told.alerts == (
        AlertScore(name="ErrorsHigh", status="fired", fired=14.0, cleared=25.0),
        AlertScore(name="Slow", status="never"),
        AlertScore(name="Old", status="before", fired=4.0),
    )
    assert told.findings == ("alert Slow never fired", "alert Old fired before the fault")
    assert told.times.detected_by_alert.seconds == pytest.approx(1.8)


def test_faults_from_intent_to_undone() -> None:
    (fault,) = card(drill().end(28.0).undo(28.5)).faults
    assert (fault.state, fault.intended, fault.started, fault.returned) == ("undone", 9.99, 10.0, 10.05)
    assert (fault.undone, fault.how, fault.status) == (28.6, "verified", "succeeded")


def test_checks_of_the_undo() -> None:
    sample = drill().at(11.0, ev.UndoChecked(experiment="errors", name="gone", held=False, while_in=True))
    sample.end(28.0).at(28.4, ev.UndoChecked(experiment="errors", name="gone", held=True))
    assert card(sample.undo(28.5)).checks == (CheckScore(experiment="errors", name="gone", bites=True, held=True),)


def test_load_is_summed_over_the_run() -> None:
    sample = SampleRun().live()
    window = {"n": 30, "failures": 3, "rate": 60.0, "p50": 0.1, "p95": 0.2, "p99": None}
    for k, users in ((0, 0), (1, 5), (2, 8)):
        requests = {"GET /": window, "POST /checkout": window} if users else {}
        sample.at(k + 1.0, ev.LoadSampled(since=k / 2, until=k / 2 + 0.5, users=users, requests=requests))
    assert card(sample).load == LoadScore(requests=120, failures=12, rate=120.0, max_users=8, seconds=1.0)


@pytest.mark.parametrize(
    ("windows", "seconds"),
    [
        # (since, until, users, requests): the load begins at 1.2 s.
        ([(1.0, 1.5, 2, 5), (1.5, 2.0, 2, 5)], 0.8),
        # A worker that is late: its share of a window that was told already.
        ([(1.5, 2.0, 2, 5), (1.5, 2.0, 2, 5), (2.0, 2.5, 2, 0)], 1.0),
        # The last requests, when their users have gone.
        ([(1.5, 2.0, 2, 5), (2.0, 2.3, 0, 5)], 0.8),
        # Nobody there, and nothing sent.
        ([(1.5, 2.0, 2, 5), (2.0, 2.5, 0, 0), (2.5, 3.0, 1, 0)], 1.0),
    ],
)
def test_a_rate_is_over_the_time_in_which_the_load_ran(
    windows: list[tuple[float, float, int, int]], seconds: float
) -> None:
    sample = SampleRun().live().at(1.2, ev.LoadStarted(users=2))
    for since, until, users, n in windows:
        requests = {"GET /": {"n": n, "failures": 0}} if n else {}
        sample.at(until, ev.LoadSampled(since=since, until=until, users=users, requests=requests))
    load = card(sample).load
    assert load.seconds == pytest.approx(seconds)
    assert load.rate == pytest.approx(sum(n for *_, n in windows) / seconds)


def test_what_users_raised_is_scored() -> None:
    raised = {"where": "d/locustfile.py:10:9", "what": "KeyError: 'basket'", "count": 12}
    sample = SampleRun().live().at(3.0, ev.LoadEnded(why="asked to stop", exceptions=(raised,), cut=10.0))
    load = card(sample).load
    assert load.exceptions == (RaisedFigures(where="d/locustfile.py:10:9", what="KeyError: 'basket'", count=12),)
    assert list(load_lines(load))[-2:] == [
        "on_stop or test_stop took longer than 10 s and was cut",
        "raised 12 times: KeyError: 'basket'  (d/locustfile.py:10:9)",
    ]


def test_what_people_wrote() -> None:
    sample = drill().at(16.0, ev.NoteWritten(text="odd"), ev.NoteWritten(text="buy a pager", type="action"), by="grace")
    sample.at(17.0, ev.NoteWritten(text="here", type="mark"), ev.StepDisputed(step="fix", text="use -b"), by="ada")
    told = card(sample.at(18.0, ev.Warned(text="slow disk"), ev.SuspendSeen(seconds=2.5)).end(28.0))
    assert [(said.t, said.by, said.text) for said in told.notes] == [(16.0, "grace", "odd")]
    assert [said.text for said in (*told.actions, *told.marks)] == ["buy a pager", "here"]
    assert [(said.step, said.text) for said in told.disputes] == [("fix", "use -b")]
    assert (told.warnings, told.suspended) == (("slow disk",), 2.5)


def test_ratings_count_once_a_person_and_name_nobody() -> None:
    def rating(text: str, about: str = "runbook") -> ev.NoteWritten:
        return ev.NoteWritten(text=text, type="rating", about=about)

    sample = drill().end(28.0).undo(28.5).at(30.0, rating("5"), rating("2", "realism"), by="ada")
    sample.at(31.0, rating("3"), rating("nonsense"), by="bob").at(32.0, rating("4"), by="ada")
    told = card(sample)
    assert told.ratings == (Rating(about="runbook", scores=(3, 4)), Rating(about="realism", scores=(2,)))
    assert told.notes == ()


def test_json_is_plain_complete_and_stable() -> None:
    told = to_json(card(drill().end(28.0).undo(28.5)))
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert set(told) == set(Scorecard.__dataclass_fields__)
    assert (told["version"], told["objectives"][0]["status"]) == (1, "met")
    assert set(told["times"]) == set(Scorecard().times.__dataclass_fields__)


# -- any beginning of any transcript ----------------------------------------------------------------------------------------


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for each in value.values() for number in _numbers(each)]
    if isinstance(value, list):
        return [number for each in value for number in _numbers(each)]
    return [value] if isinstance(value, float) else []


_STEPS = (Step(id="look", name="Look"), Step(id="fix", name="Fix", run="x"), Step(id="say", name="Say", anytime=True))
_NAMES = st.sampled_from(["look", "fix", "say", "unknown"])
_SLUGS = st.sampled_from(["errors", "other"])
_EVENTS = st.one_of(
    st.builds(ev.StepStarted, step=_NAMES),
    st.builds(ev.StepEnded, step=_NAMES, outcome=st.sampled_from(["succeeded", "failed", "skipped", "timed-out"])),
    st.builds(ev.StepDone, step=_NAMES),
    st.builds(ev.CommandStarted, step=_NAMES, attempt=st.just(1)),
    st.builds(ev.CommandEnded, step=_NAMES, attempt=st.just(1), exit_code=st.just(0), duration=st.just(1.0)),
    st.builds(ev.VerifyStarted, step=_NAMES, vacuous=st.booleans()),
    st.builds(ev.VerifyEnded, step=_NAMES, held=st.booleans()),
    st.builds(ev.MilestoneReached, milestone=st.sampled_from(["detected", "acknowledged", "mitigated", "resolved"])),
    st.builds(ev.ActivityStarted, experiment=_SLUGS, index=st.just(0), name=st.just("x"), type=st.just("action")),
    st.builds(ev.FaultIntended, experiment=_SLUGS, index=st.just(0), name=st.just("x"), document_hash=st.just("0")),
    st.builds(ev.FaultUndone, experiment=_SLUGS, how=st.just("verified")),
    st.builds(ev.UndoFailed, experiment=_SLUGS, why=st.just("stuck")),
    st.builds(ev.UndoChecked, experiment=_SLUGS, name=st.just("gone"), held=st.booleans(), while_in=st.booleans()),
    st.builds(ev.AlertFired, alert=st.sampled_from(["ErrorsHigh", "unknown"]), before=st.booleans()),
    st.builds(ev.Paused, why=st.just("")),
    st.just(ev.Resumed()),
    st.builds(ev.PhaseEntered, phase=st.sampled_from(["live", "undoing", "debrief", "closed"])),
    st.builds(
        ev.EndDecided,
        cause=st.sampled_from(
            ["complete", "aborted", "stopped", "refused", "broken", "time-box", "runbook-stopped", "deviated"]
        ),
    ),
    st.just(ev.UndoStarted()),
    st.just(ev.UndoEnded()),
    st.just(ev.RunClosed(ending="passed", exit_code=0)),
    st.just(ev.Unrecognised(name="from-tomorrow")),
)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(0, 60), _EVENTS), max_size=25),
    st.text(alphabet=".xde", max_size=40),
    st.booleans(),
    st.sampled_from(["impact", "no-impact"]),
)
def test_any_beginning_of_any_transcript_can_be_scored(
    events: list[tuple[float, ev.Event]], text: str, attended: bool, expect: str
) -> None:
    sample = SampleRun(plan(steps=_STEPS, expect=expect), attended=attended).seconds(0, text)
    for t, event in events:
        sample.at(t, event)
    records = sample.records()
    for upto in range(len(records) + 1):
        told = to_json(score(records[:upto]))
        assert all(math.isfinite(number) for number in _numbers(told))
        assert told["exit_code"] in (0, 1, 3, 4, 5, 6, 7)
        assert all(each["seconds"] is None or each["seconds"] >= 0 for each in (told["times"]["recovered"],))
        for each in told["steps"]:
            assert each["seconds"] == pytest.approx(
                each["waiting"] + each["commands"] + each["verifying"] + each["paused"]
            )
        for episode in told["episodes"]:
            assert episode["impact"] is None or episode["impact"] >= episode["injected"]
            if episode["recovered"] is not None and told["ended"] is not None:
                assert episode["recovered"] <= told["ended"]


# -- the example of docs/measures.md -----------------------------------------------------------------------------------


def test_the_worked_example_of_the_documentation() -> None:
    worked = plan(indicators=(CHECKOUTS,), hold=5.0, time_to_detect=10.0, time_to_mitigate=20.0, time_to_recover=25.0)
    bad = {
        30: (48, 30.71, 30.71, False),
        43: (50, 43.1, 43.61, True),
        46: (50, 46.3, 46.3, True),
        60: (50, 60.5, 60.5, True),
    }
    bad |= {second: (50, second + 0.02, second + 0.98, False) for second in range(31, 43)}
    sample = SampleRun(worked).live().inject(30.0)
    for second in range(5, 63):
        n, first, last, degraded_ok = bad.get(second, (50, None, None, True))
        judged = ev.IndicatorJudged(
            indicator="checkouts",
            since=float(second),
            n=n,
            ok=second not in bad,
            degraded_ok=degraded_ok,
            first=second + 0.01,
            bad_from=first,
            bad_until=last,
            degraded_bad_until=None if degraded_ok else last,
        )
        sample.at(second + 1.2, judged)
    sample.at(34.5, ev.AlertFired(alert="ErrorsHigh")).say(38.2, "detected").say(43.05, "mitigated")
    told = card(sample.say(63.0, "resolved").end(64.0))
    seconds = {name: time.seconds for name, time in vars(told.times).items() if time.seconds is not None}
    assert seconds == {
        "injected": 30.0,
        "returned": 30.05,
        "impact": 30.71,
        "detected_by_person": 7.49,
        "detected_by_alert": 3.79,
        "detected": 3.79,
        "mitigated_claimed": 12.34,
        "mitigated": 12.27,
        "recovered": 15.59,
        "all_clear_error": 16.7,
    }
    assert told.times.recovered.resolution == pytest.approx(0.041)
    assert (told.objectives_met, told.objectives_judged, told.relapses, told.out_of_tolerance) == (3, 3, 0, 16.0)
