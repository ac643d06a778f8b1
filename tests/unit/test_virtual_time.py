"""Virtual time: nothing waits, threads are waited for, and no moment can be stood still in."""

from __future__ import annotations

import asyncio
import time

from runner.actuators.ticks import ticks
from runner.testing import VirtualClock, run_in_virtual_time


def test_an_hour_passes_without_waiting() -> None:
    async def story() -> float:
        await asyncio.sleep(3600)
        return VirtualClock().now()

    began = time.monotonic()
    assert run_in_virtual_time(story()) == 3600
    assert time.monotonic() - began < 60


def test_a_thread_is_waited_for_with_the_clock_standing_still() -> None:
    async def story() -> float:
        async with asyncio.timeout(1):
            await asyncio.to_thread(time.sleep, 0.05)
        return VirtualClock().now()

    assert run_in_virtual_time(story()) < 1


def test_ticks_go_on_where_a_rounding_error_is_left_to_wait_for() -> None:
    async def story() -> list[int]:
        seen = []
        async for tick in ticks(VirtualClock(), 0.2):
            seen.append(tick)
            if tick == 50:
                return seen
        return seen

    assert run_in_virtual_time(story()) == list(range(1, 51))
