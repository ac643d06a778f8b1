"""Where a room's events come from, and what time it is there."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from runner.clock import boottime_ns
from runner.conductor.registry import boot_id
from runner.engine.events import Recorded
from runner.transcript.reader import Follower, read
from runner.views.story import Story

#: Events taken in between two frames: a backlog must not hold the keyboard up.
_AT_ONCE = 500


class Feed(Protocol):
    """What a room looks at."""

    live: bool

    def poll(self, story: Story) -> bool:
        """Take in what is new; whether there was anything."""
        ...

    def now(self, story: Story, /) -> float:
        """The run's clock (s)."""
        ...


class LiveFeed:
    """A run that goes on: its transcript, as it grows."""

    live = True

    def __init__(self, folder: Path) -> None:
        self._follower = Follower(folder)
        self._boot_id = boot_id()

    def catch_up(self) -> Story:
        """All that there is so far. Slow for a long run: not for the event loop."""
        story = Story()
        for recorded in self._follower.poll():
            story.take(recorded)
        return story

    def poll(self, story: Story) -> bool:
        found = self._follower.poll(at_most=_AT_ONCE)
        for recorded in found:
            story.take(recorded)
        return bool(found)

    def now(self, story: Story) -> float:
        if story.state.closed is not None or story.boot_id != self._boot_id:
            return story.state.t
        return max(story.state.t, (boottime_ns() - story.origin) / 1e9)


class Reel:
    """A finished run, to be moved through: `t` is where we are (s)."""

    live = False

    def __init__(self, folder: Path) -> None:
        self.events: list[Recorded] = list(read(folder))
        self.t = 0.0
        self._next = 0

    @property
    def end(self) -> float:
        """The run's last moment (s)."""
        return self.events[-1].t if self.events else 0.0

    def story(self) -> Story:
        """A fold of everything up to `t`."""
        story = Story()
        self._next = 0
        self.poll(story)
        return story

    def poll(self, story: Story) -> bool:
        before = self._next
        while self._next < len(self.events) and self.events[self._next].t <= self.t:
            story.take(self.events[self._next])
            self._next += 1
        return self._next > before

    def now(self, _story: Story) -> float:
        return self.t
