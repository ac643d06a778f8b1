"""A finished run moved through: every moment is what a fold from the beginning gives; comments; two of them aligned."""

from __future__ import annotations

import json
import stat
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hostile_events import EVIL, every_event
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_runs import SampleRun, drill
from transcript_samples import create, told_at

from runner.engine import events as ev
from runner.errors import InputError
from runner.transcript.comments import LONGEST, Comment, add_comment, read_comments
from runner.transcript.reader import read, verify
from runner.transcript.run_folder import COMMENTS as FILE
from runner.transcript.writer import Entry
from runner.views import replay as reel_module
from runner.views.compare import Comparison, zero
from runner.views.replay import Replay
from runner.views.series import MOST, Point, Series
from runner.views.view_model import ViewModel


def whole() -> SampleRun:
    sample = drill().at(16.0, ev.NoteWritten(text="odd"), by="grace").end(28.0).undo(28.5)
    sample.at(13.9, ev.ImpactSeen(indicator="checkouts", since=12.2)).at(26.0, ev.RecoverySeen(since=21.8))
    # A child's stamp may be older than the line before it.
    return sample.at(20.0, ev.Warned(text="late"))


@cache
def run() -> Path:
    return told_at(Path(mkdtemp()) / "r1", whole().records())


def looks(model: ViewModel) -> tuple[object, ...]:
    """Everything that a screen shows of a model."""
    series = {name: list(each.points) for name, each in model.series.items()}
    return model.state, list(model.lines), model.written, list(model.marks), series


def folded(folder: Path, t: float) -> tuple[object, ...]:
    """From the beginning up to the last event at `t`, as lines stand in the file."""
    events = list(read(folder))
    last = max((at for at, each in enumerate(events) if max(e.t for e in events[: at + 1]) <= t), default=-1)
    model = ViewModel()
    for recorded in events[: last + 1]:
        model.take(recorded)
    return looks(model)


# -- moving ------------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(moments=st.lists(st.floats(-5.0, 40.0), min_size=1, max_size=8))
def test_any_moment_is_what_a_fold_from_the_beginning_gives(moments: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reel_module, "_APART", 7)
        replay = Replay(run())
        for moment in moments:
            replay.seek(moment)
            assert looks(replay.model) == folded(run(), replay.t)
            assert 0.0 <= replay.t <= replay.end


def test_there_and_back_again() -> None:
    replay = Replay(run())
    forwards = []
    while not replay.over:
        replay.step(1)
        forwards.append(replay.t)
    backwards = [replay.t]
    while replay.t > 0.0:
        replay.step(-1)
        backwards.append(replay.t)
    assert forwards[:-1] == [t for t in sorted(set(forwards)) if t < replay.end]
    assert sorted({0.0, *forwards}) == sorted(set(backwards))


def test_marks_and_moments_are_found_by_name_and_in_order() -> None:
    replay = Replay(run())
    assert replay.to("impact")
    # A moment before, at the impact itself, the run did not know of it.
    assert replay.t == pytest.approx(13.9)
    assert not replay.to("nothing like it")
    assert replay.t == pytest.approx(13.9)
    assert replay.next_mark(1)
    assert replay.t == pytest.approx(14.0)
    assert replay.next_mark(-1)
    assert replay.t == pytest.approx(12.2)
    replay.tenth(10)
    assert (replay.t, replay.over) == (replay.end, True)
    assert not replay.next_mark(1)


def test_search_goes_both_ways_and_stays_where_nothing_is() -> None:
    replay = Replay(run())
    replay.seek(0.0)
    assert replay.search("ODD")
    assert replay.t == 16.0
    assert not replay.search("odd")
    replay.seek(replay.end)
    assert replay.search("odd", -1)
    assert replay.search("grace", -1) is False
    assert not replay.search("no such word")
    assert replay.t == 16.0


def test_a_transcript_with_nothing_in_it_can_be_looked_at(tmp_path: Path) -> None:
    create(tmp_path / "r").close()
    replay = Replay(tmp_path / "r")
    replay.step(1)
    replay.step(-1)
    assert (replay.t, replay.end, replay.current) == (0.0, 0.0, None)


def test_every_kind_of_event_can_be_looked_at(tmp_path: Path) -> None:
    writer = create(tmp_path / "r")
    for event in every_event():
        if not isinstance(event, ev.Unrecognised | ev.RunStarted | ev.ProbesSampled):
            writer.append(Entry(event, EVIL))
    writer.close()
    replay = Replay(tmp_path / "r")
    replay.seek(replay.end)
    replay.search("x")
    assert replay.model.state.seq == len(replay.events)


# -- comments ----------------------------------------------------------------------------------------------------------


def test_a_comment_stands_at_its_moment_and_the_transcript_as_it_was(tmp_path: Path) -> None:
    folder = told_at(tmp_path / "r", whole().records())
    before = (folder / "transcript.jsonl").read_bytes()
    replay = Replay(folder)
    replay.seek(16.5)
    assert not replay.found("so late")
    made = replay.comment("ana", " why so late? ")
    assert replay.found("so late") == [16.0]
    assert (made.text, made.t, replay.events[made.seq - 1].event) == ("why so late?", 16.0, ev.NoteWritten(text="odd"))
    assert [line.text for line in list(replay.model.lines)[-2:]] == ["note: odd", "why so late?"]
    assert (folder / "transcript.jsonl").read_bytes() == before
    assert not verify(folder / "transcript.jsonl")
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    assert set(json.loads((folder / FILE).read_text())) == {"author", "seq", "t", "text", "when"}
    again = Replay(folder)
    again.seek(15.9)
    assert "why so late?" not in [line.text for line in again.model.lines]
    for _ in range(2):
        again.seek(16.0)
        assert [(line.text, line.by) for line in again.model.lines][-1] == ("why so late?", "ana")
        again.seek(0.0)
    assert again.search("so late")
    assert [mark.t for mark in again.marks if mark.sign == "❝"] == [16.0]


