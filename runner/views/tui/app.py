"""The room as an application: on a run that goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from textual.app import App

from runner.views.reel import Reel
from runner.views.story import Story
from runner.views.tui.door import Door, Visitor
from runner.views.tui.feed import LiveFeed
from runner.views.tui.screens.review import ReviewScreen
from runner.views.tui.screens.room import RoomScreen


class Room(App[bool]):
    """`gameday attach`, and `gameday run` at a terminal. Returns whether the run was over when the room was left."""

    CSS_PATH = "room.tcss"
    TITLE = "Gameday"

    def __init__(self, folder: Path, socket: Path, visitor: Visitor) -> None:
        super().__init__()
        self._folder = folder
        self._visitor = visitor
        self._feed = LiveFeed(folder)
        self._door = Door(socket, visitor)

    async def on_mount(self) -> None:
        self.run_worker(self._catch_up, thread=True)
        self.run_worker(self._door.keep_open())

    def _catch_up(self) -> None:
        """A long story is read beside the event loop; the first frame does not wait for it."""
        story = self._feed.catch_up()
        self.call_from_thread(self._enter, story)

    def _enter(self, story: Story) -> None:
        self.push_screen(RoomScreen(story, self._feed, self._folder, self._visitor, self._door, {}))

    async def on_unmount(self) -> None:
        await self._door.close()


class Review(App[None]):
    """`gameday review`."""

    CSS_PATH = "room.tcss"
    TITLE = "Gameday"

    def __init__(self, reel: Reel, folder: Path, visitor: Visitor, ghost: Mapping[str, float]) -> None:
        super().__init__()
        self._screen = ReviewScreen(reel, folder, visitor, ghost)

    def on_mount(self) -> None:
        self.push_screen(self._screen)
