"""Both implementations of the ports, for the suites that hold them to the same expectations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from runner.clock import Clock, SystemClock
from runner.conductor.adapters import ProcessPorts
from runner.conductor.ports import Ports
from runner.control.peer_socket import PeerSocket
from runner.testing import FakePorts, VirtualClock, run_in_virtual_time


@dataclass(frozen=True)
class Side:
    """One implementation, and the time it lives in. A suite gives the fake what the real one finds in the world."""

    name: str
    clock: Callable[[], Clock]
    play: Callable[[Coroutine[Any, Any, Any]], Any]

    def ports(self, fake: FakePorts | None = None) -> Ports:
        """The real ports, or the fake ones as given."""
        if self.name == "fake":
            return fake or FakePorts()
        link, _guardian = PeerSocket.pair()
        return ProcessPorts(link, asyncio.Queue())


both = pytest.mark.parametrize(
    "side",
    [Side("real", SystemClock, asyncio.run), Side("fake", VirtualClock, run_in_virtual_time)],
    ids=lambda side: side.name,
)
