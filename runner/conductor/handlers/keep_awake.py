"""The handler that keeps the machine awake from the first load to the end of the undo."""

from __future__ import annotations

import asyncio

from runner.conductor.context import RunContext
from runner.engine import events as ev


class KeepAwakeHandler:
    """Holds the lock while a fault may be in; where the system has none, it does nothing."""

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._awake = run.ports.sleep_inhibitor()

    def act(self, recorded: ev.Recorded) -> None:
        match recorded.event:
            case ev.PhaseEntered(phase="warm-up"):
                if pid := self._awake.begin(f"drill {self._run.plan.slug} is running"):
                    # The fence comes before the undo, and the undo is what the machine must be awake for.
                    self._run.spare(pid)

    async def close(self) -> None:
        await asyncio.to_thread(self._awake.end)
