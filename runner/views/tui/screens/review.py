"""A finished run in the same room, with a time line to move through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from textual.app import ComposeResult
from textual.binding import Binding

from runner.errors import InputError
from runner.views.compare import zero
from runner.views.replay import Replay
from runner.views.tui.run_client import Visitor
from runner.views.tui.screens.ask import AskText
from runner.views.tui.screens.player import Player
from runner.views.tui.screens.run_screen import RunScreen
from runner.views.tui.widgets.timeline_bar import TimelineBar


class ReviewScreen(Player, RunScreen):
    """Looks at a `Replay`. What people say of it now stands beside the transcript, which nothing here changes."""

    BINDINGS = [
        Binding("c", "comment", "Comment", priority=True),
        Binding("d", "debrief", "Debrief", priority=True),
    ]

    def __init__(self, replay: Replay, folder: Path, visitor: Visitor, previous: Mapping[str, float]) -> None:
        RunScreen.__init__(self, folder, visitor, previous)
        self.track = self.replay = replay

    def below(self) -> ComposeResult:
        yield TimelineBar()

    async def on_mount(self) -> None:
        if not self.replay.to("impact"):
            self.replay.seek(zero(self.replay).t)
        for problem in self.replay.problems:
            self.notify(problem, severity="warning", markup=False)
        await self.look()

    async def look(self) -> None:
        await self.show(self.replay.model, self.replay.t)
        self.show_timeline([self.replay.marks])

    def action_comment(self) -> None:
        self.playing = False
        self.run_worker(self._comment())

    async def _comment(self) -> None:
        if self.replay.current is None:
            self.notify("nothing has happened that a comment could be about")
            return
        text = await self.app.push_screen_wait(AskText("Comment on this moment"))
        if text is None:
            return
        try:
            self.replay.comment(self.visitor.name, text)
        except (InputError, OSError) as error:
            self.notify(f"not kept: {error}", severity="error", markup=False)
        await self.look()

    def action_debrief(self) -> None:
        # Its modules read runbooks: half as much again as all that a room imports.
        from runner.views.tui.screens.debrief import DebriefScreen

        self.playing = False
        self.app.push_screen(DebriefScreen(self.folder, self.visitor))

    def help_rows(self) -> Iterator[tuple[str, str, str]]:
        yield from super().help_rows()
        yield "c", "Comment on this moment", ""
        yield "d", "Debrief", ""
