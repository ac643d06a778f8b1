"""One line about each run, read from the first and the last lines of its transcript."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

from runner.clock import parse_iso
from runner.engine.events import Recorded, RunClosed, RunStarted
from runner.errors import UnreadableTranscript
from runner.transcript.head_and_tail import head, tail
from runner.transcript.reader import read_run
from runner.transcript.run_folder import TRANSCRIPT

#: Lines in which to look for the end: what people say of a run later stands behind it.
_LAST = 20


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A run in short. `ending` is '' while it has not closed; `seconds` from its first to its last line; `tabletop`: a
    runbook was walked through, no drill was run.
    """

    run: str
    folder: Path
    slug: str
    name: str
    target: str
    person: str
    started: datetime
    seconds: float
    ending: str
    exit_code: int | None
    headline: str
    tabletop: bool = False


def summarise(folder: Path) -> Summary | None:
    """The summary of one run folder; None when its transcript cannot be read."""
    try:
        return _summary(folder)
    except UnreadableTranscript:
        return None


def why_unreadable(folder: Path) -> str:
    """Why there is no summary of a run folder; '' when there is one."""
    try:
        _summary(folder)
    except UnreadableTranscript as error:
        return str(error)
    return ""


def _summary(folder: Path) -> Summary:
    """Raises UnreadableTranscript."""
    path = folder / TRANSCRIPT
    first = head(path)
    if first is None or not isinstance(first.event, RunStarted):
        first = next(read_run(path))
    try:
        return _of(folder, first, tail(path, _LAST))
    except (ValueError, AttributeError, TypeError) as cause:
        raise UnreadableTranscript(f"{path}:1: damaged: the run's plan or its time is of another form") from cause


def _of(folder: Path, first: Recorded, last: list[Recorded]) -> Summary:
    """Raises ValueError, AttributeError or TypeError for values of other kinds than a plan has."""
    started = cast("RunStarted", first.event)
    end = next((each for each in reversed(last) if isinstance(each.event, RunClosed)), last[-1] if last else first)
    closed = end.event if isinstance(end.event, RunClosed) else None
    return Summary(
        run=started.run,
        folder=folder,
        slug=str(started.plan.get("slug", "")),
        name=str(started.plan.get("name", "")),
        target=str((started.plan.get("target") or {}).get("name", "")),
        person=started.person,
        started=parse_iso(first.at),
        seconds=max(0.0, end.t - first.t),
        ending=closed.ending if closed else "",
        exit_code=closed.exit_code if closed else None,
        headline=closed.headline if closed else "",
        tabletop=bool(started.plan.get("tabletop")),
    )


def summaries(folders: Iterable[Path]) -> Iterator[Summary]:
    """Those of every readable run, in the order given."""
    for folder in folders:
        if (summary := summarise(folder)) is not None:
            yield summary


#: Endings of a run that was played to its end, whatever it came to: only these rehearse anything.
_PLAYED = ("passed", "failed", "inconclusive")


def rehearsal_of(slug: str, all_runs: Iterable[Summary]) -> Summary | None:
    """The newest run of a drill that was a rehearsal: one refused, aborted, stopped or broken is none."""
    return latest_of(slug, (each for each in all_runs if each.ending in _PLAYED))


def latest_of(slug: str, all_runs: Iterable[Summary]) -> Summary | None:
    """The newest closed run of a drill."""
    done = (each for each in all_runs if each.slug == slug and each.ending and not each.tabletop)
    return max(done, key=lambda each: each.started, default=None)