def test_a_comment_on_an_early_event_is_in_every_model_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reel_module, "_APART", 5)
    replay = Replay(told_at(tmp_path / "r", whole().records()))
    replay.seek(replay.end)
    replay.seek(6.0)
    replay.comment("ana", "one")
    replay.comment("bob", "two")
    for moment in (replay.end, 20.0):
        replay.seek(moment)
        assert [line.text for line in replay.model.lines if line.sign == "❝"] == ["one", "two"]
        assert replay.model.written == len(replay.model.lines)


def test_lines_that_are_no_comments_are_named_and_kept(tmp_path: Path) -> None:
    good = Comment(author="ana", seq=3, t=1.0, text="x", when="2026-11-20T17:40:00Z")
    add_comment(tmp_path, good)
    bad = b'{"author": 1, "seq": 3, "t": 1, "text": "x", "when": ""}\n{}\n\xff\n[[[\n{"author":"a","seq":true,"t":1,"text":"","when":""}'
    with (tmp_path / FILE).open("ab") as file:
        file.write(bad)
    add_comment(tmp_path, good)
    comments, problems = read_comments(tmp_path)
    assert comments == [good, good]
    assert problems == [f"comments.jsonl:{line}: no comment" for line in (2, 3, 4, 5, 6)]
    assert bad in (tmp_path / FILE).read_bytes()


def test_a_comment_says_something_and_not_too_much(tmp_path: Path) -> None:
    replay = Replay(told_at(tmp_path / "r", whole().records()))
    for text, why in (("  ", "says nothing"), ("x" * (LONGEST + 1), f"at most {LONGEST} characters")):
        with pytest.raises(InputError, match=why):
            replay.comment("ana", text)
    assert not (tmp_path / "r" / FILE).exists()


# -- two runs ----------------------------------------------------------------------------------------------------------


def test_two_runs_meet_at_their_impact(tmp_path: Path) -> None:
    later = whole().at(3.0, ev.NoteWritten(text="first"))
    shifted = SampleRun()
    shifted._told = [(t + 10.0 if t else t, by, _later(event, 10.0)) for t, by, event in later._told]
    pair = Comparison(Replay(run()), Replay(told_at(tmp_path / "late", shifted.records())))
    assert [round(each.t, 3) for each in pair.zeros] == [12.2, 22.2]
    assert pair.begin == pytest.approx(-22.2)
    pair.seek(0.0)
    assert [round(replay.t, 3) for replay in pair.replays] == [12.2, 22.2]
    pair.seek(-15.0)
    assert [round(replay.t, 3) for replay in pair.replays] == [0.0, 7.2]
    assert pair.to("impact")
    assert pair.t == pytest.approx(13.9 - 12.2)
    assert pair.search("first", -1)
    assert pair.t == pytest.approx(13.0 - 22.2)
    pair.tenth(10)
    assert pair.over
    pair.tenth(0)
    pair.step(-1)
    assert pair.t == pair.begin


def _later(event: ev.Event, by: float) -> ev.Event:
    from dataclasses import replace

    moved = {
        name: getattr(event, name) + by
        for name in ("since", "first", "bad_from", "bad_until", "degraded_bad_until")
        if isinstance(getattr(event, name, None), float)
    }
    return replace(event, **moved)  # type: ignore[type-var]


def test_a_run_without_an_impact_is_aligned_at_its_fault_or_its_beginning(tmp_path: Path) -> None:
    quiet = SampleRun().live().seconds(0, "." * 20).inject(10.0).end(18.0)
    assert zero(Replay(told_at(tmp_path / "quiet", quiet.records()))).t == 10.0
    none = zero(Replay(told_at(tmp_path / "none", SampleRun().live().end(8.0).records())))
    assert (none.t, none.what) == (0.0, "no fault; aligned at the beginning")


# -- series ------------------------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(count=st.integers(1, 5 * MOST), bad=st.integers(0, 5 * MOST))
def test_a_series_is_bounded_and_keeps_the_worst(count: int, bad: int) -> None:
    series = Series()
    for second in range(count):
        series.add(Point(float(second), 0.0 if second == bad else 1.0, second != bad))
    assert len(series.points) <= MOST
    assert [point.ok for point in series.points].count(False) == (1 if bad < count else 0)
    assert sorted(point.t for point in series.points) == [point.t for point in series.points]
    cells = series.between(0.0, float(count), 40)
    assert any(cell is not None and not cell.ok for cell in cells) == (bad < count)


def test_a_copy_of_a_series_goes_its_own_way() -> None:
    series = Series()
    series.add(Point(0.0, 1.0, True))
    twin = series.copy()
    twin.add(Point(1.0, 0.0, False))
    assert (len(series.points), len(twin.points)) == (1, 2)
