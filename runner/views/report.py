"""The report of a run: its scorecard as Markdown, for people who were not there. Nothing in it is more than text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.engine.events import Recorded, RunStarted
from runner.engine.plan_json import plan_from_json
from runner.private import write_private
from runner.scoring.score import score
from runner.scoring.scorecard import FaultScore, Said, Scorecard, StepScore, Time
from runner.transcript.reader import read_run
from runner.transcript.run_folder import PATCH, REPORT
from runner.views.load_text import load_lines
from runner.views.patch import Patch, moment, runbook_patch
from runner.views.text import duration, inert
from runner.views.undone import undone_how

#: What the debrief asks, by what a rating is about.
QUESTIONS = {
    "confidence": "How sure were we of what we did?",
    "runbook": "How useful was the runbook?",
    "realism": "How much was it like a real incident?",
}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!$])")


@dataclass(frozen=True, kw_only=True)
class Debrief:
    """What a report says: `places` is where each step stands in its file, `patch` what people want changed there."""

    card: Scorecard
    places: Mapping[str, str]
    patch: Patch


def debrief(folder: Path, root: Path) -> Debrief:
    """That of a run, as far as it is recorded. Reads the whole transcript. Raises TranscriptError."""
    places: dict[str, str] = {}

    def seen() -> Iterator[Recorded]:
        for recorded in read_run(folder):
            if isinstance(recorded.event, RunStarted):
                places.update({step.id: step.where for step in plan_from_json(recorded.event.plan).steps})
            yield recorded

    card = score(seen())
    return Debrief(card=card, places=places, patch=runbook_patch(card.disputes, places, root))


def write_report(folder: Path, root: Path) -> None:
    """Put the report, and the patch when there is one, beside the transcript. Raises TranscriptError, OSError."""
    told = debrief(folder, root)
    write_private(folder / REPORT, report(told))
    if told.patch.text:
        write_private(folder / PATCH, told.patch.text)


def report(told: Debrief) -> str:
    """Markdown: the headline, both verdicts, and the evidence for them."""
    sections = (_head, _verdicts, _objectives, _times, _steps, _faults, _load, _alerts, _findings, _said, _ratings)
    card = told.card
    parts = ["\n".join(body) for section in sections if (body := list(section(card)))]
    if card.disputes:
        parts.append("\n".join(_proposals(told)))
    if card.warnings:
        parts.append("\n".join(["## Warnings", "", *(f"- {_text(each)}" for each in card.warnings)]))
    return "\n\n".join(parts) + "\n"


def headline(card: Scorecard) -> str:
    """What a run came to, in a few words: `4 of 5 objectives met`."""
    return card.headline or f"running ({card.phase})"


# -- sections ----------------------------------------------------------------------------------------------------------


def _head(card: Scorecard) -> Iterator[str]:
    yield f"# {_text(card.drill)}: {_text(headline(card))}"
    yield ""
    people = f", with {_text(', '.join(card.people))}" if card.people else ""
    begun = card.started_at[:16].replace("T", " ")
    yield (
        f"Run {_text(card.run)} on {_text(card.target)} ({_text(card.environment)}), begun {_text(begun)} UTC, "
        f"{duration(card.duration)} long{people}."
    )
    if card.why and card.why not in card.headline:
        yield ""
        yield _text(card.why)


def _verdicts(card: Scorecard) -> Iterator[str]:
    yield from _table("Verdicts", "", "verdict", "evidence")
    for name, verdict in (("service", card.service), ("runbook", card.runbook)):
        yield _row(name, verdict.status, verdict.why)


def _objectives(card: Scorecard) -> Iterator[str]:
    if not card.objectives:
        return
    yield from _table("Objectives", "objective", "within", "measured", "verdict", "evidence")
    for each in card.objectives:
        measured = _known(each.measured, each.resolution)
        yield _row(each.name, duration(each.bound), measured, each.status, each.evidence)


def _times(card: Scorecard) -> Iterator[str]:
    known = [(name, time) for name, time in times(card) if time.seconds is not None]
    if not known and not card.censored:
        return
    yield from _table("Times", "what", "time", "known to", "by")
    for name, time in known:
        yield _row(name, duration(time.seconds), _resolution(time.resolution), time.how)
    if card.censored:
        yield _row("time to recover", f"not recovered by {duration(card.censored_after)}", "", "")
    if card.relapses:
        yield _row("relapses", str(card.relapses), "", "")
    if card.out_of_tolerance:
        yield _row("out of tolerance", duration(card.out_of_tolerance), "", "")
    if card.paused:
        yield _row("paused", duration(card.paused), "", "")


def times(card: Scorecard) -> tuple[tuple[str, Time], ...]:
    """Every time that a run may have, in the order in which they happen."""
    found = card.times
    return (
        ("injected at", found.injected),
        ("impact at", found.impact),
        ("time to detect", found.detected),
        ("… a participant", found.detected_by_person),
        ("… an alert", found.detected_by_alert),
        ("time to acknowledge", found.acknowledged),
        ("time to mitigate, claimed", found.mitigated_claimed),
        ("time to mitigate", found.mitigated),
        ("time to recover", found.recovered),
        ("all-clear error", found.all_clear_error),
    )


def _steps(card: Scorecard) -> Iterator[str]:
    if not card.steps:
        return
    yield from _table("Steps", "step", "outcome", "time", "target", "who", "remarks")
    for step in card.steps:
        target = "" if step.target_time is None else duration(step.target_time)
        took = duration(step.net) if step.visits else ""
        yield _row(step.name, step.outcome or "not reached", took, target, step.who, remarks(step))


def remarks(step: StepScore) -> str:
    """What there is to say of a step beside its outcome and its time."""
    said = (
        step.why,
        "over its target" if step.in_time is False else "",
        "" if step.as_written else "not as written",
        "its verification held before it" if step.vacuous_verify else "",
        "hint shown" if step.hint_shown else "",
        f"{step.attempts} attempts" if step.attempts > 1 else "",
        f"{step.visits} visits" if step.visits > 1 and not step.anytime else "",
        "not critical" if not step.critical and step.outcome not in ("", "succeeded") else "",
    )
    return "; ".join(filter(None, said))


def _faults(card: Scorecard) -> Iterator[str]:
    if not card.faults:
        return
    yield from _table("Faults", "fault", "experiment", "in at", "now", "how")
    for fault in card.faults:
        at = "" if fault.started is None else moment(fault.started)
        yield _row(fault.name, fault.experiment, at, _now(fault), _how(fault))


def _how(fault: FaultScore) -> str:
    return "; ".join(filter(None, (fault.doubt, undone_how(fault.how) or fault.why or fault.status)))


def _now(fault: FaultScore) -> str:
    return "left behind" if fault.state == "left" else fault.state


def _load(card: Scorecard) -> Iterator[str]:
    told = [f"- {_text(each)}" for each in load_lines(card.load)]
    if told:
        yield from ("## Load", "", *told)


def _alerts(card: Scorecard) -> Iterator[str]:
    if not card.alerts:
        return
    yield from _table("Alerts", "alert", "fired")
    for alert in card.alerts:
        words = {"never": "never", "before": "before the fault"}
        yield _row(alert.name, words.get(alert.status) or (moment(alert.fired) if alert.fired is not None else ""))


def _findings(card: Scorecard) -> Iterator[str]:
    if card.findings:
        yield "## Findings"
        yield ""
        yield from (f"- {_text(each)}" for each in card.findings)


def _said(card: Scorecard) -> Iterator[str]:
    groups = (("Action items", "- [ ] ", card.actions), ("Notes", "- ", card.notes), ("Moments", "- ", card.marks))
    first = True
    for title, sign, said in groups:
        if not said:
            continue
        yield from ([] if first else [""])
        first = False
        yield f"## {title}"
        yield ""
        yield from (f"{sign}{_text(each.text or 'marked')} ({_by(each)})" for each in said)


def _ratings(card: Scorecard) -> Iterator[str]:
    if not card.ratings:
        return
    yield from _table("Ratings", "", "from 1 to 5")
    for rating in card.ratings:
        yield _row(QUESTIONS.get(rating.about, rating.about), ", ".join(map(str, rating.scores)))


def _proposals(told: Debrief) -> Iterator[str]:
    yield "## Proposed changes to the runbook"
    yield ""
    names = {step.id: step.name for step in told.card.steps}
    for said in told.card.disputes:
        place = told.places.get(said.step, "")
        at = f" at {_text(place)}" if place else ""
        yield f"- {_text(names.get(said.step, said.step))}{at}: {_text(said.text)} ({_by(said)})"
    yield from (f"- not in the patch: {_text(each)}" for each in told.patch.left)
    if told.patch.text:
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", told.patch.text)), default=0))
        yield ""
        yield f"{fence}diff"
        yield from told.patch.text.replace("\r", "").removesuffix("\n").split("\n")
        yield fence


# -- words -------------------------------------------------------------------------------------------------------------


def _by(said: Said) -> str:
    return f"{_text(said.by)}, {moment(said.t)}"


def _text(text: str) -> str:
    """On one line, and nothing in it means anything to Markdown or to a terminal."""
    return _SPECIAL.sub(r"\\\1", inert(text))


def _table(title: str, *columns: str) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield _row(*columns)
    yield "|" + "|".join(" --- " for _ in columns) + "|"


def _row(*cells: str) -> str:
    return f"| {' | '.join(_text(cell) for cell in cells)} |"


def _known(seconds: float | None, resolution: float | None) -> str:
    return duration(seconds) + (f" {_resolution(resolution)}" if seconds is not None and resolution else "")


def _resolution(resolution: float | None) -> str:
    return f"±{resolution:.2g} s" if resolution else ""
