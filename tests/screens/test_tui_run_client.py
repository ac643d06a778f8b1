"""A room's line to its run: lost and found again, and said so meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from tui_kit import Room, enter

from runner.engine.plan import Step
from runner.testing import Drive, sample_plan
from runner.views.tui.run_client import RunClient, Visitor


class Conductor:
    """Answers every command with yes, and knows who joined."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.joined = 0

    async def open(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, str(self._path))
        self._lines: list[asyncio.StreamWriter] = []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.append(writer)
        while line := await reader.readline():
            self.joined += json.loads(line)["command"] == "join"
            writer.write(b'{"ok": true}\n')

    async def close(self) -> None:
        self._server.close()
        for line in self._lines:
            line.close()
        self._path.unlink(missing_ok=True)


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


def test_a_line_that_is_lost_is_said_so_and_found_again(tmp_path: Path) -> None:
    async def play() -> None:
        path = tmp_path / "s"
        client = RunClient(path, Visitor(name="ana", role="participant"))
        task = asyncio.create_task(client.keep_open())
        await _until(lambda: "does not answer" in client.lost)
        for _ in range(2):
            conductor = Conductor(path)
            await conductor.open()
            await _until(lambda: not client.lost)
            await _until(lambda joined=conductor: joined.joined == 1)  # type: ignore[misc]
            await conductor.close()
            # Nobody asked anything: it is seen all the same.
            await _until(lambda: "does not answer" in client.lost)
        task.cancel()
        await client.close()

    asyncio.run(play())


def test_the_room_says_that_it_may_not_show_what_is_so() -> None:
    drive = Drive(sample_plan(Step(id="look", name="Look"))).start().join("alice")

    async def scene(room: Room) -> None:
        assert "you: facilitator" in room.screen
        room.client.lost = "the run does not answer (gone)"
        await room.tell()
        assert "✗ the run does not answer (gone)" in room.screen
        room.client.lost = ""
        await room.tell()
        assert "does not answer" not in room.screen

    enter(drive, scene)
