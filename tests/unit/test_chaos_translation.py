"""What a chaos child reports becomes a command, and nothing is chosen on the way."""

from __future__ import annotations

import ast
import inspect
from typing import get_args

import pytest

from runner.actuators import chaos
from runner.conductor.handlers import chaos_translation
from runner.conductor.handlers.chaos_translation import configured, requested, translated
from runner.engine import events as ev
from runner.engine.commands import ChangeConfiguration, Command, Observed, ReportConfiguration, RequestAction

#: What needs a verdict first.
_JUDGED = {chaos.Asking, chaos.Configured}

_REPORTS: list[tuple[chaos.ChaosReport, Command]] = [
    (
        chaos.ExperimentLoadedReport(asks=("during",)),
        Observed(event=ev.ExperimentLoaded(experiment="x", asks=("during",))),
    ),
    (
        chaos.HypothesisCheckedReport(
            when="before", met=False, probes=(chaos.ProbeOutcome(name="p", met=False, value=3, error=""),), t=1.0
        ),
        Observed(
            event=ev.HypothesisChecked(
                experiment="x",
                when="before",
                met=False,
                probes=({"name": "p", "met": False, "value": 3, "error": ""},),
            )
        ),
    ),
    (chaos.Armed(t=1.0), Observed(event=ev.ExperimentArmed(experiment="x"))),
    (
        chaos.Learned(configuration={"a": 1}, document={"b": 2}, withheld=("c",)),
        ChangeConfiguration(experiment="x", configuration={"a": 1}, document={"b": 2}, withheld=("c",)),
    ),
    (
        chaos.ActivityStartedReport(index=1, name="n", type="action", t=1.0),
        Observed(event=ev.ActivityStarted(experiment="x", index=1, name="n", type="action")),
    ),
    (
        chaos.ActivityEndedReport(
            index=1, name="n", type="probe", status="failed", output=5, exception="e", t=1.0, duration=2.0, doubt="d"
        ),
        Observed(
            event=ev.ActivityEnded(
                experiment="x",
                index=1,
                name="n",
                type="probe",
                status="failed",
                duration=2.0,
                output=5,
                exception="e",
                doubt="d",
            )
        ),
    ),
    (
        chaos.ControlBrokeReport(control="c", when="before activity", activity="a", why="w", stops=True, t=1.0),
        Observed(
            event=ev.ControlBroke(
                experiment="x", control="c", when="before activity", activity="a", why="w", stops=True
            )
        ),
    ),
    (chaos.MethodEndedReport(t=1.0), Observed(event=ev.MethodEnded(experiment="x"))),
    (
        chaos.ExperimentEndedReport(status="completed", deviated=True, journal_kept=True, t=1.0),
        Observed(event=ev.ExperimentEnded(experiment="x", status="completed", deviated=True)),
    ),
    (chaos.ChildFailed(why="w"), Observed(event=ev.ExperimentFailed(experiment="x", why="w"))),
    (
        chaos.ChildGone(returncode=-9),
        Observed(event=ev.ExperimentFailed(experiment="x", why="its process ended unexpectedly (-9)")),
    ),
]


def test_every_report_is_translated_or_judged() -> None:
    assert {type(report) for report, _ in _REPORTS} | _JUDGED == {*get_args(chaos.ChaosReport)}


@pytest.mark.parametrize(("report", "command"), _REPORTS, ids=lambda each: type(each).__name__)
def test_what_a_report_amounts_to(report: chaos.ChaosReport, command: Command) -> None:
    assert translated(report, "x") == command
    assert command.reported


@pytest.mark.parametrize("kind", sorted(_JUDGED, key=lambda kind: kind.__name__))
def test_what_needs_a_verdict_has_no_meaning_without_it(kind: type[chaos.ChaosReport]) -> None:
    with pytest.raises(TypeError, match="by itself"):
        translated(object.__new__(kind), "x")


@pytest.mark.parametrize("refusal", ["", "3 pods, 2 allowed"])
def test_the_verdict_travels_as_a_value(refusal: str) -> None:
    asking = chaos.Asking(
        index=1, name="n", type="action", provider={"p": 1}, background=True, configuration={"c": 2}, t=1.0
    )
    assert requested(asking, "x", refusal) == RequestAction(
        experiment="x", index=1, name="n", provider={"p": 1}, configuration={"c": 2}, background=True, refusal=refusal
    )
    assert configured("x", {"a": refusal}) == ReportConfiguration(experiment="x", lacking={"a": refusal})


def test_the_translation_has_no_choice() -> None:
    tree = ast.parse(inspect.getsource(chaos_translation))
    choices = ast.If, ast.IfExp, ast.Match, ast.BoolOp, ast.Compare, ast.While, ast.Try
    assert [node.lineno for node in ast.walk(tree) if isinstance(node, choices)] == []
