"""How long a rollback may take: its own pauses do not count, and a pause to come gives its work no more time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from runner.actuators.rollback import RollbackChild, RollbackOrder
from runner.actuators.shim_process import Message, ShimProcess

ENDED: Message = {"kind": "failed", "why": "the target said no"}


class Process:
    """Says what it is told to say, each message so many seconds after the one before."""

    pid = 0

    def __init__(self, said: Sequence[tuple[float, Message]]) -> None:
        self._said = said

    def attach(self, hear: Callable[[Message], None], *_: Any) -> None:
        self._talk = asyncio.get_running_loop().create_task(self._say(hear))

    async def _say(self, hear: Callable[[Message], None]) -> None:
        for wait, message in self._said:
            await asyncio.sleep(wait)
            hear(message)

    def send(self, _order: Message) -> None:
        return

    async def gone(self, _timeout: float) -> bool:
        return True

    async def stop(self, _grace: float) -> list[int]:
        self._talk.cancel()
        return []


def pausing(seconds: float) -> Message:
    return {"kind": "pausing", "seconds": seconds}


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ([(0.0, ENDED)], "failed"),
        ([(60, ENDED)], "timed-out"),
        ([(0.0, pausing(60)), (0.8, ENDED)], "failed"),
        ([(0.0, pausing(60)), (0.4, pausing(60)), (0.4, ENDED)], "failed"),
        # Too late: it was not done when its time was over.
        ([(60, pausing(60)), (0.0, ENDED)], "timed-out"),
        # What is over is no reason to wait on.
        ([(0.0, pausing(0.1)), (60, ENDED)], "timed-out"),
    ],
)
def test_only_its_work_counts(said: list[tuple[float, Message]], status: str) -> None:
    order = RollbackOrder(experiment={}, index=0, configuration={}, origin=0)

    result = asyncio.run(RollbackChild(cast("ShimProcess", Process(said))).run(order, deadline=0.4))

    assert result.status == status
