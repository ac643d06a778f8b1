"""The drills of a repository beside what their runs say: last outcome, how long ago, due or overdue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from runner.errors import InputError
from runner.history.summary import Summary, latest_of, rehearsal_of
from runner.specs.catalogue import Catalogue
from runner.specs.fields import slug as run_slug


@dataclass(frozen=True, kw_only=True)
class Due:
    """One drill. `cadence` in s, None when it has none; `overdue` also when it has one and was never rehearsed.

    `last_...` is of the latest run, whatever became of it; `rehearsed_at` of the latest that was played to its end.
    """

    slug: str
    name: str = ""
    target: str = ""
    runbook: str = ""
    team: str = ""
    problems: int = 0
    last_outcome: str = ""
    last_run: str = ""
    last_at: datetime | None = None
    rehearsed_at: datetime | None = None
    cadence: float | None = None
    overdue: bool = False

    def to_json(self) -> dict[str, Any]:
        moments = {"last_at": self.last_at, "rehearsed_at": self.rehearsed_at}
        return asdict(self) | {name: at.isoformat() if at else None for name, at in moments.items()}


def agenda(catalogue: Catalogue, runs: Sequence[Summary], now: datetime) -> list[Due]:
    """Every drill here, overdue ones first, then by name. One that cannot be read is in it too, with its problems."""
    rows = [_row(catalogue, slug, runs, now) for slug in catalogue.drills()]
    return sorted(rows, key=lambda row: (not row.overdue, row.slug))


def _row(catalogue: Catalogue, slug: str, runs: Sequence[Summary], now: datetime) -> Due:
    last, played = latest_of(run_slug(slug), runs), rehearsal_of(run_slug(slug), runs)
    rehearsed = played.started if played else None
    outcome, run, at = (last.ending, last.run, last.started) if last else ("", "", None)
    try:
        loaded = catalogue.load_drill(slug)
    except InputError as error:
        return Due(
            slug=slug,
            problems=len(error.problems),
            last_outcome=outcome,
            last_run=run,
            last_at=at,
            rehearsed_at=rehearsed,
        )
    cadence = loaded.drill.cadence
    return Due(
        slug=slug,
        name=loaded.drill.name,
        target=loaded.target_name,
        runbook=loaded.runbook_slug,
        team=loaded.drill.team or "",
        last_outcome=outcome,
        last_run=run,
        last_at=at,
        rehearsed_at=rehearsed,
        cadence=cadence,
        overdue=cadence is not None and (rehearsed is None or now - rehearsed > timedelta(seconds=cadence)),
    )
