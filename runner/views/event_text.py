"""What each event of a run means to somebody who watches, in words: lines for a log, a terminal, the room."""

from __future__ import annotations

from functools import singledispatchmethod

from runner.engine import events as ev
from runner.engine.events import Event, Recorded
from runner.engine.phases import is_ending
from runner.engine.plan import Step
from runner.engine.plan_json import plan_from_json
from runner.engine.wording import broken_control
from runner.people import PROCESSES
from runner.scoring.raised_exceptions import raised_in
from runner.views.event_line import Line
from runner.views.load_text import cut_short, raised
from runner.views.prompt_text import AFTER_FAILURE, asked
from runner.views.text import clock, duration
from runner.views.undone import undone

_OUTPUT_LINES = 6


class EventText:
    """Remembers what it needs to tell the next event: the steps, which indicators were bad.

    `prompts`: say at each step what people are asked, and what to type; a room has keys for that.
    """

    def __init__(self, *, prompts: bool = False) -> None:
        self._prompts = prompts
        self._steps: dict[str, Step] = {}
        #: Steps that people answer for; nobody has to be told what a script answers.
        self._asked: frozenset[str] = frozenset()
        self._t = 0.0
        self._by = ""
        self._live = self._ending = False
        self._bad: dict[str, bool] = {}
        self._truth = False
        self._lines: list[Line] = []

    def copy(self) -> EventText:
        twin = object.__new__(EventText)
        twin.__dict__.update(self.__dict__, _bad=dict(self._bad), _lines=[])
        return twin

    def lines_of(self, recorded: Recorded) -> list[Line]:
        """The lines that one more event is worth; most samples are worth none."""
        event = recorded.event
        self._t = recorded.t
        self._by = recorded.by
        self._truth = event.hidden
        self._lines = []
        if not event.sample:
            self._describe(event)
        elif isinstance(event, ev.IndicatorJudged):
            # Several a second: to look up what an event means takes longer than to see that this one is no news.
            self._judged(event)
        return self._lines

    @property
    def _person(self) -> str:
        return "" if self._by in PROCESSES else self._by

    def _line(self, sign: str, text: str, style: str = "", *, by: str = "", truth: bool = False) -> None:
        self._lines.append(Line(self._t, sign, text, style, by, truth=truth or self._truth))

    def _under(self, text: str) -> None:
        self._lines.append(Line(self._t, "│", text, "dim", under=True, truth=self._truth))

    # -- what each event means -----------------------------------------------------------------------------------------

    @singledispatchmethod
    def _describe(self, event: Event) -> None:
        return

    @_describe.register
    def _(self, event: ev.RunStarted) -> None:
        plan = plan_from_json(event.plan)
        self._steps = {step.id: step for step in plan.steps}
        if self._prompts and event.attended:
            self._asked = frozenset(self._steps).difference(event.scripted)
        self._line("●", f"{plan.name}  on {plan.target.name}  run {event.run}", "bold")
        for warning in plan.warnings:
            # They name experiments and what undoes them.
            self._line("!", warning, "yellow", truth=True)

    @_describe.register
    def _(self, event: ev.PhaseEntered) -> None:
        self._live = event.phase == "live"
        self._ending = self._ending or is_ending(event.phase)
        self._line("──", event.phase, "bold blue")

    @_describe.register
    def _(self, event: ev.TargetReady) -> None:
        if event.url:
            self._line("·", f"target: {event.url}")

    @_describe.register
    def _(self, event: ev.TargetLost) -> None:
        self._line("✗", f"the target is gone: {event.why}", "red")

    @_describe.register
    def _(self, event: ev.TargetFound) -> None:
        self._line("✓", "the target is there again", "green")

    @_describe.register
    def _(self, event: ev.NeedChecked) -> None:
        if event.met:
            self._line("✓", event.name, "green")
        else:
            self._line("✗", f"{event.name}: {event.why}", "red")

    @_describe.register
    def _(self, event: ev.LoadStarted) -> None:
        self._line("≋", f"load begins: {event.users} users")

    @_describe.register
    def _(self, event: ev.LoadSpawned) -> None:
        self._line("≋", f"{event.users} users are there")

    @_describe.register
    def _(self, event: ev.LoadEnded) -> None:
        if self._ending:
            self._line("≋", "the load has stopped", "dim")
        else:
            self._line("!", f"the load ended by itself: {event.why or 'it gave no reason'}", "yellow")
        if event.cut:
            self._line("!", cut_short(event.cut), "yellow")
        for each in raised_in(event)[:_OUTPUT_LINES]:
            self._line("!", raised(each), "yellow")

    @_describe.register
    def _(self, event: ev.LoadFailed) -> None:
        self._line("✗", f"load: {event.why}", "red")

    @_describe.register
    def _(self, event: ev.HypothesisChecked) -> None:
        sign, word = ("✓", "holds") if event.met else ("✗", "does not hold")
        self._line(sign, f"hypothesis {event.when}: {word}  [{event.experiment}]", _good(event.met))
        for probe in event.probes:
            if not probe.get("met"):
                self._under(f"{probe.get('name')}: {probe.get('error') or probe.get('value')}")

    @_describe.register
    def _(self, event: ev.ExperimentArmed) -> None:
        self._line("◌", f"{event.experiment} is armed")

    @_describe.register
    def _(self, event: ev.BaselineTaken) -> None:
        if event.met:
            self._line("✓", f"steady state: {', '.join(event.held) or 'nothing to watch'}", "green")
        else:
            self._line("✗", f"no steady state: {event.why or ', '.join(event.failed)}", "red")

    @_describe.register
    def _(self, event: ev.ActivityStarted) -> None:
        if event.type == "action":
            self._line("↯", f"fault: {event.name}  [{event.experiment}]", "bold red")

    @_describe.register
    def _(self, event: ev.ActivityEnded) -> None:
        if event.status != "succeeded":
            self._line("✗", f"{event.type} {event.name}: {event.status} {event.exception}", "red")
        elif event.doubt:
            self._line("!", f"{event.type} {event.name!r} {event.doubt}: the fault may not be in", "yellow")

    @_describe.register
    def _(self, event: ev.FaultRefused) -> None:
        self._line("✗", f"the guard refuses {event.name}: {event.why}", "red")

    @_describe.register
    def _(self, event: ev.ControlBroke) -> None:
        self._line("✗", f"{event.experiment}: {broken_control(event)}", "red")

    @_describe.register
    def _(self, event: ev.ExperimentFailed) -> None:
        self._line("✗", f"{event.experiment}: {event.why}", "red")

    @_describe.register
    def _(self, event: ev.ExperimentEnded) -> None:
        self._line("·", f"{event.experiment}: {event.status}" + (", deviated" if event.deviated else ""))

    @_describe.register
    def _(self, event: ev.ImpactSeen) -> None:
        self._line("▼", f"impact: {event.indicator}, since {clock(event.since)}", "bold red")

    @_describe.register
    def _(self, event: ev.MitigationSeen) -> None:
        self._line("△", f"mitigated, since {clock(event.since)}", "yellow")

    @_describe.register
    def _(self, event: ev.RecoverySeen) -> None:
        self._line("▲", f"recovered, since {clock(event.since)}", "bold green")

    @_describe.register
    def _(self, event: ev.Relapsed) -> None:
        self._line("▼", f"relapse: {event.indicator}, since {clock(event.since)}", "bold red")

    def _judged(self, event: ev.IndicatorJudged) -> None:
        if not self._live:
            # Before the load is there nothing comes, and that is no news; the baseline says what matters.
            return
        before = self._bad.get(event.indicator, False)
        self._bad[event.indicator] = not event.ok
        if event.ok is before:
            value = "nothing came" if event.value is None else f"{event.value:.4g}"
            self._line("·", f"{event.indicator}: {value}  {'in' if event.ok else 'OUT of'} tolerance", _good(event.ok))

    @_describe.register
    def _(self, event: ev.AlertFired) -> None:
        self._line("◉", f"alert: {event.alert}" + ("  (was firing before)" if event.before else ""), "bold yellow")

    @_describe.register
    def _(self, event: ev.AlertCleared) -> None:
        self._line("○", f"alert cleared: {event.alert}")

    @_describe.register
    def _(self, event: ev.AlertSilent) -> None:
        self._line("!", f"alert {event.alert} cannot be asked for: {event.why}", "yellow")

    @_describe.register
    def _(self, event: ev.AlertAnswers) -> None:
        self._line("·", f"alert {event.alert} can be asked for again")

    @_describe.register
    def _(self, event: ev.StepStarted) -> None:
        step = self._steps.get(event.step)
        name = step.name if step else event.step
        self._line("▶", f"{name}  [{event.step}]" + (f"  visit {event.visit}" if event.visit > 1 else ""), "bold")
        if step and step.id in self._asked:
            for line in asked(step):
                self._under(line)

    @_describe.register
    def _(self, event: ev.StepChosen) -> None:
        self._line(" ", f"chosen: {event.label} → {event.to}", by=self._person)

    @_describe.register
    def _(self, event: ev.StepAnswered) -> None:
        waived = f"  (its default: {event.waived})" if event.waived else ""
        value = "(secret)" if event.secret else event.value + waived
        self._line(" ", f"{event.name} = {value}", by=self._person)

    @_describe.register
    def _(self, event: ev.StepApproved) -> None:
        self._line(
            " ", f"approved{', waived: ' + event.waived if event.waived else ''}", by=event.person or self._person
        )

    @_describe.register
    def _(self, event: ev.CommandEnded) -> None:
        how = "timed out" if event.timed_out else f"exit code {event.exit_code}"
        style = "red" if event.exit_code or event.why else ""
        self._line("$", f"{how} after {duration(event.duration)}  {event.why}".rstrip(), style)
        for name, value in event.outputs.items():
            self._line(" ", f"{name} = {value}")
        for line in event.tail.splitlines()[-_OUTPUT_LINES:]:
            self._under(line)

    @_describe.register
    def _(self, event: ev.RetryScheduled) -> None:
        self._line("↻", f"trying again: attempt {event.attempt} at {clock(event.due)}")

    @_describe.register
    def _(self, event: ev.VerifyStarted) -> None:
        self._line("?", "verifying" + ("; it held before the step, so it proves nothing" if event.vacuous else ""))

    @_describe.register
    def _(self, event: ev.VerifyEnded) -> None:
        text = "verified" if event.held else f"not verified: {event.why}"
        self._line("✓" if event.held else "✗", text, _good(event.held))

    @_describe.register
    def _(self, event: ev.StepFailing) -> None:
        self._line("✗", f"{event.step} failed: {event.why}; retry, skip, fail or go back?", "red")
        if event.step in self._asked:
            self._under(AFTER_FAILURE)

    @_describe.register
    def _(self, event: ev.StepEnded) -> None:
        sign, style = _OUTCOMES.get(event.outcome, ("·", ""))
        why = f": {event.why}" if event.why else ""
        self._line(sign, f"{event.step} {event.outcome}{why}", style, by=self._person)

    @_describe.register
    def _(self, event: ev.StepReminded) -> None:
        self._line("⏰", f"due again: {event.step}")

    @_describe.register
    def _(self, event: ev.HintShown) -> None:
        self._line("?", f"hint shown for {event.step}", by=self._person)

    @_describe.register
    def _(self, event: ev.MilestoneReached) -> None:
        self._line("★", event.milestone, "bold cyan", by=self._person)

    @_describe.register
    def _(self, event: ev.NoteWritten) -> None:
        about = f" of {event.about}" if event.about else ""
        self._line("✎", f"{event.type}{about}: {event.text}", by=self._person)

    @_describe.register
    def _(self, event: ev.StepDisputed) -> None:
        self._line("!", f"{event.step} is wrong; it should say: {event.text}", "yellow", by=self._person)

    @_describe.register
    def _(self, event: ev.HandedOver) -> None:
        self._line("→", f"{event.step} is {event.to}'s now", by=self._person)

    @_describe.register
    def _(self, event: ev.PersonJoined) -> None:
        self._line("+", f"{event.person} is here, as {event.role}", "dim")

    @_describe.register
    def _(self, event: ev.PersonLeft) -> None:
        self._line("-", f"{event.person} left", "dim")

    @_describe.register
    def _(self, event: ev.Paused) -> None:
        self._line("‖", f"paused: {event.why}", "yellow", by=self._person)

    @_describe.register
    def _(self, event: ev.Resumed) -> None:
        self._line("▶", "goes on", by=self._person)

    @_describe.register
    def _(self, event: ev.EndDecided) -> None:
        why = f": {event.why}" if event.why else ""
        style = "" if event.cause == "complete" else "yellow"
        self._line("■", f"the run ends, {event.cause}{why}", style, by=self._person)

    @_describe.register
    def _(self, event: ev.Halted) -> None:
        self._line("■", f"everything on this machine was halted: {event.why}", "bold yellow", by=self._person)

    @_describe.register
    def _(self, event: ev.RollbackEnded) -> None:
        good = event.status == "succeeded"
        text = f"undo: {event.name}" + ("" if good else f": {event.status} {event.exception} (attempt {event.attempt})")
        self._line("↶" if good else "✗", text, _good(good))

    @_describe.register
    def _(self, event: ev.UndoChecked) -> None:
        if event.while_in:
            if event.held:
                self._line("!", f"{event.name}: holds with the fault in, so it proves nothing", "yellow")
        else:
            text = event.name if event.held else f"{event.name}: {event.why}"
            self._line("✓" if event.held else "✗", text, _good(event.held))

    @_describe.register
    def _(self, event: ev.FaultUndone) -> None:
        self._line("✓", f"{event.experiment} {undone(event.how)}", "green")

    @_describe.register
    def _(self, event: ev.UndoFailed) -> None:
        self._line("✗", f"LEFT BEHIND: {event.experiment}: {event.why}", "bold red")

    @_describe.register
    def _(self, event: ev.Warned) -> None:
        self._line("!", event.text, "yellow")

    @_describe.register
    def _(self, event: ev.CommandRefused) -> None:
        self._line("✗", f"{event.command} was not possible: {event.why}", "yellow", by=self._person)

    @_describe.register
    def _(self, event: ev.SuspendSeen) -> None:
        self._line("!", f"this machine slept for {duration(event.seconds)}", "yellow")

    @_describe.register
    def _(self, event: ev.TailTorn) -> None:
        self._line("!", f"a half-written line was moved to {event.file}", "yellow")


_OUTCOMES = {
    "succeeded": ("✓", "green"),
    "failed": ("✗", "red"),
    "timed-out": ("✗", "red"),
    "skipped": ("»", "dim"),
}


def _good(good: bool) -> str:
    return "green" if good else "red"
