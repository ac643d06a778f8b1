"""The last line of a screen: the keys that fit, and a click on one."""

from __future__ import annotations

import gc

import pytest
from textual.dom import DOMNode
from tui_kit import Room, enter

from runner.engine.plan import Step
from runner.testing import Drive, sample_plan
from runner.views.tui.memory import throw_away
from runner.views.tui.screens.help import Help
from runner.views.tui.widgets.keys import Keys


def _drive() -> Drive:
    return Drive(sample_plan(Step(id="look", name="Look"))).start().join("alice")


def _last_line(room: Room) -> str:
    return room.screen.splitlines()[-1]


@pytest.mark.parametrize("columns", [30, 80, 120, 200])
def test_help_and_the_way_out_are_shown_at_any_width(columns: int) -> None:
    async def scene(room: Room) -> None:
        last = _last_line(room)
        assert "? Help" in last
        assert "q Leave" in last
        # What does not fit is left out whole, and comes with the width.
        assert last.count("Detected") == (columns >= 80)
        await room.resize(200, 40)
        await room.until(lambda: "Detected" in _last_line(room))

    enter(_drive(), scene, size=(columns, 24))


def test_a_click_on_a_key_presses_it() -> None:
    async def scene(room: Room) -> None:
        column = _last_line(room).index("? Help")
        await room.click(column + 3, 39)
        await room.settle()
        assert isinstance(room.app.screen, Help)

    enter(_drive(), scene)


def test_what_was_opened_and_closed_is_gone() -> None:
    """A room is open for hours: a question that stays in memory after it was answered is one of hundreds."""

    async def scene(room: Room) -> None:
        async def nodes_after(times: int) -> int:
            for _ in range(times):
                await room.press("question_mark", "escape")
            throw_away()
            return sum(isinstance(each, DOMNode) for each in gc.get_objects())

        before = await nodes_after(3)
        assert await nodes_after(12) <= before + 12
        assert len(room.app.screen.query(Keys)) == 1

    enter(_drive(), scene)
