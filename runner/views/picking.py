"""What there is to run here, as a list to pick from: drills as `gameday list` has them, and experiments alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from runner.history.due_drills import Due

DRILLS, EXPERIMENTS = "Drills", "Experiments alone"

#: Outcome → its sign, and how it is meant.
_OUTCOMES = {
    "passed": ("✓", "good"),
    "failed": ("✗", "warn"),
    "inconclusive": ("?", "warn"),
    "aborted": ("■", "warn"),
    "stopped": ("■", "warn"),
    "refused": ("■", "warn"),
    "broken": ("✗", "bad"),
}


@dataclass(frozen=True, kw_only=True)
class Pick:
    """One thing to run. `what` is what `gameday run` takes for it, `file` where an experiment stands, `drill` what is
    known of a drill.
    """

    what: str
    slug: str
    group: str = DRILLS
    file: str = ""
    drill: Due | None = None

    @property
    def searched(self) -> str:
        """The words it is found by."""
        known = (
            (self.drill.name, self.drill.team, self.drill.target, self.drill.runbook) if self.drill else (self.file,)
        )
        return " ".join((self.slug, *known)).casefold()


def picks(drills: Sequence[Due], experiments: Mapping[str, str], root: Path) -> tuple[Pick, ...]:
    """The drills in the order given, then the experiments: slug → file, as seen from `root`."""
    taken = {due.slug for due in drills}
    own = (Pick(what=due.slug, slug=due.slug, drill=due) for due in drills)
    # A drill of the same name comes first in `gameday run`: then the file is meant.
    bare = (
        Pick(what=str(root / file) if slug in taken else slug, slug=slug, group=EXPERIMENTS, file=file)
        for slug, file in experiments.items()
    )
    return (*own, *bare)


def fitting(found: Sequence[Pick], text: str) -> tuple[Pick, ...]:
    """Those that have every word of `text` in them somewhere; all of them for ''."""
    words = text.casefold().split()
    return tuple(pick for pick in found if all(word in pick.searched for word in words))


def outcome(drill: Due) -> tuple[str, str]:
    """How the last run ended, with a sign; and how that is meant."""
    if drill.problems:
        return f"✗ {drill.problems} problem{'s' if drill.problems > 1 else ''}", "bad"
    if not drill.last_outcome:
        return "· never run", "dim"
    sign, style = _OUTCOMES.get(drill.last_outcome, ("·", ""))
    return f"{sign} {drill.last_outcome}", style


def due(drill: Due, now: datetime) -> tuple[str, str]:
    """`overdue`, `due in 78 days`, or '' for one without a cadence; and how it is meant."""
    if drill.cadence is None:
        return "", ""
    if drill.overdue or drill.rehearsed_at is None:
        return "overdue", "warn"
    return f"due in {span(drill.rehearsed_at + timedelta(seconds=drill.cadence) - now)}", "dim"


def span(time: timedelta) -> str:
    """The largest unit alone: `78 days`, `1 hour`."""
    seconds = max(0.0, time.total_seconds())
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        number = int(seconds // length)
        if number:
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return "less than a minute"
