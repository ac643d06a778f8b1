"""The run from end to end on one line: where we are, and what happened when."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from runner.views.plot import marks
from runner.views.story import Mark
from runner.views.text import clock
from runner.views.tui.paint import Part, line, lines
from runner.views.tui.widgets.panel import Panel


class Timeline(Panel):
    """Two rows: the marks, and the part of the run that lies behind us."""

    def __init__(self) -> None:
        super().__init__(id="timeline")

    def show_at(self, found: Sequence[Mark], t: float, end: float, state: str) -> None:
        """`state` says how it plays."""
        width = max(20, self.size.width - 2)
        words = f" {clock(t)} / {clock(end)}  {state} "
        bar = max(1, width - len(words))
        done = round(bar * t / end) if end else 0
        row: list[Part] = list(marks(found, 0.0, end or 1.0, bar))
        self.show(lines([line(*row), _bar(done, bar, words)]))


def _bar(done: int, cells: int, words: str) -> Content:
    return line(("━" * done, "note"), ("●", "key"), ("─" * max(0, cells - done - 1), "dim"), words)
