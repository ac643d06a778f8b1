"""The tables of `list` and `runs`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hostile_events import EVIL, acts

from runner.history.due_drills import Due
from runner.history.summary import Summary
from runner.views.tables import agenda_table, ago, runs_table, table

_NOW = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)


def _summary(**changes: object) -> Summary:
    facts: dict[str, object] = {
        "run": "20261120-outage-7f3a",
        "folder": Path("/runs/x"),
        "slug": "outage",
        "name": "Outage",
        "target": "sandbox",
        "person": "ana",
        "started": _NOW - timedelta(minutes=3),
        "seconds": 65.0,
        "ending": "passed",
        "exit_code": 0,
        "headline": "5 of 5 objectives met",
    }
    return Summary(**{**facts, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=-5), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59, seconds=59), "59 minutes ago"),
        (timedelta(hours=2), "2 hours ago"),
        (timedelta(days=1, hours=23), "1 day ago"),
        (timedelta(days=40), "40 days ago"),
    ],
)
def test_how_long_ago(passed: timedelta, said: str) -> None:
    assert ago(_NOW - passed, _NOW) == said


def test_columns_are_as_wide_as_their_words() -> None:
    assert table(("a", "bee"), [("long word", "x"), ("y", "")]) == "A          BEE\nlong word  x\ny"


def test_runs() -> None:
    header, row = runs_table([(_summary(), "passed")], _NOW).splitlines()
    assert header.split() == ["RUN", "STATE", "TARGET", "WHEN", "TOOK", "BY", "RESULT"]
    assert row.split("  ")[0] == "20261120-outage-7f3a"
    assert "3 minutes ago" in row
    assert "1:05.0" in row
    assert "gameday run DRILL" in runs_table([], _NOW)


def test_the_agenda() -> None:
    rows = [
        Due(slug="late", target="sandbox", runbook="r", cadence=86400.0, overdue=True),
        Due(slug="done", target="sandbox", last_outcome="passed", last_at=_NOW - timedelta(hours=2), cadence=86400.0),
        Due(slug="wrong", problems=1),
        Due(slug="worse", problems=3),
    ]
    _, late, done, wrong, worse = agenda_table(rows, _NOW).splitlines()
    assert late.split() == ["late", "sandbox", "r", "never", "run", "overdue"]
    assert done.split() == ["done", "sandbox", "-", "passed", "2", "hours", "ago", "not", "yet"]
    assert "1 problem: gameday check" in wrong
    assert "3 problems: gameday check" in worse
    assert "gameday init" in agenda_table([], _NOW)


def test_nothing_in_a_table_acts_or_forges_a_row() -> None:
    evil = _summary(run=EVIL, target=EVIL, person=EVIL, headline=EVIL)
    text = runs_table([(evil, EVIL)], _NOW)
    assert acts(text) == []
    assert len(text.splitlines()) == 2
