"""Lines that change one by one: a slow line is sent the one that changed, not all of them."""

from __future__ import annotations

from collections.abc import Iterable

from textual.containers import Vertical
from textual.content import Content

from runner.views.tui.widgets.panel import Panel


class Rows(Vertical):
    """One panel a row; as many as were ever needed."""

    def show(self, rows: Iterable[Content]) -> None:
        panels = list(self.query(Panel))
        several = list(rows)
        fresh = [Panel() for _ in several[len(panels) :]]
        if fresh:
            self.mount(*fresh)
        for panel, row in zip([*panels, *fresh], several, strict=False):
            panel.display = True
            panel.show(row)
        for panel in panels[len(several) :]:
            panel.display = False
