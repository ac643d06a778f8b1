"""One line about each run, from the ends of its transcript; and which drills are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from transcript_samples import create, entries

from runner.engine.events import Event, NoteWritten, PhaseEntered, RunClosed, RunStarted
from runner.history.due_drills import agenda
from runner.history.summary import Summary, latest_of, summaries, summarise, why_unreadable
from runner.specs.catalogue import Catalogue

_NOW = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)
_START = RunStarted(
    run="20261120-outage-7f3a",
    plan={"slug": "outage", "name": "Outage", "target": {"name": "staging"}},
    attended=True,
    person="ana",
)
_END = RunClosed(ending="failed", exit_code=1, headline="3 of 5 objectives met")


def _run(folder: Path, *events: Event) -> Path:
    writer = create(folder)
    writer.append(*entries(events))
    writer.close()
    return folder


def test_a_closed_run(tmp_path: Path) -> None:
    notes = [NoteWritten(text="x" * 200)] * 200
    summary = summarise(_run(tmp_path, _START, *notes, PhaseEntered(phase="closed"), _END))
    assert summary is not None
    assert (summary.run, summary.slug, summary.name, summary.target) == (_START.run, "outage", "Outage", "staging")
    assert (summary.person, summary.ending, summary.exit_code) == ("ana", "failed", 1)
    assert summary.headline == "3 of 5 objectives met"
    assert summary.folder == tmp_path
    assert summary.seconds >= 0.0


def test_a_run_that_has_not_closed_has_no_ending(tmp_path: Path) -> None:
    summary = summarise(_run(tmp_path, _START, PhaseEntered(phase="live")))
    assert summary is not None
    assert (summary.ending, summary.exit_code, summary.headline) == ("", None, "")


def test_a_torn_tail_does_not_hide_a_run(tmp_path: Path) -> None:
    path = _run(tmp_path, _START, _END) / "transcript.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    summary = summarise(tmp_path)
    assert summary is not None
    assert summary.ending == ""


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe\n", b'{"seq": 0}\n', b"[]\n"])
def test_what_cannot_be_read_is_passed_over(content: bytes | None, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    if content is not None:
        (bad / "transcript.jsonl").write_bytes(content)
    good = _run(tmp_path / "good", _START, _END)
    assert [summary.folder for summary in summaries([bad, good])] == [good]


@pytest.mark.parametrize(
    ("was", "became", "says"),
    [
        (b'"at":"2', b'"at":"x', ":1: damaged: the run's plan or its time is of another form"),
        (b'"target":{"name":"staging"}', b'"target":"staging"', ":1: damaged: the run's plan or its time"),
        (b'"plan":{', b'"plan":[],"was":{', ":1: damaged: `plan` of `run-started` is a list"),
        (b'"kind":"run-closed"', b'"kind":7', ": damaged near its end: seq, at, t, kind or by is of the wrong type"),
    ],
)
def test_a_run_that_is_passed_over_has_its_reason(was: bytes, became: bytes, says: str, tmp_path: Path) -> None:
    path = _run(tmp_path, _START, _END) / "transcript.jsonl"
    path.write_bytes(path.read_bytes().replace(was, became, 1))
    assert summarise(tmp_path) is None
    assert why_unreadable(tmp_path).startswith(f"{path}{says}")


def _summary(slug: str, ending: str, started: datetime) -> Summary:
    return Summary(
        run=f"{slug}-{started:%H%M}",
        folder=Path(),
        slug=slug,
        name="",
        target="",
        person="",
        started=started,
        seconds=1.0,
        ending=ending,
        exit_code=0,
        headline="",
    )


def test_the_latest_run_of_a_drill_is_a_closed_one() -> None:
    runs = [
        _summary("a", "passed", _NOW - timedelta(hours=2)),
        _summary("a", "failed", _NOW - timedelta(hours=1)),
        _summary("a", "", _NOW),
        _summary("b", "passed", _NOW),
    ]
    latest = latest_of("a", runs)
    assert latest is not None
    assert latest.ending == "failed"
    assert latest_of("c", runs) is None


def test_what_is_overdue_comes_first_and_what_is_wrong_is_in_it(tmp_path: Path) -> None:
    runbook = "name: R\nsteps: [{name: Look}]\n"
    drill = "name: D\nbriefing: b\ntarget: local\nrunbook: r\n"
    for name, text in {
        "runbooks/r.yaml": runbook,
        "drills/a-free/drill.yaml": drill,
        "drills/b-done/drill.yaml": f"{drill}cadence: 1d\n",
        "drills/c-late/drill.yaml": f"{drill}cadence: 1h\n",
        "drills/d-never/drill.yaml": f"{drill}cadence: 90d\n",
        "drills/e-wrong/drill.yaml": "name: [\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    runs = [_summary(slug, "passed", _NOW - timedelta(hours=2)) for slug in ("b-done", "c-late", "e-wrong")]
    rows = agenda(Catalogue(tmp_path), runs, _NOW)
    assert [row.slug for row in rows] == ["c-late", "d-never", "a-free", "b-done", "e-wrong"]
    assert [row.overdue for row in rows] == [True, True, False, False, False]
    assert rows[-1].problems > 0
    assert rows[-1].last_outcome == "passed"
    assert rows[1].to_json()["last_at"] is None


@pytest.mark.parametrize(
    ("ending", "counts"),
    [
        ("passed", True),
        ("failed", True),
        ("inconclusive", True),
        ("refused", False),
        ("aborted", False),
        ("stopped", False),
        ("broken", False),
        ("", False),
    ],
)
def test_only_a_run_that_was_played_to_its_end_is_a_rehearsal(tmp_path: Path, ending: str, counts: bool) -> None:
    drill = tmp_path / "drills" / "a" / "drill.yaml"
    drill.parent.mkdir(parents=True)
    drill.write_text("name: D\nbriefing: b\ntarget: local\nrunbook: r\ncadence: 1d\n")
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "r.yaml").write_text("name: R\nsteps: [{name: Look}]\n")
    old, new = _NOW - timedelta(days=9), _NOW - timedelta(hours=2)
    [row] = agenda(Catalogue(tmp_path), [_summary("a", "passed", old), _summary("a", ending, new)], _NOW)
    assert row.overdue is not counts
    assert row.rehearsed_at == (new if counts else old)
    assert row.last_outcome == (ending or "passed")
