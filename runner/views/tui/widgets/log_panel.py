"""What happened, by whom, when; notes among it. Typing `/` filters it."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from runner.views.event_line import Line
from runner.views.text import clock
from runner.views.tui.paint import hanging, line
from runner.views.view_model import ViewModel

_MOST_LINES = 2000


class LogPanel(ScrollView, can_focus=True):
    """The lines of the run that this role may see.

    Textual's `RichLog` paints a line once: it would stay in the colours of the theme, and broken for the width, of that moment.
    """

    BORDER_TITLE = "Log"

    def __init__(self) -> None:
        super().__init__(id="log")
        self._model: ViewModel | None = None
        self._written = 0
        self._known = True
        self._filter = ""
        self._rows: list[Content] = []
        self._columns = 0

    @property
    def text(self) -> str:
        """Everything that is in it, shown or to be scrolled to."""
        return "\n".join(row.plain for row in self._rows)

    def on_mount(self) -> None:
        # Who sees the last line goes on seeing it; whoever has scrolled up to read is left there.
        self.anchor()

    def on_resize(self) -> None:
        if self.scrollable_content_region.width != self._columns:
            self._columns = self.scrollable_content_region.width
            self._again()

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if row >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        strips = Visual.to_strips(self, self._rows[row], width, 1, self.visual_style, pad=True)
        return strips[0].adjust_cell_length(width, self.rich_style)

    def show(self, model: ViewModel, known: bool) -> None:
        """`known`: the truth may be seen; else lines that give it away are left out."""
        if known != self._known or model.written < self._written:
            self._known = known
            self._clear()
        self._model = model
        new = model.written - self._written
        self._written = model.written
        if new > 0 and self._columns:
            lines = list(model.lines)[-min(new, _MOST_LINES) :]
            self._write(row for each in lines if self._wanted(each) for row in hanging(*_text(each), self._columns))

    def filter(self, text: str) -> None:
        """Only lines that hold this text from here on; '' for all."""
        self._filter = text.casefold()
        self.border_title = f"Log: {text}" if text else "Log"
        self._again()

    def _again(self) -> None:
        self._clear()
        if self._model is not None:
            self.show(self._model, self._known)

    def _clear(self) -> None:
        self._rows = []
        self._written = 0
        self.virtual_size = Size(self._columns, 0)
        self.refresh()

    def _write(self, rows: Iterable[Content]) -> None:
        if self.is_vertical_scroll_end:
            # Who has scrolled back to the end follows again.
            self.anchor()
        self._rows += rows
        del self._rows[:-_MOST_LINES]
        self.virtual_size = Size(self._columns, len(self._rows))
        self.refresh()

    def _wanted(self, each: Line) -> bool:
        if each.truth and not self._known:
            return False
        return not self._filter or self._filter in f"{each.text} {each.by}".casefold()


def _text(each: Line) -> tuple[Content, Content]:
    """What stands before it, and what it says."""
    if each.under:
        return line(("          │ ", "dim")), line((each.text, "dim"))
    who = f"  ({each.by})" if each.by else ""
    before = line((clock(each.t) + " ", "dim"), (f"{each.sign} ", each.style))
    return before, line((each.text, each.style), (who, "dim"))
