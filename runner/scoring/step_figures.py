"""What the steps took: every second of a step is waiting, command, verifying or paused."""

from __future__ import annotations

from collections.abc import Mapping

from runner.engine.events import (
    CommandEnded,
    CommandIntended,
    CommandStarted,
    Event,
    HintShown,
    RetryScheduled,
    StepApproved,
    StepChosen,
    StepConfirmed,
    StepDone,
    StepEnded,
    StepStarted,
    VerifyEnded,
    VerifyStarted,
)
from runner.engine.plan import Step
from runner.people import PROCESSES
from runner.scoring.scorecard import StepScore

WAITING, COMMANDS, VERIFYING, PAUSED = "waiting", "commands", "verifying", "paused"

#: Outcomes of a step that was begun and has no outcome yet, or never will have one.
OPEN, UNFINISHED = "open", "unfinished"

#: What the seconds after an event are spent on, until the next one.
_THEN: Mapping[type[Event], str] = {
    CommandIntended: COMMANDS,
    CommandStarted: COMMANDS,
    CommandEnded: WAITING,
    RetryScheduled: COMMANDS,
    VerifyStarted: VERIFYING,
    VerifyEnded: WAITING,
}

_Turn = CommandIntended | CommandStarted | CommandEnded | RetryScheduled | VerifyStarted | VerifyEnded


class _Row:
    """One step while it is counted. `doing` is None when it is not current."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.visits = self.attempts = 0
        self.outcome = self.why = self.who = ""
        self.as_written = True
        self.vacuous = self.hint_shown = False
        self.doing: str | None = None
        self._since = 0.0
        self._spent = {WAITING: 0.0, COMMANDS: 0.0, VERIFYING: 0.0, PAUSED: 0.0}

    def turn(self, doing: str | None, t: float, *, paused: bool = False) -> None:
        """The seconds up to `t` go to what was being done; `paused` if the clock stood still."""
        if self.doing is not None:
            # Children stamp their own events, so a line may be a little older than the one before it.
            self._spent[PAUSED if paused else self.doing] += max(0.0, t - self._since)
            t = max(t, self._since)
        self.doing, self._since = doing, t

    def score(self) -> StepScore:
        step = self.step
        spent = {doing: round(seconds, 6) for doing, seconds in self._spent.items()}
        net = round(spent[WAITING] + spent[COMMANDS] + spent[VERIFYING], 6)
        return StepScore(
            id=step.id,
            name=step.name,
            outcome=self.outcome,
            why=self.why,
            visits=self.visits,
            attempts=self.attempts,
            seconds=net + spent[PAUSED],
            net=net,
            **spent,
            target_time=step.target_time,
            in_time=self._in_time(net),
            who=self.who,
            critical=step.critical,
            anytime=step.anytime,
            as_written=self.as_written,
            vacuous_verify=self.vacuous,
            hint_shown=self.hint_shown,
            milestone=step.milestone,
        )

    def _in_time(self, net: float) -> bool | None:
        target = self.step.target_time
        if target is None or self.outcome in ("", "skipped"):
            return None
        if self.outcome == OPEN:
            return False if net > target else None
        return self.outcome == "succeeded" and net <= target


class StepFigures:
    """Folds the events of the steps."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self._rows = {step.id: _Row(step) for step in steps}
        self._paused = False

    def started(self, event: StepStarted, t: float, _by: str) -> None:
        row = self._rows.get(event.step)
        if row is not None:
            row.visits += 1
            row.outcome, row.why = OPEN, ""
            row.turn(WAITING, t)

    def went_on(self, event: _Turn, t: float, _by: str) -> None:
        row = self._rows.get(event.step)
        if row is not None and row.doing is not None:
            row.turn(_THEN[type(event)], t, paused=self._paused)

    def command_ended(self, event: CommandEnded, t: float, by: str) -> None:
        if event.step in self._rows:
            self._rows[event.step].attempts += 1
        self.went_on(event, t, by)

    def acted(
        self, event: CommandIntended | StepDone | StepChosen | StepConfirmed | StepApproved, _t: float, by: str
    ) -> None:
        row = self._rows.get(event.step)
        if row is not None and by not in PROCESSES:
            row.who = by

    def verified(self, event: VerifyStarted | VerifyEnded, t: float, by: str) -> None:
        if event.step in self._rows and event.vacuous:
            self._rows[event.step].vacuous = True
        self.went_on(event, t, by)

    def hinted(self, event: HintShown, _t: float, _by: str) -> None:
        if event.step in self._rows:
            self._rows[event.step].hint_shown = True

    def ended(self, event: StepEnded, t: float, _by: str) -> None:
        row = self._rows.get(event.step)
        if row is None:
            return
        row.turn(None, t, paused=self._paused)
        row.outcome, row.why = event.outcome, event.why
        row.as_written = row.as_written and event.as_written

    def pause(self, t: float, *, paused: bool) -> None:
        for row in self._rows.values():
            if row.doing is not None:
                row.turn(row.doing, t, paused=self._paused)
        self._paused = paused

    def run_ended(self, t: float) -> None:
        """No step goes on after the end was decided."""
        for row in self._rows.values():
            if row.doing is not None:
                row.turn(None, t, paused=self._paused)
                row.outcome = UNFINISHED

    def scores(self, t: float) -> tuple[StepScore, ...]:
        """In the order of the runbook; `t` is how far the open ones are counted."""
        self.pause(t, paused=self._paused)
        return tuple(row.score() for row in self._rows.values())
