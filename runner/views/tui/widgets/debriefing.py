"""What a run came to, line by line: verdicts, what was met and missed with the evidence, what people said of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from textual.content import Content

from runner.engine.commands import RATED
from runner.scoring.scorecard import Objective, Said, Scorecard, StepScore, Verdict
from runner.views.patch import moment
from runner.views.report import QUESTIONS, Debrief, headline, remarks, times
from runner.views.text import duration, inert
from runner.views.tui.paint import Part, line

_VERDICTS = {
    "met": ("✓", "good"),
    "not met": ("✗", "bad"),
    "missed": ("✗", "bad"),
    "not recovered": ("✗", "bad"),
    "not applicable": ("–", "dim"),
}
_ENDINGS = {"passed": ("●", "good"), "failed": ("▲", "warn"), "broken": ("■", "bad")}
_OUTCOMES = {"succeeded": ("✓", "good"), "failed": ("✗", "bad"), "timed-out": ("✗", "bad"), "skipped": ("»", "dim")}
_NAME = 26


def debrief_lines(told: Debrief, report: Path, width: int, *, asks: bool) -> Iterator[Content]:
    """For `width` cells. `report` is where the report is, or will be; `asks`: what is still to be said may be said here."""
    card = told.card
    yield from _head(card, width)
    yield from _under("Objectives", [row for each in card.objectives for row in _objective(each, width)])
    yield from _under("Times", list(_times(card, width)))
    steps = [each for each in card.steps if each.visits or not each.anytime]
    yield from _under("Steps", [row for each in steps for row in _step(each, width)])
    yield from _under("Findings", [line(("! ", "warn"), each) for each in card.findings])
    yield from _under("Action items", [*_said(card.actions), *_asked(asks and not card.actions, "a", "write one")])
    yield from _under("Notes", [*_said(card.notes), *_asked(asks and not card.notes, "n", "write one")])
    yield from _under("Ratings", list(_ratings(card, asks)))
    yield from _under("Proposed changes to the runbook", list(_proposals(told)))
    yield from _under("Warnings", [line(("! ", "warn"), each) for each in card.warnings])
    yield line("")
    yield line(("report  ", "dim"), (str(report), "bold"))


def _head(card: Scorecard, width: int) -> Iterator[Content]:
    sign, style = _ENDINGS.get(card.ending, ("▲", "warn"))
    yield line((f"{sign} ", style), (headline(card), "bold"))
    yield line(f"{card.drill} on {card.target}", (f"  {card.run}", "dim"))
    if card.why and card.why not in card.headline:
        yield line(card.why)
    yield line("")
    yield from _verdict("service", card.service, width)
    yield from _verdict("runbook", card.runbook, width)


def _verdict(name: str, verdict: Verdict, width: int) -> Iterator[Content]:
    sign, style = _VERDICTS.get(verdict.status, ("·", "dim"))
    yield from _because(line((f"{sign} ", style), (f"{name} ", "bold"), (verdict.status, style)), verdict.why, width)


def _because(head: Content, why: str, width: int) -> Iterator[Content]:
    """The evidence behind what it is for, or below it where there is no room."""
    why = inert(why)
    if not why or head.cell_length + 2 + len(why) <= width:
        yield head + line((f"  {why}", "dim")) if why else head
        return
    yield head
    yield from (line((f"    {part}", "dim")) for part in wrap(why, max(20, width - 4)))


def _under(title: str, body: list[Content]) -> Iterator[Content]:
    if body:
        yield line("")
        yield line((title, "title"))
        yield from body


def _objective(each: Objective, width: int) -> Iterator[Content]:
    sign, style = _VERDICTS.get(each.status, ("·", "dim"))
    bound = f"within {duration(each.bound)}" if each.bound is not None else ""
    measured = f"{_known(each.measured, each.resolution):16}"
    head = line((f"{sign} ", style), f"{each.name:{_NAME}}", (measured, "bold"), f"{bound:15}", (each.status, style))
    yield from _because(head, each.evidence, width)


def _times(card: Scorecard, width: int) -> Iterator[Content]:
    said = {each.evidence for each in card.objectives}
    for name, time in times(card):
        if time.seconds is not None:
            known = f"{_known(time.seconds, time.resolution):16}"
            # What an objective gives as its evidence need not be read twice.
            how = "" if time.how in said else time.how
            yield from _because(line(f"  {name:{_NAME}}", (known, "bold")), how, width)
    if card.censored:
        yield line(f"  {'time to recover':{_NAME}}", (f"not recovered by {duration(card.censored_after)}", "bad"))
    if card.relapses:
        yield line(f"  {'relapses':{_NAME}}", (str(card.relapses), "warn"))


def _step(step: StepScore, width: int) -> Iterator[Content]:
    sign, style = _OUTCOMES.get(step.outcome, ("·", "dim"))
    took = duration(step.net) if step.visits else ""
    goal = f"≤ {duration(step.target_time)}" if step.target_time is not None else ""
    late = "warn" if step.in_time is False else "dim"
    name = step.name if len(step.name) <= 36 else step.name[:35] + "…"
    outcome = (step.outcome or "not reached", style)
    head = line((f"{sign} ", style), f"{name:37}", f"{took:>8} ", (f"{goal:10}", late), outcome)
    yield from _because(head, "; ".join(filter(None, (remarks(step), step.who))), width)


def _said(said: tuple[Said, ...]) -> Iterator[Content]:
    for each in said:
        yield line((f"{moment(each.t)} ", "dim"), each.text, (f"  {each.by}", "dim"))


def _asked(wanted: bool, key: str, what: str) -> Iterator[Content]:
    if wanted:
        yield line(("none yet: ", "dim"), (key, "key"), (f" {what}", "dim"))


def _ratings(card: Scorecard, asks: bool) -> Iterator[Content]:
    given = {rating.about: rating.scores for rating in card.ratings}
    for about in dict.fromkeys((*(RATED if asks else ()), *given)):
        scores = given.get(about, ())
        said: list[Part] = (
            [(", ".join(map(str, scores)) + " of 5", "bold")] if scores else [("r", "key"), (" 1 to 5", "dim")]
        )
        yield line(f"  {QUESTIONS.get(about, about):44}", *said)


def _proposals(told: Debrief) -> Iterator[Content]:
    for said in told.card.disputes:
        place = told.places.get(said.step) or said.step
        yield line((f"{place}  ", "bold"), said.text, (f"  {said.by}, {moment(said.t)}", "dim"))
    yield from (line(("! not in the patch: ", "warn"), each) for each in told.patch.left)
    if told.patch.text:
        yield line(
            (f"gameday show {told.card.run.rpartition('-')[2]} --patch | git apply", "key"),
            (" puts them into the file", "dim"),
        )


def _known(seconds: float | None, resolution: float | None) -> str:
    if seconds is None:
        return "—"
    return duration(seconds) + (f" ±{resolution:.2g} s" if resolution else "")
