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
        model = ViewModel()
        with no_collection(for_good=True):
            for recorded in self._follower.poll():
                model.take(recorded)
        return model

    def poll(self, model: ViewModel) -> bool:
        found = self._follower.poll(at_most=_AT_ONCE)
        for recorded in found:
            model.take(recorded)
        return bool(found)

    def now(self, model: ViewModel) -> float:
        if model.state.closed is not None or model.boot_id != self._boot_id:
            return model.state.t
        return max(model.state.t, (boottime_ns() - model.origin) / 1e9)
