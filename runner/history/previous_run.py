"""How the team did last time: what a room shows beside the runbook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from runner.engine.events import KINDS, Recorded
from runner.errors import TranscriptError
from runner.history.summary import Summary, summaries, summarise
from runner.transcript.codec import LineError, decode
from runner.transcript.run_folder import TRANSCRIPT

#: A sample, by the beginning of its line: nine of ten lines, and none of them says anything of a step.
_SAMPLES = "|".join(kind for kind, event in KINDS.items() if event.sample)
_SAMPLE = re.compile(rf'\{{"seq":\d+,"at":"[^"]*","t":[-+.\de]+,"kind":"(?:{_SAMPLES})"'.encode())


def last_times(folder: Path) -> dict[str, float]:
    """Step id → net seconds in the last closed run of the same drill before this one, in the folder beside it.

    Steps that succeeded then, no others: what was skipped after a moment is nothing to be measured by.
    """
    own = summarise(folder)
    last = _before(own) if own is not None else None
    if last is None:
        return {}
    # Imported where there is something to score: a review of a first run does not wait for it.
    from runner.scoring.score import score

    card = score(without_samples(last.folder / TRANSCRIPT))
    return {step.id: step.net for step in card.steps if step.outcome == "succeeded"}


def _before(own: Summary) -> Summary | None:
    # A run's id begins with its time: the newest first, and no look at more than it takes to find one.
    beside = (path.parent for path in own.folder.parent.glob(f"*/{TRANSCRIPT}"))
    older = sorted((each for each in beside if each.name < own.folder.name), reverse=True)
    alike = (each for each in summaries(older) if (each.slug, each.tabletop) == (own.slug, own.tabletop))
    return next((each for each in alike if each.ending), None)


def without_samples(path: Path) -> Iterator[Recorded]:
    """A transcript without its samples, as far as it can be read."""
    try:
        with path.open("rb") as file:
            for line in file:
                if not _SAMPLE.match(line):
                    yield decode(line)
    except (OSError, LineError, TranscriptError):
        return
