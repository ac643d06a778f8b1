"""What every target that a run starts keeps to: the sandbox, and the fake that stands in for it in tests."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from ports_kit import Side, both

from runner.conductor.adapters import ProcessPorts
from runner.control.peer_socket import PeerSocket
from runner.errors import Broken
from runner.testing import FakePorts


@both
def test_it_is_there_once_it_is_started_and_gone_once_it_is_stopped(side: Side, tmp_path: Path) -> None:
    async def story() -> None:
        lifeline, held = os.pipe()
        link, _guardian = PeerSocket.pair()
        ports = ProcessPorts(link, asyncio.Queue(), lifeline=lifeline) if side.name == "real" else FakePorts()
        try:
            target = await ports.start_target("sandbox", tmp_path)
            assert target.url.startswith("http://127.0.0.1:")
            assert target.vars["admin"].startswith("http://127.0.0.1:")
            assert target.pid > 0
            assert target.pid_start > 0
            assert not target.ended
            await asyncio.to_thread(target.stop)
            assert target.ended
        finally:
            os.close(lifeline)
            os.close(held)

    side.play(story())


def test_a_fake_that_does_not_come_up_is_broken(tmp_path: Path) -> None:
    with pytest.raises(Broken, match="no port is free"):
        asyncio.run(FakePorts(target_fails="no port is free").start_target("sandbox", tmp_path))
