"""Two finished runs side by side on one time line, whose zero is the impact of each."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Footer

from runner.views.dial import dial
from runner.views.pair import Pair, Zero
from runner.views.reel import Reel
from runner.views.text import clock
from runner.views.tui.paint import line, lines
from runner.views.tui.screens.player import Player
from runner.views.tui.widgets.log import Log
from runner.views.tui.widgets.panel import Panel
from runner.views.tui.widgets.runbook import Runbook
from runner.views.tui.widgets.target import target_lines
from runner.views.tui.widgets.timeline import Timeline

_ROLE = "facilitator"
_SIGNS = {"good": "●", "warn": "▲", "bad": "■", "": "·"}


class BesideScreen(Player):
    """One column a run; the keys are those of a review."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (160, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]

    def __init__(self, pair: Pair) -> None:
        super().__init__()
        self.track = self.pair = pair

    def compose(self) -> ComposeResult:
        with Horizontal(id="columns"):
            yield from (Column(reel, zero) for reel, zero in zip(self.pair.reels, self.pair.zeros, strict=True))
        yield Timeline()
        yield Footer()

    async def on_mount(self) -> None:
        self.query(Runbook).first().focus()
        self.pair.seek(0.0)
        await self.look()

    async def look(self) -> None:
        for column in self.query(Column):
            column.show()
        self.show_timeline([self.pair.marks_of(0), self.pair.marks_of(1)])


class Column(Vertical):
    """One of the two: which run, its clock, its runbook, its target, its log."""

    def __init__(self, reel: Reel, zero: Zero) -> None:
        super().__init__(classes="column")
        self._reel = reel
        self._zero = zero

    def compose(self) -> ComposeResult:
        yield Panel(id="which")
        yield Panel(id="clock")
        yield Runbook()
        with VerticalScroll(classes="targets"):
            yield Panel(id="target")
        yield Log()

    def show(self) -> None:
        """Paint the moment that the run is at."""
        story, t = self._reel.story, self._reel.t
        now = dial(story.state, t, _ROLE)
        run = story.state.run or self._reel.folder.name
        aligned = "" if self._zero.what == "impact" else f"  {self._zero.what}"
        self.query_one("#which", Panel).show(
            line((run.rpartition("-")[2], "bold"), ("  " + run, "dim"), (aligned, "warn"))
        )
        word = f"  {_SIGNS[now.level]} {now.word}" if now.word else ""
        digits = line((now.digits, "bold"), f" {now.label}", (word, now.level), (f"  {clock(t)}", "dim"))
        self.query_one("#clock", Panel).show(digits)
        self.query_one(Runbook).show(story.state, t, {})
        scroll = self.query_one(".targets", VerticalScroll)
        width = max(20, scroll.scrollable_content_region.width)
        self.query_one("#target", Panel).show(lines(target_lines(story, t, _ROLE, width)))
        self.query_one(Log).show(story, True)
