"""The debrief of a run that has just ended: it opens by itself, and what people say there reaches the run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sample_runs import SampleRun, drill
from test_review_screen import SIZES, screen_text, until
from textual import events
from textual.pilot import Pilot
from textual.widgets import OptionList
from transcript_samples import entries, reopen, told_at

from runner.control.protocol import message_of
from runner.engine import events as ev
from runner.engine.commands import Command, Join
from runner.views.tui.app import Room
from runner.views.tui.run_client import Visitor
from runner.views.tui.screens.ask import AskChoice, AskText, Question
from runner.views.tui.screens.debrief import DebriefScreen
from runner.views.tui.screens.help import Help
from runner.views.tui.screens.room_screen import RoomScreen
from runner.views.tui.widgets.panel import Panel

_ANA = Visitor(name="ana", role="participant")
Play = Callable[[Pilot[Any]], Awaitable[None]]


class Asked:
    """In place of the client: what was asked, and that it is always possible."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []

    async def __call__(self, command: Command, *, stay: bool = False) -> str:
        if not isinstance(command, Join):
            self.all.append(message_of(command))
        return ""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def debrief() -> SampleRun:
    return drill().end(28.0).undo(28.5)


def played(folder: Path, play: Play, size: tuple[int, int] = (80, 24), visitor: Visitor = _ANA) -> tuple[Room, Asked]:
    """A room on the run, played with; what it asked of the run."""
    room, asked = Room(folder, folder / "nobody.sock", visitor), Asked()
    room._client.ask = asked  # type: ignore[method-assign]

    async def go() -> None:
        async with room.run_test(size=size) as pilot:
            await until(pilot, lambda: isinstance(room.screen, RoomScreen | DebriefScreen))
            await play(pilot)

    asyncio.run(asyncio.wait_for(go(), 60))
    return room, asked


async def shown(pilot: Pilot[Any], words: str) -> str:
    """The debrief, once it holds these words."""
    # A screen is there before what stands on it is.
    await until(pilot, lambda: isinstance(pilot.app.screen, DebriefScreen) and bool(pilot.app.screen.query("#debrief")))
    panel = pilot.app.screen.query_one("#debrief", Panel)
    await until(pilot, lambda: words in str(panel.visual))
    return str(panel.visual)


def test_it_opens_when_the_debrief_begins_and_not_before(tmp_path: Path) -> None:
    told = drill().end(28.0)
    folder = told_at(tmp_path / "r", told.records())

    async def play(pilot: Pilot[Any]) -> None:
        await pilot.press("d")
        assert isinstance(pilot.app.screen, RoomScreen)
        assert any("when the run is over" in each.message for each in pilot.app._notifications)
        writer = reopen(folder)
        writer.append(*entries([ev.UndoEnded(), ev.PhaseEntered(phase="debrief")]))
        await shown(pilot, "objectives met")
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, RoomScreen)
        # It does not come again by itself, only when it is called for.
        writer.append(*entries([ev.NoteWritten(text="one more")]))
        writer.close()
        room = pilot.app.screen
        await until(pilot, lambda: len(room.model.state.notes) == 1)
        assert isinstance(pilot.app.screen, RoomScreen)
        await pilot.press("d")
        await shown(pilot, "one more")

    played(folder, play)


def test_it_does_not_come_over_a_question_that_somebody_answers(tmp_path: Path) -> None:
    folder = told_at(tmp_path / "r", drill().end(28.0).records())

    async def play(pilot: Pilot[Any]) -> None:
        room = pilot.app.screen
        await pilot.press("n", *"half")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskText))
        writer = reopen(folder)
        writer.append(*entries([ev.UndoEnded(), ev.PhaseEntered(phase="debrief")]))
        writer.close()
        await until(pilot, lambda: room.model.state.phase == "debrief")  # type: ignore[attr-defined]
        assert isinstance(pilot.app.screen, AskText)
        await pilot.press("enter")
        await shown(pilot, "objectives met")

    _, asked = played(folder, play)
    assert [each.get("text") for each in asked.all] == ["half"]


