"""Those who follow a run's transcript while it is written, such as an exporter: the list of them, and what feeds it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from runner.conductor.context import RunContext
from runner.engine.events import Recorded, RunStarted
from runner.errors import TranscriptError
from runner.host.tool_log import note
from runner.transcript.reader import Follower

#: Seconds between two looks at what is new.
_EVERY = 0.5


class TranscriptFollower(Protocol):
    """Acts on nothing of the run: it only takes in what was recorded, and may fail without harm to it."""

    def take(self, recorded: Recorded) -> None:
        """Called once for each line of the transcript, in its order, whichever process wrote it. Must not block."""

    def close(self) -> None:
        """Called once, behind the last line."""


#: Makes a follower of one run; None where it has nothing to do.
FollowerOf = Callable[[RunContext], TranscriptFollower | None]

#: Every follower there is. A new one is added here and nowhere else.
FOLLOWERS: tuple[FollowerOf, ...] = ()


class FollowersHandler:
    """Feeds the followers of one run. Where one fails, that is noted in the log, and the others go on without it."""

    def __init__(self, run: RunContext, makers: Sequence[FollowerOf] = FOLLOWERS) -> None:
        self._run = run
        self._makers = makers
        self._followers: list[TranscriptFollower] = []
        # Read from the disk: undo worker and guardian write there too.
        self._transcript = Follower(run.folder)

    def act(self, recorded: Recorded) -> None:
        if self._makers and isinstance(recorded.event, RunStarted):
            self._run.spawn(self._follow(), "followers")

    async def close(self) -> None:
        self._feed()
        for follower in self._followers:
            self._guarded(follower, follower.close)

    async def _follow(self) -> None:
        for make in self._makers:
            try:
                follower = make(self._run)
            except Exception as error:
                note(f"a follower of the transcript cannot begin: {type(error).__name__}: {error}")
                continue
            if follower is not None:
                self._followers.append(follower)
        while self._followers:
            self._feed()
            await asyncio.sleep(_EVERY)

    def _feed(self) -> None:
        if not self._followers:
            return
        try:
            new = self._transcript.poll()
        except TranscriptError as error:
            note(f"the transcript cannot be followed: {error}")
            return
        for recorded in new:
            self._give(recorded)

    def _give(self, recorded: Recorded) -> None:
        self._followers = [each for each in self._followers if self._guarded(each, partial(each.take, recorded))]

    def _guarded(self, follower: TranscriptFollower, call: Callable[[], None]) -> bool:
        """Whether it went well."""
        try:
            call()
        except Exception as error:
            note(self._run.redactor.text(f"{type(follower).__name__} failed: {type(error).__name__}: {error}"))
            return False
        return True
