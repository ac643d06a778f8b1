"""The worker pool: so many at once, in order, and no worker is ever lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from runner.sandbox.workers import QueueFull, WorkerPool


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Shift:
    """Tasks that hold a worker until told to leave."""

    def __init__(self, pool: WorkerPool) -> None:
        self.pool = pool
        self.entered: list[int] = []
        self.leave = [asyncio.Event() for _ in range(10)]
        self.tasks: list[asyncio.Task[None]] = []

    async def add(self, count: int) -> None:
        self.tasks += [asyncio.create_task(self._work(len(self.tasks) + i)) for i in range(count)]
        await _settle()

    async def _work(self, number: int) -> None:
        async with self.pool.worker():
            self.entered.append(number)
            await self.leave[number].wait()


def _run(scenario: Callable[[Shift], Awaitable[None]], size: int, limit: int) -> None:
    async def go() -> None:
        shift = Shift(WorkerPool(size, limit))
        try:
            await scenario(shift)
        finally:
            for task in shift.tasks:
                task.cancel()
            await asyncio.gather(*shift.tasks, return_exceptions=True)
        assert (shift.pool.busy, shift.pool.waiting) == (0, 0)

    asyncio.run(go())


def test_first_come_first_served() -> None:
    async def scenario(shift: Shift) -> None:
        await shift.add(4)
        assert (shift.entered, shift.pool.waiting) == ([0, 1], 2)
        shift.leave[1].set()
        await _settle()
        assert shift.entered == [0, 1, 2]

    _run(scenario, size=2, limit=5)


def test_a_full_queue_turns_away_at_once() -> None:
    async def scenario(shift: Shift) -> None:
        await shift.add(2)
        with pytest.raises(QueueFull):
            async with shift.pool.worker():
                pass

    _run(scenario, size=1, limit=1)


def test_who_leaves_the_queue_gives_up_the_place() -> None:
    async def scenario(shift: Shift) -> None:
        await shift.add(3)
        shift.tasks[1].cancel()
        await _settle()
        assert shift.pool.waiting == 1
        shift.leave[0].set()
        await _settle()
        assert shift.entered == [0, 2]

    _run(scenario, size=1, limit=5)


def test_cancelled_in_the_moment_of_its_turn_a_worker_is_passed_on() -> None:
    async def scenario(shift: Shift) -> None:
        await shift.add(3)
        shift.leave[0].set()
        while shift.pool.waiting == 2:
            await asyncio.sleep(0)
        shift.tasks[1].cancel()  # Its turn was granted, but it has not run yet.
        await _settle()
        assert shift.entered[-1] == 2

    _run(scenario, size=1, limit=5)


def test_a_larger_pool_lets_the_waiting_in_and_a_smaller_one_drains() -> None:
    async def scenario(shift: Shift) -> None:
        await shift.add(4)
        shift.pool.resize(3, 5)
        await _settle()
        assert shift.entered == [0, 1, 2]
        shift.pool.resize(1, 5)
        shift.leave[0].set()
        await _settle()
        assert shift.entered == [0, 1, 2]
        shift.leave[1].set()
        shift.leave[2].set()
        await _settle()
        assert shift.entered == [0, 1, 2, 3]

    _run(scenario, size=1, limit=5)
