"""How long each step took last time."""

from __future__ import annotations

from pathlib import Path

from sample_runs import SampleRun, drill, plan
from transcript_samples import told_at as recorded_at

from runner.engine import events as ev
from runner.history.previous_run import last_times


def told_at(folder: Path, sample: SampleRun) -> Path:
    return recorded_at(folder, sample.records())


def closed(sample: SampleRun) -> SampleRun:
    sample.end(28.0).undo(28.5)
    return sample.at(29.0, ev.RunClosed(ending="passed", exit_code=0))


def test_the_last_closed_run_of_the_same_drill_before_this_one(tmp_path: Path) -> None:
    told_at(tmp_path / "20261101-gateway-outage-aaaa", closed(SampleRun().live().step(5.0, "look", 6.0)))
    last = closed(drill().at(16.0, ev.Paused(why="lunch")).at(18.0, ev.Resumed()))
    told_at(tmp_path / "20261102-gateway-outage-bbbb", last)
    told_at(tmp_path / "20261103-gateway-outage-cccc", drill())
    told_at(tmp_path / "20261104-other-dddd", closed(SampleRun(plan(slug="other")).live().step(5.0, "look", 9.0)))
    own = told_at(tmp_path / "20261105-gateway-outage-eeee", drill())
    told_at(tmp_path / "20261106-gateway-outage-ffff", closed(SampleRun().live().step(5.0, "look", 7.0)))
    assert last_times(own) == {"look": 10.0, "fix": 3.0}


def test_a_tabletop_is_measured_by_tabletops_alone(tmp_path: Path) -> None:
    told_at(tmp_path / "1", closed(SampleRun().live().step(5.0, "look", 6.0)))
    told_at(tmp_path / "2", closed(SampleRun(plan(tabletop=True)).live().step(5.0, "look", 9.0)))
    assert last_times(told_at(tmp_path / "3", drill())) == {"look": 1.0}
    assert last_times(told_at(tmp_path / "4", SampleRun(plan(tabletop=True)))) == {"look": 4.0}


def test_what_was_skipped_is_nothing_to_be_measured_by(tmp_path: Path) -> None:
    told_at(tmp_path / "1", closed(SampleRun().live().step(5.0, "look", 5.1, "skipped").step(5.1, "fix", 8.0)))
    assert last_times(told_at(tmp_path / "2", drill())) == {"fix": 2.9}


def test_without_a_run_before_there_are_no_times(tmp_path: Path) -> None:
    own = told_at(tmp_path / "1", closed(drill()))
    assert last_times(own) == {}
    assert last_times(tmp_path / "none") == {}


def test_a_damaged_run_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    before = told_at(tmp_path / "1", closed(drill())) / "transcript.jsonl"
    own = told_at(tmp_path / "2", drill())
    lines = before.read_bytes().splitlines(keepends=True)
    at = next(index for index, line in enumerate(lines) if b'"step-started","by":"conductor","step":"fix"' in line)
    before.write_bytes(b"".join([*lines[:at], b"{broken\n", *lines[at:]]))
    assert last_times(own) == {"look": 10.0}
