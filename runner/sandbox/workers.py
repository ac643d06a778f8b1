"""So many at once, so many in the queue, the rest turned away: the storefront's workers, the backend's connections."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class QueueFull(Exception):
    """Everybody is busy and the queue has no room."""


class WorkerPool:
    """A first-come, first-served semaphore whose size may change while it is in use."""

    def __init__(self, size: int, limit: int) -> None:
        self._size = size
        self._limit = limit
        self.busy = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def resize(self, size: int, limit: int) -> None:
        """Takes effect as workers come free; those who already wait keep their place."""
        self._size, self._limit = size, limit
        self._wake()

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """Raises `QueueFull` at once when there is no room to wait."""
        await self._acquire()
        try:
            yield
        finally:
            self.busy -= 1
            self._wake()

    async def _acquire(self) -> None:
        if self.busy < self._size and not self._waiting:
            self.busy += 1
            return
        if len(self._waiting) >= self._limit:
            raise QueueFull
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            self._give_up(turn)
            raise

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        # Cancelled in the very moment its turn came: the worker it was given must not be lost.
        if turn.done() and not turn.cancelled():
            self.busy -= 1
            self._wake()
        elif turn in self._waiting:
            self._waiting.remove(turn)

    def _wake(self) -> None:
        while self._waiting and self.busy < self._size:
            turn = self._waiting.popleft()
            if not turn.done():
                self.busy += 1
                turn.set_result(None)
