"""The review and its debrief, driven by keys on canned transcripts, at the smallest and at the usual size."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hostile_events import EVIL, acts
from sample_runs import SampleRun, drill, plan
from textual.app import App
from textual.pilot import Pilot
from transcript_samples import told_at

from runner.engine import events as ev
from runner.engine.plan import Step
from runner.transcript.comments import read_comments
from runner.views.replay import Replay
from runner.views.tui.app import Review
from runner.views.tui.run_client import Visitor
from runner.views.tui.screens.compare_screen import BesideScreen, Column
from runner.views.tui.screens.debrief import DebriefScreen
from runner.views.tui.screens.help import Help
from runner.views.tui.screens.review import ReviewScreen
from runner.views.tui.widgets.log_panel import LogPanel
from runner.views.tui.widgets.panel import Panel
from runner.views.tui.widgets.timeline_bar import TimelineBar

SIZES = [(80, 24), (120, 40)]
_ANA = Visitor(name="ana", role="facilitator")

Play = Callable[[ReviewScreen, Pilot[None]], Awaitable[None]]


def whole(**changes: Any) -> SampleRun:
    sample = drill(plan(**changes) if changes else None)
    sample.at(13.9, ev.ImpactSeen(indicator="checkouts", since=12.2)).at(26.0, ev.RecoverySeen(since=21.8))
    sample.at(16.0, ev.NoteWritten(text="odd"), by="grace").at(17.0, ev.NoteWritten(text="odd again"), by="ada")
    sample.at(18.0, ev.StepDisputed(step="fix", text="use -b"), by="ada")
    sample.at(18.5, ev.NoteWritten(text="buy a pager", type="action"), by="ada")
    sample.end(28.0).undo(28.5)
    sample.at(29.0, ev.NoteWritten(text="4", type="rating", about="runbook"), by="ada")
    return sample.at(30.0, ev.PhaseEntered(phase="closed"), ev.RunClosed(ending="passed", exit_code=0, headline="x"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return told_at(tmp_path / "20261120-174003-gateway-outage-7f3a", whole().records())


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def played(folder: Path, play: Play, size: tuple[int, int] = (80, 24), beside: Path | None = None) -> App[None]:
    """The review of a run, played with until it is over."""
    app = Review(Replay(folder), folder, _ANA, {}, beside=Replay(beside) if beside else None)

    async def go() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await play(app.screen, pilot)  # type: ignore[arg-type]

    asyncio.run(asyncio.wait_for(go(), 60))
    return app


def screen_text(app: App[None]) -> str:
    """Every cell of the screen, as text."""
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


def log_text(screen: Any) -> str:
    return screen.query_one(LogPanel).text


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """What a worker does on its thread comes when it comes."""
    while not holds():
        await pilot.pause(0.01)


# -- moving ------------------------------------------------------------------------------------------------------------


#: Where the keys of help lead, from 13.9 s of 30.2: then the impact at 12.2 was known.
MOVES = [
    (("n",), 13.9),
    (("right",), 18.9),
    (("left",), 8.9),
    (("left", "left", "left"), 0.0),
    *(((str(tenth),), 3.02 * tenth) for tenth in range(10)),
    (("end",), 30.2),
    (("end", "home"), 0.0),
    (("right_square_bracket",), 14.0),
    (("left_square_bracket",), 12.2),
    (("0", "left_square_bracket"), 0.0),
    (("full_stop",), 14.0),
    (("comma",), 10.05),
    (("full_stop", "comma"), 13.9),
    (("r",), 26.0),
    (("r", "i"), 13.9),
    (("slash", "9", "escape"), 13.9),
    (("slash", "o", "d", "d", "enter"), 16.0),
    (("slash", "o", "d", "d", "enter", "n"), 17.0),
    (("slash", "o", "d", "d", "enter", "n", "n", "N"), 16.0),
]


def test_each_key_leads_where_help_says(folder: Path) -> None:
    async def play(screen: ReviewScreen, pilot: Pilot[None]) -> None:
        assert screen.replay.t == pytest.approx(13.9)
        for keys, t in MOVES:
            await pilot.press("i")
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
            assert screen.replay.t == pytest.approx(t, abs=1e-6), keys

    played(folder, play)


def test_it_plays_stops_and_goes_faster_and_slower(folder: Path) -> None:
    async def play(screen: ReviewScreen, pilot: Pilot[None]) -> None:
        for speed in (2, 5, 10, 20, 60, 60):
            await pilot.press("plus")
            assert screen.speed == speed
        await pilot.press("space")
        await until(pilot, lambda: screen.replay.over)
        assert not screen.playing
        await pilot.press("space")
        assert not screen.playing
        await pilot.press("home", "space")
        await until(pilot, lambda: screen.replay.t > 0.0)
        await pilot.press("space")
        assert not screen.playing
        for speed in (20, 10, 5, 2, 1, 1):
            await pilot.press("minus")
            assert screen.speed == speed

    played(folder, play)


def test_a_click_on_the_time_line_goes_there(folder: Path) -> None:
    async def play(screen: ReviewScreen, pilot: Pilot[None]) -> None:
        await pilot.click(TimelineBar, offset=(1, 1))
        assert screen.replay.t == 0.0
        await pilot.click(TimelineBar, offset=(25, 1))
        assert 10.0 < screen.replay.t < 20.0

    played(folder, play)


def test_the_log_is_that_of_the_moment_both_ways(folder: Path) -> None:
    async def play(screen: ReviewScreen, pilot: Pilot[None]) -> None:
        await pilot.press("end")
        assert log_text(screen).count("note: odd again") == 1
        await pilot.press("0", "5")
        assert "note: odd again" not in log_text(screen)
        await pilot.press("end", "home", "end")
        assert log_text(screen).count("note: odd again") == 1

    played(folder, play)


def test_help_lists_every_key_and_q_leaves(folder: Path) -> None:
    async def play(screen: ReviewScreen, pilot: Pilot[None]) -> None:
        await pilot.press("question_mark")
        assert isinstance(pilot.app.screen, Help)
        shown = str(pilot.app.screen.query_one("#help-text", Panel).visual)
        assert all(f" {key}  " in shown for key in ("space", "→", "]", ".", "/", "0–9", "c", "d", "q"))
        await pilot.press("escape", "q")

    app = played(folder, play)
    assert app._exit


@pytest.mark.parametrize("size", SIZES)
def test_the_whole_run_fits_every_size_at_every_moment(folder: Path, size: tuple[int, int]) -> None:
    async def play(screen: ReviewScreen, pilot: Pilot[None]) -> None:
        for tenth in "0123456789":
            await pilot.press(tenth)
            text = screen_text(pilot.app)
            assert "Runbook" in text
            assert "Target" in text
            assert "●" in text
            assert "+00:30.20" in text
        await pilot.resize_terminal(*SIZES[size == SIZES[0]])

    played(folder, play, size)


# -- comments ----------------------------------------------------------------------------------------------------------


def test_a_comment_is_kept_at_the_current_event(folder: Path) -> None:
    async def play(screen: ReviewScreen, pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"odd", "enter", "c", *"why 5", "escape", "c", *"why [5]?", "enter")
        await until(pilot, lambda: bool(read_comments(folder)[0]))
        await pilot.pause()
        assert "❝ why [5]?  (ana)" in log_text(screen)
        assert "❝" in screen_text(pilot.app)
        assert screen.replay.t == 16.0

    played(folder, play)
    (comment,), problems = read_comments(folder)
    assert (comment.author, comment.t, comment.text, problems) == ("ana", 16.0, "why [5]?", [])


def test_a_comment_that_cannot_be_kept_is_said(folder: Path) -> None:
    (folder / "comments.jsonl").mkdir()
    with pytest.raises(Exception, match="cannot be read"):
        Replay(folder)
    (folder / "comments.jsonl").rmdir()

    async def play(screen: ReviewScreen, pilot: Pilot[None]) -> None:
        (folder / "comments.jsonl").mkdir()
        await pilot.press("c", "x", "enter")
        await until(pilot, lambda: bool(pilot.app._notifications))
        assert any("not kept" in each.message for each in pilot.app._notifications)
        assert "❝" not in log_text(screen)

    played(folder, play)


# -- the debrief -------------------------------------------------------------------------------------------------------


async def debriefed(pilot: Pilot[None]) -> str:
    await pilot.press("d")
    await until(pilot, lambda: isinstance(pilot.app.screen, DebriefScreen) and bool(pilot.app.screen.query("#debrief")))
    panel = pilot.app.screen.query_one("#debrief", Panel)
    await until(pilot, lambda: "report" in str(panel.visual))
    return str(panel.visual)


@pytest.mark.parametrize("size", SIZES)
def test_the_debrief_of_a_run_that_is_over(folder: Path, size: tuple[int, int]) -> None:
    async def play(_: ReviewScreen, pilot: Pilot[None]) -> None:
        text = await debriefed(pilot)
        for words in (
            "● 3 of 3 objectives met",
            "✓ service met",
            "✓ runbook met",
            "time-to-recover",
            "buy a pager  ada",
            "odd again  ada",
            "How useful was the runbook?",
            "4 of 5",
            "fix  use -b",
            "not in the patch: fix",
            "report  20261120-174003-gateway-outage-7f3a/report.md",
        ):
            assert words in text, words
        assert max(map(len, text.splitlines())) <= size[0] or size == (80, 24)
        # Nothing is asked of a run that is long over.
        footer = screen_text(pilot.app).splitlines()[-1]
        assert "Board" in footer
        assert "Rate" not in footer
        for key in "narz":
            await pilot.press(key)
            assert isinstance(pilot.app.screen, DebriefScreen)
        await pilot.press("end")
        await until(pilot, lambda: "report.md" in screen_text(pilot.app))
        await pilot.press("d")
        assert isinstance(pilot.app.screen, ReviewScreen)

    played(folder, play, size)


def test_what_was_missed_is_named_with_its_evidence(tmp_path: Path) -> None:
    folder = told_at(tmp_path / "r", whole(time_to_detect=0.5).records())

    async def play(_: ReviewScreen, pilot: Pilot[None]) -> None:
        text = await debriefed(pilot)
        assert "▲ 2 of 3 objectives met" in text or "● 2 of 3 objectives met" in text
        assert "missed" in text
        assert "impact → alert ErrorsHigh fired" in text
        assert "FAILED" not in text

    played(folder, play)


@pytest.mark.parametrize("size", SIZES)
def test_nothing_in_a_hostile_run_acts(tmp_path: Path, size: tuple[int, int]) -> None:
    steps = tuple(replace(step, name=EVIL, description=EVIL, hint=EVIL) for step in plan().steps)
    told = whole(name=EVIL, steps=steps)
    for sort in ("note", "action", "mark"):
        told.at(19.0, ev.NoteWritten(text=EVIL, type=sort), by=EVIL)
    told.at(19.0, ev.StepDisputed(step="fix", text=EVIL), ev.Warned(text=EVIL), by=EVIL)
    folder = told_at(tmp_path / "r", told.records())

    async def play(screen: ReviewScreen, pilot: Pilot[None]) -> None:
        await pilot.press("end", "c", "[", "/", "x", "]", "enter")
        await until(pilot, lambda: bool(read_comments(folder)[0]))
        screen.replay.comment(EVIL, EVIL)
        await pilot.press("home", "end")
        assert not acts(screen_text(pilot.app))
        assert "[/nope]" in log_text(screen)
        assert not acts(await debriefed(pilot))
        assert not acts(screen_text(pilot.app))

    async def look(_: ReviewScreen, pilot: Pilot[None]) -> None:
        for key in ("home", "end", "i"):
            await pilot.press(key)
            assert not acts(screen_text(pilot.app))

    played(folder, play, size)
    played(folder, look, size, beside=folder)


# -- two runs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_two_runs_side_by_side(folder: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    quiet = SampleRun(plan(steps=(Step(id="look", name="Only look"),))).live().inject(10.0).end(18.0)
    other = told_at(tmp_path / "20261119-0900-gateway-outage-beef", quiet.records())

    async def play(screen: Any, pilot: Pilot[None]) -> None:
        assert isinstance(screen, BesideScreen)
        text = screen_text(pilot.app)
        assert "no impact" in text
        assert "Only look" in text
        assert "-00" not in text.splitlines()[-2]
        assert [round(replay.t, 3) for replay in screen.pair.replays] == [12.2, 10.0]
        await pilot.press("left")
        assert [round(replay.t, 3) for replay in screen.pair.replays] == [7.2, 5.0]
        assert "-00:05.00" in screen_text(pilot.app)
        await pilot.press("slash", *"odd", "enter")
        await pilot.pause()
        assert screen.pair.t == pytest.approx(16.0 - 12.2)
        logs = [log_text(column) for column in screen.query(Column)]
        assert ["note: odd" in log for log in logs] == [True, False]
        await pilot.press("0", "9", "i", "space", "space", "question_mark")
        assert isinstance(pilot.app.screen, Help)

    played(folder, play, size, beside=other)  # type: ignore[arg-type]
