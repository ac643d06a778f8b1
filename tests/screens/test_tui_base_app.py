"""What every screen stands on: a theme that is remembered, and a palette that waits its turn."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.command import CommandPalette

from runner.views.tui.base_app import BaseApp
from runner.views.tui.screens.ask import AskText


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "gameday").mkdir()
    return tmp_path / "gameday"


def _theme(choose: str = "") -> str:
    async def play() -> str:
        app: BaseApp[None] = BaseApp()
        async with app.run_test() as pilot:
            await pilot.pause()
            if choose:
                app.theme = choose
                await pilot.pause()
            return app.theme

    return asyncio.run(play())


def test_the_theme_is_that_of_the_last_room(state: Path) -> None:
    dark = _theme()
    assert _theme("textual-light") == "textual-light" != dark
    assert _theme() == "textual-light"
    (state / "theme").write_text("no-such-theme\n")
    assert _theme() == dark
    (state / "theme").write_bytes(b"\xff\xfe")
    assert _theme() == dark


def test_where_nothing_can_be_kept_a_theme_can_be_chosen_all_the_same(state: Path) -> None:
    state.rmdir()
    assert _theme("textual-light") == "textual-light"


def test_the_palette_does_not_open_over_a_question(state: Path) -> None:
    async def play() -> None:
        app: BaseApp[None] = BaseApp()
        async with app.run_test() as pilot:
            await app.push_screen(AskText("Note"))
            await pilot.press("ctrl+p")
            await pilot.pause()
            assert isinstance(app.screen, AskText)
            app.pop_screen()
            await pilot.press("ctrl+p")
            await pilot.pause()
            assert isinstance(app.screen, CommandPalette)

    asyncio.run(play())
