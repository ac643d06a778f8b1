"""Virtual time: an event loop that waits for nothing, so that a minute of a run takes a test milliseconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Context
from typing import Any, TypeVar

from runner.clock import Stamp
from runner.testing.clock import stamp_at

Result = TypeVar("Result")

#: Seconds to which times of a run are rounded.
_RESOLUTION = 1e-6
#: Seconds of real time between two looks at whether a thread has finished.
_LOOK = 0.01


class _SkippingSelector(selectors.DefaultSelector):
    """Instead of waiting for `timeout` seconds, lets that much virtual time pass; while a thread works it really waits."""

    def __init__(self) -> None:
        super().__init__()
        self.skipped = 0.0
        self.threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None or self.threads:
            return super().select(None if timeout is None else _LOOK)
        self.skipped += timeout
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time` jumps to the next timer as soon as nothing else is ready.

    Threads (`asyncio.to_thread`) are waited for in real time, with the virtual clock standing still. Use it with fakes
    only: a child process does not live in virtual time.
    """

    def __init__(self) -> None:
        self._skipping = _SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        """Seconds of virtual time since the loop was made."""
        return self._skipping.skipped

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As any loop's, but a delay too short for a clock to show counts as its resolution: else time would stand still
        for whoever sleeps until a moment that lies a rounding error ahead."""
        return super().call_later(max(delay, _RESOLUTION), callback, *args, context=context)

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        self._skipping.threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_ended)
        return future

    def _thread_ended(self, _future: asyncio.Future[Any]) -> None:
        self._skipping.threads -= 1


class VirtualClock:
    """The clock of a run on a `VirtualTimeLoop`; at 0 s the loop was made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    @property
    def origin(self) -> int:
        return 0

    def now(self) -> float:
        return round(self._loop.time(), 6)

    def stamp(self, t: float | None = None) -> Stamp:
        return stamp_at(self.now() if t is None else t)


def run_in_virtual_time(work: Coroutine[Any, Any, Result]) -> Result:
    """As `asyncio.run`, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)
