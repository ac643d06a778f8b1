"""A run as a room shows it: the engine's state, and what a picture needs beside it. Fed event by event."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from runner.engine import events as ev
from runner.engine.apply import apply
from runner.engine.events import Recorded
from runner.engine.state import LoadView, State
from runner.views.event_line import Line
from runner.views.event_text import EventText
from runner.views.series import Point, Series

#: Lines of the log kept: a day's worth of people, and a bound.
MOST_LINES = 5000
#: The series of the load: requests a second, and failures a second.
RATE = "\0rate"
FAILURES = "\0failures"


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment that a plot marks: `sign` stands under it, `label` in the legend."""

    t: float
    sign: str
    label: str
    style: str = ""
    #: When it was known (s), where that is later than when it was.
    known: float | None = None


class ViewModel:
    """Everything that any panel of a room shows."""

    def __init__(self) -> None:
        self.state = State.empty()
        self.origin = 0
        self.boot_id = ""
        self.lines: deque[Line] = deque(maxlen=MOST_LINES)
        #: Lines ever written, dropped ones included: who shows them knows by it what is new.
        self.written = 0
        #: Events that are no samples.
        self.news = 0
        self.marks: list[Mark] = []
        self.series: dict[str, Series] = {}
        self._words = EventText()

    def copy(self) -> ViewModel:
        """A twin that goes its own way from here."""
        twin = object.__new__(ViewModel)
        twin.__dict__.update(self.__dict__)
        twin.lines, twin.marks = self.lines.copy(), list(self.marks)
        twin.series = {name: series.copy() for name, series in self.series.items()}
        twin._words = self._words.copy()
        return twin

    def take(self, recorded: Recorded) -> None:
        """One more event."""
        before = self.state.load
        self.state = apply(self.state, recorded)
        self.news += not recorded.event.sample
        lines = self._words.lines_of(recorded)
        self.lines.extend(lines)
        self.written += len(lines)
        self._picture(recorded, before)

    def say(self, line: Line) -> None:
        """A line that no event tells."""
        self.lines.append(line)
        self.written += 1

    def _picture(self, recorded: Recorded, before: LoadView) -> None:
        match recorded.event:
            case ev.IndicatorJudged() as judged:
                self._series(judged.indicator).add(Point(judged.since, judged.value, judged.ok))
            case ev.LoadSampled() as sampled:
                self._load(sampled, before)
            case ev.RunStarted() as started:
                self.origin, self.boot_id = started.origin, started.boot_id
            case _:
                if (mark := marked(recorded)) is not None:
                    self.marks.append(mark)

    def _load(self, event: ev.LoadSampled, before: LoadView) -> None:
        lasted = (event.until - event.since) or 1.0
        rate = (self.state.load.requests - before.requests) / lasted
        failures = (self.state.load.failures - before.failures) / lasted
        self._series(RATE).add(Point(event.since, rate, True))
        self._series(FAILURES).add(Point(event.since, failures, not failures))

    def _series(self, name: str) -> Series:
        return self.series.setdefault(name, Series())


def marked(recorded: Recorded) -> Mark | None:
    """The mark that an event is worth on a time line; most are worth none."""
    match recorded.event:
        case ev.ActivityStarted(type="action", name=name):
            return Mark(recorded.t, "↯", name, "fault")
        case ev.ImpactSeen(since=since):
            return Mark(since, "▼", "impact", "bad", recorded.t)
        case ev.Relapsed(since=since):
            return Mark(since, "▼", "relapse", "bad", recorded.t)
        case ev.MitigationSeen(since=since):
            return Mark(since, "△", "mitigated", "warn", recorded.t)
        case ev.RecoverySeen(since=since):
            return Mark(since, "▲", "recovered", "good", recorded.t)
        case ev.AlertFired(before=False, alert=alert):
            return Mark(recorded.t, "◉", f"alert {alert}", "warn")
        case ev.MilestoneReached(milestone=milestone):
            return Mark(recorded.t, "★", milestone, "note")
        case ev.NoteWritten(type="mark", text=text):
            return Mark(recorded.t, "✎", text or "mark", "note")
        case ev.UndoStarted():
            return Mark(recorded.t, "↶", "undo", "note")
    return None


def revealed(state: State, role: str) -> bool:
    """Whether somebody of this role may see the truth: what was broken, how much it hurts, since when.

    A participant sees the briefing only until somebody noticed, or an alert did. The facilitator knows, an observer too.
    """
    if role in ("facilitator", "observer") or state.plan.reveal == "always":
        return True
    if state.ending or "detected" in state.milestones:
        return True
    return any(alert.fired_t is not None for alert in state.alerts.values())
