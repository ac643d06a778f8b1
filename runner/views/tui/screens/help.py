"""Every key, and what is possible now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from runner.views.tui.paint import line, lines
from runner.views.tui.widgets.keys import SIGNS
from runner.views.tui.widgets.panel import Panel


class Help(ModalScreen[None]):
    """`rows`: key, what it does, and why it is not possible now ('' when it is)."""

    BINDINGS = [Binding("escape,question_mark,q,enter", "dismiss(None)", "Back")]

    def __init__(self, rows: Iterable[tuple[str, str, str]]) -> None:
        super().__init__()
        self._rows = tuple(rows)

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="help"):
            yield Panel(id="help-text")

    def on_mount(self) -> None:
        self.query_one("#help-text", Panel).show(lines(self._lines()))
        scroll = self.query_one(".help")
        self.watch(scroll, "scroll_y", self._say)
        self.watch(scroll, "virtual_size", self._say)

    def on_resize(self) -> None:
        self.call_after_refresh(self._say)

    def _say(self) -> None:
        """The last line: what more there is, and the way out."""
        scroll = self.query_one(".help")
        more = round(scroll.max_scroll_y - scroll.scroll_y)
        below = f"↓ {more} more {'line' if more == 1 else 'lines'} · " if more > 0 else ""
        scroll.border_subtitle = line((below, "warn"), ("esc back", "dim"))

    def _lines(self) -> Iterator[Content]:
        yield line(("Possible now", "title"))
        yield from (_row(key, label, "") for key, label, why in self._rows if not why)
        if later := [row for row in self._rows if row[2]]:
            yield line("")
            yield line(("Not now, and why", "title"))
            yield from (_row(*row) for row in later)


def _row(key: str, label: str, why: str) -> Content:
    shown = SIGNS.get(key, key)
    return line((f"{shown:>8}  ", "dim" if why else "key"), (f"{label:<24}", "dim" if why else ""), (why, "dim"))
