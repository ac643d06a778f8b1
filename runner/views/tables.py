"""Plain tables for `gameday list` and `gameday runs`: columns as wide as their words, no frames."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from runner.history.due_drills import Due
from runner.history.summary import Summary
from runner.views.text import duration, inert


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Left-aligned columns, two spaces apart."""
    lines = [[word.upper() for word in header], *([inert(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def ago(moment: datetime, now: datetime) -> str:
    """`3 minutes ago`, `yesterday`, `12 days ago`."""
    passed = max(now - moment, timedelta())
    if passed < timedelta(minutes=1):
        return "just now"
    for unit, seconds in (("day", 86400), ("hour", 3600), ("minute", 60)):
        number = int(passed.total_seconds() // seconds)
        if number:
            return f"{number} {unit}{'s' if number > 1 else ''} ago"
    return "just now"


def runs_table(rows: Sequence[tuple[Summary, str]], now: datetime) -> str:
    """Newest first, as given."""
    if not rows:
        return "no runs yet; start one with: gameday run DRILL"
    return table(
        ("run", "state", "target", "when", "took", "by", "result"),
        [
            (each.run, state, each.target, ago(each.started, now), duration(each.seconds), each.person, each.headline)
            for each, state in rows
        ],
    )


def agenda_table(rows: Sequence[Due], now: datetime) -> str:
    """Overdue ones first, as given."""
    if not rows:
        return "no drills here; gameday init lays one out"
    return table(
        ("drill", "target", "runbook", "last", "when", "due"),
        [
            (
                row.slug,
                row.target or _wrong(row.problems),
                row.runbook or "-",
                row.last_outcome or "never run",
                ago(row.last_at, now) if row.last_at else "",
                "overdue" if row.overdue else ("" if row.cadence is None else "not yet"),
            )
            for row in rows
        ],
    )


def _wrong(problems: int) -> str:
    return f"{problems} problem{'s' if problems != 1 else ''}: gameday check"
