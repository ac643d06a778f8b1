"""What happened, by whom, when; notes among it. Typing `/` filters it."""

from __future__ import annotations

from textual.content import Content
from textual.events import Resize
from textual.widgets import RichLog

from runner.views.story import Story
from runner.views.text import clock
from runner.views.tui.paint import line
from runner.views.words import Line

_MOST_LINES = 2000
_NARROWEST = 10


class Log(RichLog):
    """The lines of the story that this role may see."""

    BORDER_TITLE = "Log"

    def __init__(self) -> None:
        super().__init__(id="log", max_lines=_MOST_LINES, wrap=True, markup=False, highlight=False, min_width=1)
        self._told = 0
        self._known = True
        self._filter = ""
        self._rows = self._columns = 0

    def on_resize(self, event: Resize) -> None:
        """Who saw the last line sees it in a smaller window too, and goes on following."""
        if self.scrollable_content_region.width != self._columns:
            self._columns = self.scrollable_content_region.width
            # Told anew with the next look: lines are broken for the width that they were told at.
            self._again()
        if self.scroll_offset.y >= self.virtual_size.height - self._rows:
            self.scroll_end(animate=False)
        self._rows = event.size.height

    def show(self, story: Story, known: bool) -> None:
        """`known`: the truth may be seen; else lines that give it away are left out."""
        if known != self._known:
            self._known = known
            self._again()
        if story.told < self._told:
            self._again()
        new = story.told - self._told
        self._told = story.told
        if new > 0:
            lines = list(story.lines)[-min(new, _MOST_LINES) :]
            for each in lines:
                if self._wanted(each):
                    self._write(each)

    def filter(self, text: str, story: Story) -> None:
        """Only lines that hold this text from here on; '' for all."""
        self._filter = text.casefold()
        self.border_title = f"Log: {text}" if text else "Log"
        self._again()
        self.show(story, self._known)

    def _again(self) -> None:
        self.clear()
        self._told = 0

    def _write(self, each: Line) -> None:
        """Whole: what does not fit goes on below, under its own beginning."""
        sign, said = _text(each)
        rows = said.wrap(max(_NARROWEST, self._columns - sign.cell_length))
        for number, row in enumerate(rows):
            before = Content(" " * sign.cell_length) if number else sign
            self.write(before + row, scroll_end=None if number == len(rows) - 1 else False)

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
