"""One pass over a transcript: everything the scorecard is made of, in memory that does not grow with the samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from runner.engine import events as ev
from runner.engine.episodes import EpisodeFold
from runner.engine.phases import is_over
from runner.engine.plan import RunPlan, Target
from runner.engine.plan_json import plan_from_json
from runner.people import NOTICES
from runner.scoring.coverage import Coverage
from runner.scoring.fault_figures import FaultFigures
from runner.scoring.hypothesis_figures import HypothesisFigures
from runner.scoring.raised_exceptions import raised_in
from runner.scoring.scorecard import AlertScore, LoadScore, RaisedFigures, Rating, Said
from runner.scoring.step_figures import StepFigures

NO_PLAN = RunPlan(name="", slug="", target=Target(name="", kind="", environment=""))


class MilestoneTime:
    """When it was reached first, by whom and in which role, in which step ('' when it was said)."""

    __slots__ = ("by", "role", "step", "t")

    def __init__(self, t: float, by: str, step: str, role: str) -> None:
        self.t, self.by, self.step, self.role = t, by, step, role

    @property
    def noticed(self) -> bool:
        """By somebody who was there to notice; transcripts of before version 2 do not say who it was."""
        return self.role in NOTICES


class Figures:
    """Facts of a run, grown event by event."""

    def __init__(self) -> None:
        self._begin(NO_PLAN)
        self.run = self.started_at = ""
        self.version = ev.VERSION
        self.attended = False
        self.scripted: tuple[str, ...] = ()
        self.phase = ""
        self.t = 0.0
        self.people: dict[str, None] = {}
        self.ends: list[ev.EndDecided] = []
        self.ended: float | None = None
        self.undo_ended = False
        self.closed: ev.RunClosed | None = None
        self.milestones: dict[str, MilestoneTime] = {}
        self.noticed: MilestoneTime | None = None
        self.team_acts: list[float] = []
        self.experiment_ends: list[ev.ExperimentEnded] = []
        #: How experiments ended whose method did not come to its own end, nor the run to its.
        self.cut: dict[str, str] = {}
        self.broken_controls: list[ev.ControlBroke] = []
        self.notes: dict[str, list[Said]] = {"note": [], "action": [], "mark": []}
        self.disputes: list[Said] = []
        self._ratings: dict[str, dict[str, int]] = {}
        self.paused = self.suspended = 0.0
        self._paused_since: float | None = None
        self._requests = self._failures = self._max_users = 0
        self._load_seconds = 0.0
        self._load_until = 0.0
        self._load_cut = 0.0
        self._exceptions: tuple[RaisedFigures, ...] = ()
        self._load_ended: float | None = None
        self._load_why = ""

    def add_all(self, records: Iterable[ev.Recorded]) -> None:
        for recorded in records:
            event = recorded.event
            if recorded.t > self.t:
                self.t = recorded.t
            if type(event) is ev.IndicatorJudged:
                self.coverage.judged(event, recorded.t, calm=not self.episodes.injected)
                self.episodes.add(recorded)
            elif type(event) is ev.LoadSampled:
                self._sampled(event)
            elif type(event) is ev.RunStarted:
                self._run_started(event, recorded.at)
            else:
                for handler in _HANDLERS.get(type(event), ()):
                    handler(self, event, recorded.t, recorded.by)
                self.episodes.add(recorded)

    @property
    def live(self) -> bool:
        """The end is not decided."""
        return self.ended is None

    @property
    def over(self) -> bool:
        """The undo is behind us: what is open now stays open."""
        return self.undo_ended or is_over(self.phase) or self.closed is not None

    @property
    def pause_total(self) -> float:
        running = 0.0 if self._paused_since is None else max(0.0, (self.ended or self.t) - self._paused_since)
        return self.paused + running

    @property
    def load(self) -> LoadScore:
        seconds = self._load_seconds
        return LoadScore(
            requests=self._requests,
            failures=self._failures,
            rate=self._requests / seconds if seconds else 0.0,
            max_users=self._max_users,
            seconds=seconds,
            ended=self._load_ended,
            why=self._load_why,
            exceptions=self._exceptions,
            cut=self._load_cut,
        )

    @property
    def alerts(self) -> tuple[AlertScore, ...]:
        return tuple(self._alerts.values())

    @property
    def ratings(self) -> tuple[Rating, ...]:
        return tuple(Rating(about=about, scores=tuple(sorted(said.values()))) for about, said in self._ratings.items())

    def _begin(self, plan: RunPlan) -> None:
        self.plan = plan
        self.episodes = EpisodeFold(plan)
        self.coverage = Coverage(plan.indicators)
        self.steps = StepFigures(plan.steps)
        self.faults = FaultFigures()
        self.hypotheses = HypothesisFigures()
        self._alerts = {alert.name: AlertScore(name=alert.name, status="never") for alert in plan.alerts}
        self.warnings: dict[str, None] = dict.fromkeys(plan.warnings)

    def _run_started(self, event: ev.RunStarted, at: str) -> None:
        self._begin(plan_from_json(event.plan))
        self.run, self.started_at, self.version = event.run, at, event.version
        self.attended, self.scripted = event.attended, event.scripted
        if event.person:
            self.people[event.person] = None

    def _phase(self, event: ev.PhaseEntered, _t: float, _by: str) -> None:
        self.phase = event.phase

    def _end(self, event: ev.EndDecided, t: float, _by: str) -> None:
        self.ends.append(event)
        self._over_at(t)

    def _undo(self, _event: ev.UndoStarted | ev.RollbackStarted, t: float, _by: str) -> None:
        self._over_at(t)

    def _undo_over(self, event: ev.UndoEnded, t: float, by: str) -> None:
        self.undo_ended = True
        self.faults.undo_ended(event, t, by)

    def _close(self, event: ev.RunClosed, t: float, _by: str) -> None:
        self.closed = event
        self._over_at(t)

    def _over_at(self, t: float) -> None:
        if self.ended is None:
            self.ended = t
            self.steps.run_ended(t)

    def _joined(self, event: ev.PersonJoined, _t: float, _by: str) -> None:
        self.people[event.person] = None

    def _milestone(self, event: ev.MilestoneReached, t: float, by: str) -> None:
        reached = MilestoneTime(t, by, event.step, event.role)
        self.milestones.setdefault(event.milestone, reached)
        if event.milestone == "detected" and self.noticed is None and reached.noticed:
            self.noticed = reached
        if event.milestone == "mitigated":
            self.team_acts.append(t)

    def _commanded(self, _event: ev.CommandStarted, t: float, _by: str) -> None:
        self.team_acts.append(t)

    def _done(self, event: ev.StepDone, t: float, _by: str) -> None:
        # Unattended, `unattended: done` only passes over a step that nobody did.
        if self.attended or event.step in self.scripted:
            self.team_acts.append(t)

    def _wrote(self, event: ev.NoteWritten, t: float, by: str) -> None:
        if event.type == "rating":
            if event.text.isascii() and event.text.isdigit():
                self._ratings.setdefault(event.about, {})[by] = int(event.text[:9])
            return
        self.notes.setdefault(event.type, []).append(Said(t=t, by=by, text=event.text))

    def _disputed(self, event: ev.StepDisputed, t: float, by: str) -> None:
        self.disputes.append(Said(t=t, by=by, text=event.text, step=event.step))

    def _warned(self, event: ev.Warned, _t: float, _by: str) -> None:
        self.warnings[event.text] = None

    def _slept(self, event: ev.SuspendSeen, _t: float, _by: str) -> None:
        self.suspended += event.seconds

    def _paused(self, _event: ev.Paused, t: float, _by: str) -> None:
        self.steps.pause(t, paused=True)
        if self._paused_since is None:
            self._paused_since = t

    def _resumed(self, _event: ev.Resumed, t: float, _by: str) -> None:
        self.steps.pause(t, paused=False)
        if self._paused_since is not None:
            self.paused += max(0.0, t - self._paused_since)
            self._paused_since = None

    def _control_broke(self, event: ev.ControlBroke, _t: float, _by: str) -> None:
        self.broken_controls.append(event)

    def _load_began(self, _event: ev.LoadStarted, t: float, _by: str) -> None:
        self._load_until = max(self._load_until, t)

    def _load_over(self, event: ev.LoadEnded, t: float, _by: str) -> None:
        self._load_cut = event.cut
        self._exceptions = raised_in(event)
        # Once the end is decided it was asked to end.
        if self.ended is None:
            self._load_ended, self._load_why = t, event.why

    def _experiment_ended(self, event: ev.ExperimentEnded, _t: float, _by: str) -> None:
        self.experiment_ends.append(event)
        if self.ended is None and event.status != "completed":
            self.cut[event.experiment] = event.status

    def _alert_fired(self, event: ev.AlertFired, t: float, _by: str) -> None:
        known = self._alerts.get(event.alert)
        if known is None or known.status == "never":
            self._alert(event.alert, status="before" if event.before else "fired", fired=t)
        elif known.status == "before" and not event.before:
            self._alert(event.alert, status="fired", fired=t, cleared=None)

    def _alert(self, name: str, **changes: Any) -> None:
        self._alerts[name] = replace(self._alerts.get(name) or AlertScore(name=name, status="never"), **changes)

    def _alert_silent(self, event: ev.AlertSilent, t: float, _by: str) -> None:
        known = self._alerts.get(event.alert)
        if self.ended is None and (known is None or known.silent is None):
            self._alert(event.alert, silent=t, why=event.why)

    def _alert_answers(self, event: ev.AlertAnswers, _t: float, _by: str) -> None:
        if not self.episodes.injected:
            self._alert(event.alert, silent=None, why="")

    def _alert_cleared(self, event: ev.AlertCleared, t: float, _by: str) -> None:
        known = self._alerts.get(event.alert)
        if known is not None and known.fired is not None and known.cleared is None:
            self._alert(event.alert, cleared=t)

    def _sampled(self, event: ev.LoadSampled) -> None:
        for window in event.requests.values():
            self._requests += window.get("n") or 0
            self._failures += window.get("failures") or 0
        # A window that is reported again, for a process was late, is no more time; nor is what lies before the load began.
        if event.until > self._load_until:
            if event.users > 0 or event.requests:
                self._load_seconds += event.until - max(event.since, self._load_until)
            self._load_until = event.until
        if event.users > self._max_users:
            self._max_users = event.users


_Handler = Callable[[Figures, Any, float, str], None]

_HANDLERS: dict[type[ev.Event], tuple[_Handler, ...]] = {
    ev.PhaseEntered: (Figures._phase,),
    ev.EndDecided: (Figures._end,),
    ev.UndoStarted: (Figures._undo,),
    ev.RollbackStarted: (Figures._undo,),
    ev.UndoEnded: (Figures._undo_over,),
    ev.RunClosed: (Figures._close,),
    ev.PersonJoined: (Figures._joined,),
    ev.MilestoneReached: (Figures._milestone,),
    ev.NoteWritten: (Figures._wrote,),
    ev.StepDisputed: (Figures._disputed,),
    ev.Warned: (Figures._warned,),
    ev.SuspendSeen: (Figures._slept,),
    ev.Paused: (Figures._paused,),
    ev.Resumed: (Figures._resumed,),
    ev.ControlBroke: (Figures._control_broke,),
    ev.LoadStarted: (Figures._load_began,),
    ev.LoadEnded: (Figures._load_over,),
    ev.ExperimentEnded: (Figures._experiment_ended,),
    ev.AlertFired: (Figures._alert_fired,),
    ev.AlertCleared: (Figures._alert_cleared,),
    ev.AlertSilent: (Figures._alert_silent,),
    ev.AlertAnswers: (Figures._alert_answers,),
    ev.StepStarted: (lambda figures, *seen: figures.steps.started(*seen),),
    ev.StepEnded: (lambda figures, *seen: figures.steps.ended(*seen),),
    ev.StepDone: (Figures._done, lambda figures, *seen: figures.steps.acted(*seen)),
    ev.StepChosen: (lambda figures, *seen: figures.steps.acted(*seen),),
    ev.StepConfirmed: (lambda figures, *seen: figures.steps.acted(*seen),),
    ev.StepApproved: (lambda figures, *seen: figures.steps.acted(*seen),),
    ev.HintShown: (lambda figures, *seen: figures.steps.hinted(*seen),),
    ev.CommandIntended: (lambda figures, *seen: figures.steps.acted(*seen),),
    ev.CommandStarted: (Figures._commanded, lambda figures, *seen: figures.steps.went_on(*seen)),
    ev.CommandEnded: (lambda figures, *seen: figures.steps.command_ended(*seen),),
    ev.RetryScheduled: (lambda figures, *seen: figures.steps.went_on(*seen),),
    ev.VerifyStarted: (lambda figures, *seen: figures.steps.verified(*seen),),
    ev.VerifyEnded: (lambda figures, *seen: figures.steps.verified(*seen),),
    ev.MethodBegun: (lambda figures, *seen: figures.faults.begun(*seen),),
    ev.HypothesisChecked: (lambda figures, *seen: figures.hypotheses.checked(*seen),),
    ev.ExperimentLoaded: (lambda figures, *seen: figures.hypotheses.loaded(*seen),),
    ev.InjectionOrdered: (lambda figures, *seen: figures.hypotheses.ordered(*seen),),
    ev.FaultIntended: (lambda figures, *seen: figures.faults.intended(*seen),),
    ev.FaultRefused: (lambda figures, *seen: figures.faults.refused(*seen),),
    ev.ActivityStarted: (lambda figures, *seen: figures.faults.started(*seen),),
    ev.ActivityEnded: (lambda figures, *seen: figures.faults.returned(*seen),),
    ev.FaultUndone: (lambda figures, *seen: figures.faults.undone(*seen),),
    ev.UndoFailed: (lambda figures, *seen: figures.faults.stayed(*seen),),
    ev.UndoChecked: (lambda figures, *seen: figures.faults.checked(*seen),),
}
