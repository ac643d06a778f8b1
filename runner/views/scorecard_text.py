"""The scorecard as text: verdicts first, then times with their resolution, steps, alerts, faults, load."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from runner.scoring.scorecard import Objective, Scorecard, StepScore, Time
from runner.views.load_text import load_lines
from runner.views.text import Paint, duration, inert
from runner.views.undone import undone_how

_WIDTH = 26
_STYLE = {
    "passed": "bold green",
    "failed": "bold yellow",
    "inconclusive": "bold yellow",
    "aborted": "bold yellow",
    "stopped": "bold yellow",
    "refused": "bold yellow",
    "broken": "bold red",
}
_SIGNS = {"met": ("✓", "green"), "missed": ("✗", "red"), "not recovered": ("✗", "red"), "not applicable": ("–", "dim")}
_OUTCOMES = {"succeeded": ("✓", "green"), "failed": ("✗", "red"), "timed-out": ("✗", "red"), "skipped": ("»", "dim")}


def scorecard_text(card: Scorecard, stream: TextIO, folder: Path | None = None) -> str:
    """The whole card, coloured when `stream` is a terminal."""
    return "\n".join(_Card(_inert(card), Paint(stream), folder).lines())


def _inert(value: Any) -> Any:
    """A card, or a part of one, whose words cannot act on a terminal, wherever they are put."""
    if isinstance(value, str):
        return inert(value)
    if isinstance(value, tuple):
        return tuple(_inert(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _inert(getattr(value, field.name)) for field in fields(value)})
    return value


def _near(folder: Path) -> Path:
    """As somebody standing here would write it."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


