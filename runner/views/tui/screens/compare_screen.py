"""Two finished runs side by side on one time line, whose zero is the impact of each."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll

from runner.views.compare import Comparison, Zero
from runner.views.replay import Replay
from runner.views.run_clock import read_clock
from runner.views.text import clock
from runner.views.tui.paint import line
from runner.views.tui.screens.player import Player
from runner.views.tui.screens.run_screen import COLUMNS, ROWS
from runner.views.tui.widgets.keys import Keys
from runner.views.tui.widgets.log_panel import LogPanel
from runner.views.tui.widgets.panel import Panel
from runner.views.tui.widgets.rows import Rows
from runner.views.tui.widgets.runbook_panel import RunbookPanel
from runner.views.tui.widgets.target_panel import target_lines
from runner.views.tui.widgets.timeline_bar import TimelineBar

_ROLE = "facilitator"


class BesideScreen(Player):
    """One column a run; the keys are those of a review."""

    HORIZONTAL_BREAKPOINTS = COLUMNS
    VERTICAL_BREAKPOINTS = ROWS

    def __init__(self, pair: Comparison) -> None:
        super().__init__()
        self.track = self.pair = pair

    def compose(self) -> ComposeResult:
        with Horizontal(id="columns"):
            yield from (Column(replay, zero) for replay, zero in zip(self.pair.replays, self.pair.zeros, strict=True))
        yield TimelineBar()
        yield Keys()

    async def on_mount(self) -> None:
        self.query(RunbookPanel).first().focus()
        self.pair.seek(0.0)
        await self.look()

    async def look(self) -> None:
        for column in self.query(Column):
            column.show()
        self.show_timeline([self.pair.marks_of(0), self.pair.marks_of(1)])


class Column(Vertical):
    """One of the two: which run, its clock, its runbook, its target, its log."""

    def __init__(self, replay: Replay, zero: Zero) -> None:
        super().__init__(classes="column")
        self._replay = replay
        self._zero = zero

    def compose(self) -> ComposeResult:
        yield Panel(id="which")
        yield Panel(id="clock")
        yield RunbookPanel()
        with VerticalScroll(classes="targets"):
            yield Rows(id="target")
        yield LogPanel()

    def on_mount(self) -> None:
        self.query_one(".targets").border_title = "Target"

    def show(self) -> None:
        """Paint the moment that the run is at."""
        model, t = self._replay.model, self._replay.t
        now = read_clock(model.state, t, _ROLE)
        state = model.state
        begun = state.started_at[:16].replace("T", " ")
        short = (state.run or self._replay.folder.name).rpartition("-")[2]
        aligned = "" if self._zero.what == "impact" else f"  {self._zero.what}"
        which = line((short, "bold"), (aligned, "warn"), (f"  {begun}  {state.plan.name}", "dim"))
        self.query_one("#which", Panel).show(which)
        word = f" {now.sign} {now.word} " if now.word else " "
        digits = line((now.digits, "bold"), (word, now.level), now.label, (f"  {clock(t)}", "dim"))
        self.query_one("#clock", Panel).show(digits)
        self.query_one(RunbookPanel).show(state, t, {})
        scroll = self.query_one(".targets", VerticalScroll)
        width = max(20, scroll.scrollable_content_region.width)
        self.query_one("#target", Rows).show(target_lines(model, t, _ROLE, width))
        self.query_one(LogPanel).show(model, True)
