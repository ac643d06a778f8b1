"""What every screen of Gameday stands on: one style sheet, one theme that is remembered, and a palette that waits its turn."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from textual.app import App
from textual.screen import ModalScreen
from textual.theme import Theme

from runner.host.state_folder import state_path

Result = TypeVar("Result")


class BaseApp(App[Result]):
    """An application of Gameday's."""

    CSS_PATH = Path(__file__).parent / "room.tcss"
    TITLE = "Gameday"

    def on_mount(self) -> None:
        with suppress(OSError, UnicodeDecodeError):
            chosen = _remembered().read_text().strip()
            if chosen in self.available_themes:
                self.theme = chosen
        self.theme_changed_signal.subscribe(self, self._remember)

    def _remember(self, theme: Theme) -> None:
        # Whoever works in daylight does not choose it again in every room.
        with suppress(OSError):
            _remembered().write_text(f"{theme.name}\n")

    def action_command_palette(self) -> None:
        """Not over a question: a pasted text is full of surprises."""
        if not isinstance(self.screen, ModalScreen):
            super().action_command_palette()


def _remembered() -> Path:
    return state_path() / "theme"
