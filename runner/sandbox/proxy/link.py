"""One client's connection through a proxy: two links, each with the effects of its stream's toxics."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Sequence

from runner.sandbox.proxy.effects import EFFECTS, Effect, Piece, strikes
from runner.sandbox.proxy.toxics import Toxic

_READ = 16 * 1024

#: Pieces under way in one direction (latency keeps them here); beyond it the sender has to wait.
_UNDER_WAY = 256


class ProxyLink:
    """One direction of a connection."""

    def __init__(
        self, connection: Connection, stream: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._reader = reader
        self._writer = writer
        self._pieces: asyncio.Queue[Piece | None] = asyncio.Queue(_UNDER_WAY)
        self._effects: dict[Toxic, Effect | None] = {}

    def refresh(self, toxics: Sequence[Toxic]) -> None:
        """Effects of toxics that are gone or changed end, new ones begin, the others go on undisturbed."""
        wanted = [toxic for toxic in toxics if toxic.stream == self._stream]
        if list(self._effects) == wanted:
            return
        before, self._effects = self._effects, {}
        for toxic in wanted:
            self._effects[toxic] = before.pop(toxic) if toxic in before else self._begin(toxic)
        for effect in before.values():
            if effect:
                effect.detach()

    async def run(self) -> None:
        """Until the sender closes and everything is passed on."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read())
            tasks.create_task(self._write())

    def close(self) -> None:
        self._connection.close()

    def reset(self) -> None:
        self._connection.reset()

    def end(self) -> None:
        """The connection is over: nothing may act on it any more."""
        self.refresh(())

    def _begin(self, toxic: Toxic) -> Effect | None:
        if not strikes(toxic.toxicity):
            return None
        effect = EFFECTS[toxic.type](toxic.attributes, self)
        effect.attach()
        return effect

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        while data := await self._reader.read(_READ):
            await self._pieces.put(Piece(data, loop.time()))
        await self._pieces.put(None)

    async def _write(self) -> None:
        while piece := await self._pieces.get():
            await self._pass(piece, self._active())
            await self._writer.drain()
        for effect in self._active():
            await effect.at_end()
        if self._writer.can_write_eof():
            self._writer.write_eof()

    async def _pass(self, piece: Piece, effects: list[Effect]) -> None:
        if not effects:
            self._writer.write(piece.data)
            return
        async for part in effects[0].passing(piece):
            await self._pass(part, effects[1:])

    def _active(self) -> list[Effect]:
        return [effect for effect in self._effects.values() if effect]


class Connection:
    """Both directions between one client and the upstream."""

    def __init__(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        toxics: Sequence[Toxic],
    ) -> None:
        self._writers = (client[1], server[1])
        self._links = (
            ProxyLink(self, "upstream", client[0], server[1]),
            ProxyLink(self, "downstream", server[0], client[1]),
        )
        self._over = asyncio.Event()
        self.refresh(toxics)

    def refresh(self, toxics: Sequence[Toxic]) -> None:
        for link in self._links:
            link.refresh(toxics)

    async def run(self) -> None:
        """Until both sides have closed, or one of them or a toxic cuts it."""
        flow = asyncio.gather(*(link.run() for link in self._links))
        over = asyncio.ensure_future(self._over.wait())
        try:
            await asyncio.wait((flow, over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
            flow.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError, ExceptionGroup):
                await flow
            self.close()
            for link in self._links:
                link.end()

    def close(self) -> None:
        self._over.set()
        for writer in self._writers:
            writer.close()

    def reset(self) -> None:
        self._over.set()
        for writer in self._writers:
            _linger_none(writer)
            writer.transport.abort()


def _linger_none(writer: asyncio.StreamWriter) -> None:
    # With no linger time the kernel answers the close with RST, as a crashed peer would.
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
