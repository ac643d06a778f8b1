"""Hand-made transcripts, for the tests of measures and scorecard."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runner.engine import events as ev
from runner.engine.plan import Check, Experiment, Indicator, RunPlan, Step, Target
from runner.engine.plan_json import plan_to_json
from runner.specs.injection_moment import AfterWarmUp, InjectionMoment

CHECKOUTS = Indicator(name="checkouts", source="load", request="POST /checkout", at_least=0.99, degraded=0.95)
FRONT = Indicator(name="front", source="probe", at_least=1.0, every=0.2)
_AFTER_WARM_UP = AfterWarmUp()


def experiment(slug: str = "errors", inject: InjectionMoment = _AFTER_WARM_UP) -> Experiment:
    return Experiment(slug=slug, document={}, document_hash="0", inject=inject, actions=1, rollbacks=1)


def plan(**changes: Any) -> RunPlan:
    """A drill of one fault, two indicators, a hold of 3 s and two steps."""
    drill = RunPlan(
        name="Gateway outage",
        slug="gateway-outage",
        target=Target(name="sandbox", kind="sandbox", environment="sandbox"),
        runbook="gateway",
        steps=(
            Step(id="look", name="Look", milestone="detected"),
            Step(id="fix", name="Fix", run="true", milestone="mitigated", target_time=30.0),
        ),
        experiments=(experiment(),),
        indicators=(CHECKOUTS, FRONT),
        hold=3.0,
        alerts=(Check(name="ErrorsHigh", probe={}, every=0.5),),
        impact_within=20.0,
        time_to_detect=10.0,
        time_to_mitigate=20.0,
        time_to_recover=30.0,
    )
    return replace(drill, **changes)


def bucket(indicator: str, since: float, sort: str) -> ev.IndicatorJudged:
    """A second: `.` good, `x` bad, `d` bad but inside the degraded tolerance, `e` empty. Ten observations in each."""
    if sort == "e":
        return ev.IndicatorJudged(indicator=indicator, since=since, n=0, ok=False, degraded_ok=False)
    bad = sort != "."
    return ev.IndicatorJudged(
        indicator=indicator,
        since=since,
        n=10,
        value=1.0 if not bad else 0.5,
        ok=not bad,
        degraded_ok=sort != "x",
        first=since + 0.05,
        bad_from=since + 0.2 if bad else None,
        bad_until=since + 0.8 if bad else None,
        degraded_bad_until=since + 0.8 if sort == "x" else None,
    )


class SampleRun:
    """Events in the order of their time, recorded as a run would."""

    def __init__(self, drill: RunPlan | None = None, *, attended: bool = True, scripted: tuple[str, ...] = ()) -> None:
        self.plan = drill or plan()
        start = ev.RunStarted(
            run="r1", plan=plan_to_json(self.plan), attended=attended, scripted=scripted, person="ada" * attended
        )
        self._told: list[tuple[float, str, ev.Event]] = [(0.0, "conductor", start)]

    def at(self, t: float, *events: ev.Event, by: str = "conductor") -> SampleRun:
        self._told += [(t, by, event) for event in events]
        return self

    def seconds(self, since: int, text: str, *indicators: str) -> SampleRun:
        """One letter a second for each of these indicators (all by default), told a moment after its end."""
        for name in indicators or tuple(indicator.name for indicator in self.plan.indicators):
            for place, sort in enumerate(text):
                self.at(since + place + 1.2, bucket(name, float(since + place), sort), by="judge")
        return self

    def live(self, t: float = 5.0) -> SampleRun:
        held = tuple(indicator.name for indicator in self.plan.indicators)
        self.at(t, ev.PhaseEntered(phase="warm-up"), ev.BaselineTaken(met=True, since=0.0, held=held))
        return self.at(t, ev.PhaseEntered(phase="live"))

    def inject(self, t: float, slug: str = "errors") -> SampleRun:
        self.at(t - 0.01, ev.FaultIntended(experiment=slug, index=0, name="break it", document_hash="0"))
        self.at(t, ev.ActivityStarted(experiment=slug, index=0, name="break it", type="action"))
        ended = ev.ActivityEnded(experiment=slug, index=0, name="break it", type="action", status="succeeded")
        return self.at(t + 0.05, ended, ev.MethodEnded(experiment=slug))

    def step(self, t: float, step: str, until: float, outcome: str = "succeeded", **more: Any) -> SampleRun:
        """A step from start to end, done by a person or by its command."""
        automated = self.plan.step(step).automated
        self.at(t, ev.StepStarted(step=step))
        if outcome == "succeeded" and automated:
            self.at(until, ev.CommandStarted(step=step, attempt=1))
            self.at(until, ev.CommandEnded(step=step, attempt=1, exit_code=0, duration=0.0))
        elif outcome == "succeeded":
            self.at(until, ev.StepDone(step=step), by="ada")
        self.at(until, ev.StepEnded(step=step, outcome=outcome, **more))
        milestone = self.plan.step(step).milestone
        if outcome == "succeeded" and milestone:
            self.at(until, ev.MilestoneReached(milestone=milestone, step=step))
        return self

    def say(self, t: float, milestone: str, by: str = "ada") -> SampleRun:
        return self.at(t, ev.MilestoneReached(milestone=milestone), by=by)

    def end(self, t: float, cause: str = "complete", **more: Any) -> SampleRun:
        self.at(t, ev.EndDecided(cause=cause, **more), ev.PhaseEntered(phase="undoing"))
        return self

    def undo(self, t: float, *slugs: str, how: str = "verified") -> SampleRun:
        named = slugs or tuple(experiment.slug for experiment in self.plan.experiments)
        self.at(t, ev.UndoStarted(experiments=named))
        self.at(t + 0.1, *(ev.FaultUndone(experiment=slug, how=how) for slug in named), ev.UndoEnded())
        return self.at(t + 0.2, ev.PhaseEntered(phase="debrief"))

    def records(self) -> list[ev.Recorded]:
        ordered = sorted(self._told, key=lambda told: told[0])
        return [
            ev.Recorded(seq, f"2026-11-20T17:40:{seq % 60:02}.000000Z", t, by, event)
            for seq, (t, by, event) in enumerate(ordered)
        ]


def drill(drill_plan: RunPlan | None = None, **more: Any) -> SampleRun:
    """A drill that goes well: fault at 10, impact at 12.2, mitigated by hand at 20, recovered at 21.8."""
    sample = SampleRun(drill_plan, **more).live().seconds(0, "." * 12).inject(10.0)
    sample.seconds(12, "xxxxxxxxxx........", "checkouts").seconds(12, "." * 18, "front")
    sample.at(14.0, ev.AlertFired(alert="ErrorsHigh"))
    return sample.step(5.0, "look", 15.0).step(15.0, "fix", 20.0)