@pytest.mark.parametrize("size", SIZES)
def test_what_people_say_reaches_the_run(tmp_path: Path, size: tuple[int, int]) -> None:
    folder = told_at(tmp_path / "r", debrief().records())

    async def play(pilot: Pilot[Any]) -> None:
        text = await shown(pilot, "report")
        assert "none yet: n write one" in text
        assert text.count("r 1 to 5") == 3
        labels = ("Note", "Action item", "Rate", "Close", "Board", "Help", "Leave")
        await until(pilot, lambda: all(each in screen_text(pilot.app).splitlines()[-1] for each in labels))
        await pilot.press("n", *"odd [/x]", "enter")
        await pilot.press("a", *"buy 2", "enter", "n", *"never", "escape")
        # A digit answers at once; enter takes the middle.
        await pilot.press("r", "4", "escape", "enter")
        await pilot.pause()
        await pilot.press("z")
        await pilot.pause()

    _, asked = played(folder, play, size)
    assert asked.all == [
        {"command": "note", "text": "odd [/x]"},
        {"command": "note", "text": "buy 2", "type": "action"},
        {"command": "note", "text": "4", "type": "rating", "about": "confidence"},
        {"command": "note", "text": "3", "type": "rating", "about": "realism"},
        {"command": "close"},
    ]


def test_what_is_no_action_is_refused_and_nothing_is_asked(tmp_path: Path) -> None:
    folder = told_at(tmp_path / "r", debrief().records())

    async def play(pilot: Pilot[Any]) -> None:
        await shown(pilot, "report")
        screen = pilot.app.screen
        assert isinstance(screen, DebriefScreen)
        screen.action_perform("dance")
        await pilot.pause()
        assert "there is no action 'dance'" in [each.message for each in pilot.app._notifications]

    _, asked = played(folder, play)
    assert asked.all == []


def test_what_is_said_is_shown_as_soon_as_it_is_told(tmp_path: Path) -> None:
    folder = told_at(tmp_path / "r", debrief().records())

    async def play(pilot: Pilot[Any]) -> None:
        await shown(pilot, "none yet: a")
        writer = reopen(folder)
        writer.append(*entries([ev.NoteWritten(text="buy a pager", type="action")]))
        assert "none yet: a" not in await shown(pilot, "buy a pager")
        closed = [ev.PhaseEntered(phase="closed"), ev.RunClosed(ending="passed", exit_code=0)]
        writer.append(*entries(closed))
        writer.close()
        await until(pilot, lambda: any("debrief is closed" in each.message for each in pilot.app._notifications))
        for key in "narz":
            await pilot.press(key)
            await pilot.pause()
            assert isinstance(pilot.app.screen, DebriefScreen)
        assert any(each.message == "the run is closed" for each in pilot.app._notifications)
        await pilot.press("q")

    room, asked = played(folder, play)
    assert asked.all == []
    assert room.return_value is True


def test_what_others_say_does_not_take_the_question_away(tmp_path: Path) -> None:
    folder = told_at(tmp_path / "r", debrief().records())

    async def play(pilot: Pilot[Any]) -> None:
        await shown(pilot, "report")
        room = pilot.app
        await pilot.press("n", *"mi")
        writer = reopen(folder)
        writer.append(*entries([ev.NoteWritten(text="theirs")]))
        writer.close()
        board = next(each for each in room.screen_stack if isinstance(each, RoomScreen))
        below = next(each for each in room.screen_stack if isinstance(each, DebriefScreen))
        await until(pilot, lambda: below._seen == board.model.state.seq and bool(board.model.state.notes))
        await pilot.press(*"ne", "enter")
        await pilot.pause()

    _, asked = played(folder, play)
    assert [each["text"] for each in asked.all] == ["mine"]


