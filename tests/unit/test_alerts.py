"""What an alert's answers amount to, and what a scorecard says of one that could not be asked for."""

from __future__ import annotations

from typing import Any

import pytest
from sample_runs import SampleRun, plan

from runner.engine import events as ev
from runner.engine.alerts import AlertWatch
from runner.scoring.score import score
from runner.scoring.scorecard import Scorecard

FIRES: dict[str, Any] = {"ok": True, "answered": True, "value": {"status": 200, "body": "firing"}, "why": ""}
CALM: dict[str, Any] = {"ok": False, "answered": True, "value": {"status": 404, "body": ""}, "why": "status is 404"}
GONE: dict[str, Any] = {"ok": False, "answered": False, "value": None, "why": "connection refused"}
SICK: dict[str, Any] = {"ok": False, "answered": True, "value": {"status": 503, "body": ""}, "why": "status is 503"}
NONE: dict[str, Any] = {"ok": False, "answered": True, "value": None, "why": "out of tolerance"}


def told(*answers: dict[str, Any]) -> list[str]:
    watch = AlertWatch("ErrorsHigh")
    return [event.kind for answer in answers if (event := watch.take(**answer, injected=True))]


@pytest.mark.parametrize(
    ("answers", "kinds"),
    [
        ([CALM, FIRES, FIRES, CALM], ["alert-fired", "alert-cleared"]),
        ([CALM, NONE, FIRES, NONE], ["alert-fired", "alert-cleared"]),
        ([GONE, CALM, GONE, FIRES], ["alert-fired"]),
        ([GONE, GONE, GONE, CALM], ["alert-silent", "alert-answers"]),
        ([SICK, SICK, CALM], ["alert-silent", "alert-answers"]),
        ([FIRES, GONE, SICK, FIRES], ["alert-fired", "alert-silent", "alert-answers"]),
        ([FIRES, GONE, GONE, CALM], ["alert-fired", "alert-silent", "alert-cleared"]),
    ],
)
def test_an_alert_is_told_by_its_answers(answers: list[dict[str, Any]], kinds: list[str]) -> None:
    assert told(*answers) == kinds


def test_an_alert_that_fires_before_the_fault_says_so() -> None:
    assert AlertWatch("x").take(**FIRES, injected=False) == ev.AlertFired(alert="x", before=True)


def card(sample: SampleRun, *, notice: float | None = None) -> Scorecard:
    sample.seconds(12, "xxxxxxxxxx........", "checkouts").seconds(12, "." * 18, "front")
    if notice is not None:
        sample.at(notice, ev.MilestoneReached(milestone="detected", role="participant"), by="ada")
    return score(sample.step(15.0, "fix", 20.0).end(28.0).undo(28.5).records())


def silent(t: float) -> SampleRun:
    sample = SampleRun(plan(steps=plan().steps[1:])).live().seconds(0, "." * 12).inject(10.0)
    return sample.at(t, ev.AlertSilent(alert="ErrorsHigh", why="connection refused"))


@pytest.mark.parametrize("t", [3.0, 14.0])
def test_an_alert_that_could_not_be_asked_for_is_no_alert_that_never_fired(t: float) -> None:
    scored = card(silent(t))
    assert (scored.ending, scored.exit_code) == ("inconclusive", 7)
    assert scored.why == f"alert ErrorsHigh could not be asked for from {t:.1f} s on: connection refused"
    assert scored.findings == (scored.why,)
    assert {each.name: each.status for each in scored.objectives}["time-to-detect"] == "not applicable"


def test_a_person_who_noticed_makes_up_for_it() -> None:
    scored = card(silent(3.0), notice=15.0)
    assert scored.ending == "passed"
    assert "alert ErrorsHigh could not be asked for from 3.0 s on: connection refused" in scored.findings


def test_an_alert_that_answers_again_before_the_fault_is_no_news() -> None:
    scored = card(silent(3.0).at(4.0, ev.AlertAnswers(alert="ErrorsHigh")))
    assert scored.findings == ("alert ErrorsHigh never fired",)
    assert {each.name: each.status for each in scored.objectives}["time-to-detect"] == "missed"
