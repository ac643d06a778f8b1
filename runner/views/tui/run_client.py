"""A room's line to the conductor: who is here, and what they ask for. It comes back by itself when it is lost."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.control.protocol import message_of
from runner.engine.commands import Command, Join, Role

#: Seconds for an answer: a conductor that is silent for longer is about to be replaced by its guardian.
_PATIENCE = 5.0
_AGAIN = 0.5


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Who sits at this terminal."""

    name: str
    role: Role


class RunClient:
    """Commands go in one after another; each comes back as '' or as why it was not possible."""

    def __init__(self, path: Path, visitor: Visitor) -> None:
        self._path = path
        self._visitor = visitor
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()
        #: Why there is no line to the run; '' while there is one.
        self.lost = ""

    async def keep_open(self) -> None:
        """Join, and join again whenever the line is lost; ends with the task."""
        while True:
            if self._streams is not None and self._streams[0].at_eof():
                await self._hang_up()
            if self._streams is None:
                self.lost = await self.ask(Join(person=self._visitor.name), stay=True)
            await asyncio.sleep(_AGAIN)

    async def ask(self, command: Command, *, stay: bool = False) -> str:
        """'' when it was accepted, else why not. `stay`: who joins by it is here until the connection ends."""
        async with self._turn:
            try:
                async with asyncio.timeout(_PATIENCE):
                    return await self._ask({**message_of(command), **({"stay": True} if stay else {})})
            except (OSError, TimeoutError, ValueError) as error:
                await self._hang_up()
                return f"the run does not answer ({error or 'it is silent'})"

    async def _ask(self, message: dict[str, Any]) -> str:
        reader, writer = self._streams or await self._connect()
        said = {**message, "by": self._visitor.name, "role": self._visitor.role}
        writer.write(json.dumps(said).encode() + b"\n")
        await writer.drain()
        line = await reader.readline()
        if not line:
            raise ConnectionError("the line is closed")
        answer = json.loads(line)
        return "" if answer.get("ok") else str(answer.get("why") or "the run refused it without a reason")

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._streams = await asyncio.open_unix_connection(str(self._path))
        return self._streams

    async def _hang_up(self) -> None:
        if self._streams is not None:
            writer, self._streams = self._streams[1], None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def close(self) -> None:
        """Leave: the run notices the closed connection."""
        await self._hang_up()