class _Card:
    def __init__(self, card: Scorecard, paint: Paint, folder: Path | None) -> None:
        self._card = card
        self._paint = paint
        self._folder = folder

    def lines(self) -> Iterator[str]:
        yield from self._head()
        for section in self._sections:
            body = list(section())
            if body:
                yield ""
                yield from body
        if self._folder:
            yield ""
            yield self._paint("dim", f"evidence: {_near(self._folder)}")

    @property
    def _sections(self) -> tuple[Callable[[], Iterator[str]], ...]:
        measured = (self._objectives, self._times, self._steps, self._alerts, self._faults)
        return (*measured, self._findings, self._load, self._said)

    def _head(self) -> Iterator[str]:
        card = self._card
        ending = card.ending or f"running ({card.phase})"
        yield ""
        title = f"{card.drill}  on {card.target}"
        headline = card.headline.removeprefix(ending).lstrip(":; ")
        yield f"{self._paint(_STYLE.get(card.ending, 'bold'), ending)}  {self._paint('bold', headline)}"
        yield f"{title}  {self._paint('dim', card.run)}"
        verdicts = (("service", card.service), ("runbook", card.runbook))
        said = card.headline + "".join(verdict.why for _, verdict in verdicts)
        # What a verdict says of itself stands beside it.
        if card.why.removeprefix("service: ").removeprefix("runbook: ") not in said:
            yield f"  {card.why}"
        for name, verdict in verdicts:
            why = f": {verdict.why}" if verdict.why else ""
            yield f"  {name:{_WIDTH}}{verdict.status}{self._paint('dim', why)}"

    def _objectives(self) -> Iterator[str]:
        if not self._card.objectives:
            return
        yield self._title("objectives")
        for objective in self._card.objectives:
            yield self._objective(objective)

    def _objective(self, objective: Objective) -> str:
        sign, style = _SIGNS.get(objective.status, ("·", ""))
        bound = f"within {duration(objective.bound)}" if objective.bound is not None else ""
        text = f"{objective.name:{_WIDTH}}{self._known(objective.measured, objective.resolution):18}{bound:16}"
        # What was measured stands under the times; here it explains what was not met.
        evidence = "" if objective.status == "met" else self._paint("dim", objective.evidence)
        return f"  {self._paint(style, sign)} {text}{self._paint(style, objective.status)}  {evidence}".rstrip()

    def _times(self) -> Iterator[str]:
        times = self._card.times
        rows: list[tuple[str, Time]] = [
            ("injected at", times.injected),
            ("impact at", times.impact),
            ("time to detect", times.detected),
            ("time to notice", Time() if times.detected_by_person == times.detected else times.detected_by_person),
            ("time to acknowledge", times.acknowledged),
            ("time to mitigate, claimed", times.mitigated_claimed),
            ("time to mitigate", times.mitigated),
            ("time to recover", times.recovered),
            ("all-clear error", times.all_clear_error),
        ]
        known = [(name, time) for name, time in rows if time.seconds is not None]
        if known or self._card.censored:
            yield self._title("times")
        for name, time in known:
            how = self._paint("dim", time.how)
            yield f"    {name:{_WIDTH}}{self._known(time.seconds, time.resolution):18}{how}".rstrip()
        if self._card.censored:
            yield f"    {'time to recover':{_WIDTH}}not recovered by {duration(self._card.censored_after)}"
        if self._card.relapses:
            yield f"    {'relapses':{_WIDTH}}{self._card.relapses}"
        if self._card.out_of_tolerance:
            yield f"    {'out of tolerance':{_WIDTH}}{duration(self._card.out_of_tolerance)}"

    def _steps(self) -> Iterator[str]:
        if not self._card.steps:
            return
        yield self._title("steps")
        for step in self._card.steps:
            yield self._step(step)

    def _step(self, step: StepScore) -> str:
        sign, style = _OUTCOMES.get(step.outcome, ("·", "dim"))
        goal = ""
        if step.target_time is not None and step.in_time is not None:
            goal = f"{'within' if step.in_time else 'over'} {duration(step.target_time)}"
        split = ", ".join(
            f"{name} {duration(seconds)}"
            for name, seconds in (
                ("waiting", step.waiting),
                ("commands", step.commands),
                ("verifying", step.verifying),
            )
            if seconds >= 0.05
        )
        remarks = [
            *([split] if split else []),
            *(["verify proves nothing: it held before"] if step.vacuous_verify else []),
            *(["not as written"] if not step.as_written else []),
            *([step.why] if step.why else []),
            *([f"by {step.who}"] if step.who else []),
        ]
        outcome = step.outcome or "not reached"
        head = f"  {self._paint(style, sign)} {step.name[:38]:40}{outcome:12}{duration(step.net) if step.visits else '':10}"
        return f"{head}{goal:14}{self._paint('dim', '; '.join(remarks))}".rstrip()

    def _alerts(self) -> Iterator[str]:
        if self._card.alerts:
            yield self._title("alerts")
        for alert in self._card.alerts:
            never = "never fired: a finding" if alert.silent is None else f"could not be asked for: {alert.why}"
            when = f"at {duration(alert.fired)}" if alert.fired is not None else never
            yield f"    {alert.name:{_WIDTH}}{when}"

    def _faults(self) -> Iterator[str]:
        card = self._card
        if card.faults:
            yield self._title("faults")
        for fault in card.faults:
            how = "; ".join(filter(None, (fault.doubt, undone_how(fault.how) or fault.why or fault.status)))
            style = "green" if fault.state == "undone" else "bold red" if fault.state == "left" else ""
            yield f"    {fault.name[:38]:40}{self._paint(style, fault.state)}  {self._paint('dim', how)}"

    def _findings(self) -> Iterator[str]:
        if self._card.findings:
            yield self._title("findings")
        for each in self._card.findings:
            yield f"  {self._paint('yellow', '!')} {each}"

    def _load(self) -> Iterator[str]:
        if told := list(load_lines(self._card.load)):
            yield self._title("load")
        yield from (f"    {each}" for each in told)

    def _said(self) -> Iterator[str]:
        card = self._card
        groups = (("notes", card.notes), ("actions", card.actions), ("this step is wrong", card.disputes))
        for title, said in groups:
            if said:
                yield self._title(title)
            for each in said:
                yield f"    {each.text}  {self._paint('dim', each.by)}"
        for warning in card.warnings:
            yield f"  {self._paint('yellow', '!')} {warning}"

    def _title(self, text: str) -> str:
        return self._paint("bold", text)

    def _known(self, seconds: float | None, resolution: float | None) -> str:
        if seconds is None:
            return "—"
        return duration(seconds) + (f" ±{resolution:.2g} s" if resolution else "")
