"""The room as an application: on a run that goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from textual.binding import Binding
from textual.screen import Screen

from runner.history.previous_run import last_times
from runner.views.compare import Comparison
from runner.views.replay import Replay
from runner.views.tui.base_app import BaseApp
from runner.views.tui.feed import LiveFeed
from runner.views.tui.memory import look_seldom
from runner.views.tui.run_client import RunClient, Visitor
from runner.views.tui.screens.compare_screen import BesideScreen
from runner.views.tui.screens.review import ReviewScreen
from runner.views.tui.screens.room_screen import RoomScreen
from runner.views.view_model import ViewModel

#: Seconds between two looks at whether the debrief has begun.
_LOOK = 0.25


class Room(BaseApp[bool]):
    """`gameday attach`, and `gameday run` at a terminal. Returns whether the run was over when the room was left."""

    BINDINGS = [Binding("d", "debrief", "Debrief", show=False)]

    def __init__(self, folder: Path, socket: Path, visitor: Visitor) -> None:
        super().__init__()
        self._folder = folder
        self._visitor = visitor
        self._feed = LiveFeed(folder)
        self._client = RunClient(socket, visitor)
        self._board: RoomScreen | None = None
        self._debriefed = False

    def on_mount(self) -> None:
        self.run_worker(self._catch_up, thread=True)
        self.run_worker(self._client.keep_open())

    def _catch_up(self) -> None:
        """A long transcript is read beside the event loop; the first frame does not wait for it."""
        model = self._feed.catch_up()
        self.call_from_thread(self._enter, model, last_times(self._folder))

    def _enter(self, model: ViewModel, previous: Mapping[str, float]) -> None:
        self._board = RoomScreen(model, self._feed, self._folder, self._visitor, self._client, previous)
        self.push_screen(self._board)
        self.call_after_refresh(look_seldom, self)
        self.set_interval(_LOOK, self._begin_debrief)

    def _begin_debrief(self) -> None:
        """Once, and never over a question that somebody is answering."""
        if not self._debriefed and self._board is not None and self._board.model.state.over:
            self.action_debrief()

    def action_debrief(self) -> None:
        board = self._board
        if board is None or self.screen is not board:
            return
        if not board.model.state.over:
            self.notify("the debrief comes when the run is over")
            return
        # Its modules read runbooks: half as much again as all that a room imports.
        from runner.views.tui.screens.debrief import DebriefScreen

        self._debriefed = True
        self.push_screen(
            DebriefScreen(self._folder, self._visitor, client=self._client, state=lambda: board.model.state)
        )

    async def on_unmount(self) -> None:
        await self._client.close()


class Review(BaseApp[None]):
    """`gameday review`."""

    def __init__(
        self,
        replay: Replay,
        folder: Path,
        visitor: Visitor,
        previous: Mapping[str, float],
        *,
        beside: Replay | None = None,
    ) -> None:
        super().__init__()
        self._screen: Screen[None] = (
            ReviewScreen(replay, folder, visitor, previous)
            if beside is None
            else BesideScreen(Comparison(replay, beside))
        )

    def on_mount(self) -> None:
        self.push_screen(self._screen)
        self.call_after_refresh(look_seldom, self)
