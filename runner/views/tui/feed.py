"""Where a live room's events come from, and what time it is there."""

from __future__ import annotations

from pathlib import Path

from runner.clock import boottime_ns
from runner.collector import no_collection
from runner.host.boot_id import boot_id
from runner.transcript.reader import Follower
from runner.views.view_model import ViewModel

#: Events taken in between two frames: a backlog must not hold the keyboard up.
_AT_ONCE = 500


class LiveFeed:
    """A run that goes on: its transcript, as it grows."""

    def __init__(self, folder: Path) -> None:
        self._follower = Follower(folder)
        self._boot_id = boot_id()

    def catch_up(self) -> ViewModel:
        """All that there is so far. Slow for a long run: not for the event loop."""
        story = ViewModel()
        with no_collection(for_good=True):
            for recorded in self._follower.poll():
                story.take(recorded)
        return story

    def poll(self, story: ViewModel) -> bool:
        found = self._follower.poll(at_most=_AT_ONCE)
        for recorded in found:
            story.take(recorded)
        return bool(found)

    def now(self, story: ViewModel) -> float:
        if story.state.closed is not None or story.boot_id != self._boot_id:
            return story.state.t
        return max(story.state.t, (boottime_ns() - story.origin) / 1e9)