def test_one_question_at_a_time_and_none_of_a_debrief_that_is_closed(tmp_path: Path) -> None:
    folder = told_at(tmp_path / "r", debrief().records())

    async def play(pilot: Pilot[Any]) -> None:
        await shown(pilot, "report")
        for key in "rna":
            pilot.app.post_message(events.Key(key, key))
        await until(pilot, lambda: isinstance(pilot.app.screen, AskChoice))
        await pilot.pause()
        assert sum(isinstance(each, Question) for each in pilot.app.screen_stack) == 1
        # Nothing is praised by an enter in haste.
        assert pilot.app.screen.query_one(OptionList).highlighted == 2
        writer = reopen(folder)
        writer.append(*entries([ev.PhaseEntered(phase="closed"), ev.RunClosed(ending="passed", exit_code=0)]))
        writer.close()
        await until(pilot, lambda: isinstance(pilot.app.screen, DebriefScreen))
        await until(pilot, lambda: any(each.message == "the run is closed" for each in pilot.app._notifications))
        await pilot.press("q")

    assert played(folder, play)[1].all == []


def test_it_may_be_put_away_before_it_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from runner.views.tui.screens import debrief as module

    folder = told_at(tmp_path / "r", debrief().records())
    ready, judge = threading.Event(), module.debrief
    monkeypatch.setattr(module, "debrief", lambda *where: (ready.wait(20), judge(*where))[1])

    async def play(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: isinstance(pilot.app.screen, DebriefScreen))
        await pilot.press("escape")
        ready.set()
        await until(pilot, lambda: all(each.is_finished for each in pilot.app.workers if each.group == "judge"))
        await pilot.press("d")
        await shown(pilot, "report")

    played(folder, play)


def test_help_says_what_is_possible_and_why_not_the_rest(tmp_path: Path) -> None:
    watching = debrief().at(29.0, ev.PersonJoined(person="eve", uid=1, role="observer"))
    watching = watching.at(29.1, ev.PersonJoined(person="bob", uid=2, role="participant"))
    folder = told_at(tmp_path / "r", watching.records())

    async def play(pilot: Pilot[Any]) -> None:
        await shown(pilot, "report")
        await pilot.press("question_mark")
        assert isinstance(pilot.app.screen, Help)
        text = str(pilot.app.screen.query_one("#help-text", Panel).visual)
        possible, _, refused = text.partition("Not now, and why")
        assert "Note" in possible
        assert "Rate" in refused
        assert "an observer watches" in refused
        await pilot.press("escape", "r", "z")
        await pilot.pause()
        assert isinstance(pilot.app.screen, DebriefScreen)
        await pilot.press("q")

    room, asked = played(folder, play, visitor=Visitor(name="eve", role="observer"))
    assert asked.all == []
    # Somebody else still debriefs.
    assert room.return_value is False


def test_the_run_is_over_for_the_last_one_who_leaves_its_debrief(tmp_path: Path) -> None:
    alone = debrief().at(29.0, ev.PersonJoined(person="eve", uid=1, role="observer"))

    async def play(pilot: Pilot[Any]) -> None:
        await shown(pilot, "report")
        await pilot.press("q")

    room, _ = played(told_at(tmp_path / "r", alone.records()), play, visitor=Visitor(name="eve", role="observer"))
    assert room.return_value is True


def test_the_board_shows_how_it_went_last_time(tmp_path: Path) -> None:
    last = debrief().at(40.0, ev.PhaseEntered(phase="closed"), ev.RunClosed(ending="passed", exit_code=0))
    told_at(tmp_path / "1", last.records())
    folder = told_at(tmp_path / "2", drill().records())

    async def play(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: "of last time by" in screen_text(pilot.app))

    played(folder, play, (120, 40))


def test_a_transcript_that_is_damaged_is_named(tmp_path: Path) -> None:
    folder = told_at(tmp_path / "r", debrief().records())

    async def play(pilot: Pilot[Any]) -> None:
        await shown(pilot, "report")
        path = folder / "transcript.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        await pilot.press("escape")
        path.write_bytes(b"".join([lines[0], b"{broken\n", *lines[1:]]))
        await pilot.press("d")
        assert "transcript.jsonl:2: damaged" in (await shown(pilot, "damaged")).replace("\n", "")

    played(folder, play)
