"""The run from end to end on one line: where we are, and what happened when."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.message import Message

from runner.views.plot import marks
from runner.views.text import clock
from runner.views.tui.paint import Part, line, lines
from runner.views.tui.widgets.panel import Panel
from runner.views.view_model import Mark


class TimelineBar(Panel):
    """A row of marks for each run, and under them the part of it that lies behind us. A click goes there."""

    class Sought(Message):
        """Somebody points at this share (0..1) of the time."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    def __init__(self) -> None:
        super().__init__(id="timeline")
        self._bar = 1

    def show_at(self, rows: Sequence[Sequence[Mark]], begin: float, t: float, end: float, state: str) -> None:
        """`rows` are the marks of each run; `state` says how it plays. Times in s, the end never before the begin."""
        width = max(20, self.size.width - 2)
        words = f" {_signed(t)} / {_signed(end)}  {state} "
        self._bar = max(1, width - len(words))
        span = end - begin
        done = round((self._bar - 1) * (t - begin) / span) if span else 0
        signs = [line(*_parts(found, begin, end if span else begin + 1.0, self._bar)) for found in rows]
        self.show(lines([*signs, _bar(done, self._bar, words)]))

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        if at is not None and at.x < self._bar:
            self.post_message(self.Sought(at.x / max(1, self._bar - 1)))


def _parts(found: Sequence[Mark], begin: float, end: float, cells: int) -> list[Part]:
    # The last cell is the end itself.
    return list(marks(found, begin, end + (end - begin) / max(1, cells - 1), cells))


def _bar(done: int, cells: int, words: str) -> Content:
    return line(("━" * done, "note"), ("●", "key"), ("─" * max(0, cells - done - 1), "dim"), words)


def _signed(t: float) -> str:
    return clock(t) if t >= 0 else clock(-t).replace("+", "-", 1)
