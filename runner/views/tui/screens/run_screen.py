"""The four panels over one run: what a live room and a review have in common."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import Screen

from runner.views.run_clock import read_clock
from runner.views.tui.run_client import Visitor
from runner.views.tui.widgets.head import Head
from runner.views.tui.widgets.keys import Keys
from runner.views.tui.widgets.log_panel import LogPanel
from runner.views.tui.widgets.rows import Rows
from runner.views.tui.widgets.runbook_panel import RunbookPanel
from runner.views.tui.widgets.step import StepCard
from runner.views.tui.widgets.target_panel import target_lines
from runner.views.view_model import ViewModel, revealed

#: From so many on a screen has the class by which `room.tcss` knows it.
COLUMNS = [(0, "-slim"), (60, "-narrow"), (100, "-normal"), (160, "-wide")]
ROWS = [(0, "-tiny"), (16, "-short"), (30, "-tall")]


class RunScreen(Screen[None]):
    """`folder` is the run's; `previous`: how long each step took in the last run (s)."""

    HORIZONTAL_BREAKPOINTS = COLUMNS
    VERTICAL_BREAKPOINTS = ROWS

    def __init__(self, folder: Path, visitor: Visitor, previous: Mapping[str, float]) -> None:
        super().__init__()
        self.folder = folder
        self.visitor = visitor
        self._previous = previous

    def compose(self) -> ComposeResult:
        yield Head(id="head")
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield RunbookPanel()
                yield StepCard()
            with Vertical(id="right"), VerticalScroll(id="target-scroll"):
                yield Rows(id="target")
        yield LogPanel()
        yield from self.below()
        yield Keys()

    def below(self) -> ComposeResult:
        """What stands under the log."""
        yield from ()

    def trouble(self, model: ViewModel) -> str:  # noqa: ARG002 - a finished run has none
        """Why what is shown may not be so; '' when it is."""
        return ""

    async def on_mount(self) -> None:
        self.query_one("#target-scroll").border_title = "Target"
        self.query_one(RunbookPanel).focus()

    async def show(self, model: ViewModel, now: float, *, samples: bool = True) -> None:
        """Paint what differs from what is shown; without `samples` the target stays as it is."""
        role = self.visitor.role
        trouble = self.trouble(model)
        self.query_one(Head).show(model, read_clock(model.state, now, role), role, self.visitor.name, trouble)
        self.query_one(RunbookPanel).show(model.state, now, self._previous)
        await self.query_one(StepCard).show(model.state, now, role, self.folder)
        if samples:
            width = max(20, self.query_one("#target-scroll").scrollable_content_region.width)
            self.query_one("#target", Rows).show(target_lines(model, now, role, width))
        self.query_one(LogPanel).show(model, revealed(model.state, role))
