"""The log of the room: whole lines, in the colours of now, and nobody is taken away from what they read."""

from __future__ import annotations

from functools import partial
from typing import Any

from textual.color import Color
from tui_kit import Room, enter

from runner.engine.commands import Note
from runner.engine.events import Recorded
from runner.engine.plan import Step
from runner.testing import Drive, sample_plan
from runner.views.tui.widgets.log_panel import LogPanel

_LONG = "the pager " * 40 + "is silent"


def _drive() -> Drive:
    return Drive(sample_plan(Step(id="look", name="Look"))).start().join("alice")


def _note(drive: Drive, text: str) -> list[Recorded]:
    told = len(drive.log)
    drive.say(Note(type="note", text=text))
    return drive.log[told:]


def test_a_line_that_does_not_fit_goes_on_below_at_any_width() -> None:
    async def scene(room: Room) -> None:
        await room.tell(*_note(room.drive, _LONG))
        log = room.app.screen.query_one(LogPanel)
        for columns in (120, 80, 200):
            await room.resize(columns, 40)
            await room.until(partial(_fits, log, columns))
            told = log.text.splitlines()
            assert max(map(len, told)) <= log._columns
            begin = next(at for at, row in enumerate(told) if "the pager" in row)
            rest = told[begin:]
            assert " ".join(" ".join(row[12:].split()) for row in rest).removeprefix("note: ").startswith(_LONG)
            # Under its own beginning, not under its time.
            assert all(row.startswith(" " * 12) for row in rest[1:])

    enter(_drive(), scene)


def _fits(log: LogPanel, columns: int) -> bool:
    return log._columns == log.scrollable_content_region.width > columns - 10


def test_who_scrolled_up_is_left_there_and_who_did_not_sees_the_last_line() -> None:
    async def scene(room: Room) -> None:
        log = room.app.screen.query_one(LogPanel)
        for number in range(40):
            await room.tell(*_note(room.drive, f"note {number}"))
        await room.until(lambda: "note 39" in room.screen)
        log.focus()
        await room.press("home")
        await room.until(lambda: log.scroll_offset.y == 0)
        await room.tell(*_note(room.drive, "the latest"))
        await room.settle()
        assert log.scroll_offset.y == 0
        assert "the latest" not in room.screen
        await room.press("end")
        await room.until(lambda: "the latest" in room.screen)
        await room.tell(*_note(room.drive, "one more"))
        await room.until(lambda: "one more" in room.screen)

    enter(_drive(), scene)


def test_the_time_of_a_line_can_be_read_in_light_and_dark() -> None:
    async def scene(room: Room) -> None:
        log = room.app.screen.query_one(LogPanel)
        for theme in ("textual-dark", "textual-light", "textual-dark"):
            room.app.theme = theme
            await room.settle()
            for segment in log.render_line(0):
                style: Any = segment.style
                if segment.text.strip() and style is not None and style.color is not None:
                    ink, paper = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
                    assert _contrast(ink, paper) > 3, (theme, segment)

    enter(_drive(), scene)


def _contrast(one: Color, other: Color) -> float:
    """WCAG's ratio of relative luminances; 3 is the least for large text."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: Color) -> float:
    red, green, blue = (channel**2.2 for channel in color.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
