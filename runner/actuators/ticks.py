"""A beat on the run's clock."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator

from runner.clock import Clock


async def ticks(clock: Clock, every: float) -> AsyncIterator[int]:
    """The whole multiples of `every` seconds of the run's clock, each when it comes; missed ones are left out."""
    tick = math.floor(clock.now() / every) + 1
    while True:
        while (early := tick * every - clock.now()) > 0:
            await asyncio.sleep(early)
        yield tick
        tick = max(tick, math.floor(clock.now() / every)) + 1
