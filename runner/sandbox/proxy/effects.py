"""What each kind of toxic does to the pieces that pass one link."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol

_RANDOM = random.Random()  # noqa: S311 - jitter and toxicity, nothing to guard

#: Seconds: how finely a bandwidth limit meters.
_METER = 0.05


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes, and the moment on the loop's clock when they came in."""

    data: bytes
    arrived: float


class Port(Protocol):
    """What an effect may do with its link."""

    def close(self) -> None:
        """Ends the connection after what was already written."""
        ...

    def reset(self) -> None:
        """Ends the connection with a TCP reset towards both sides."""
        ...


class Effect:
    """One toxic at work on one link. `attach` and `detach` frame its life; `passing` sees every piece."""

    def __init__(self, attributes: Mapping[str, int], port: Port) -> None:
        self.attributes = attributes
        self.port = port
        self._gone = asyncio.Event()

    def attach(self) -> None:
        """Called when it begins to act on the link."""

    def detach(self) -> None:
        """Called when the toxic is taken away or changed: whatever it still holds back is let go."""
        self._gone.set()

    async def passing(self, piece: Piece) -> AsyncIterator[Piece]:
        yield piece

    async def at_end(self) -> None:
        """Called when the sender has closed, before that is passed on."""

    async def pause(self, seconds: float) -> None:
        """Sleeps until then, or until the toxic is gone."""
        if seconds <= 0 or self._gone.is_set():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if seconds == float("inf") else seconds):
                await self._gone.wait()


class Latency(Effect):
    """Each piece comes out `latency` ± `jitter` after it came in; pieces under way overlap."""

    async def passing(self, piece: Piece) -> AsyncIterator[Piece]:
        jitter = self.attributes["jitter"]
        delay = (self.attributes["latency"] + _RANDOM.uniform(-jitter, jitter)) / 1000
        await self.pause(piece.arrived + delay - asyncio.get_running_loop().time())
        yield piece


class Bandwidth(Effect):
    """At most `rate` KB/s; a rate of 0 lets nothing through."""

    async def passing(self, piece: Piece) -> AsyncIterator[Piece]:
        rate = self.attributes["rate"] * 1000
        if rate == 0:
            await self.pause(float("inf"))
            yield piece
            return
        step = max(int(rate * _METER), 1)
        for start in range(0, len(piece.data), step):
            part = piece.data[start : start + step]
            await self.pause(len(part) / rate)
            yield Piece(part, piece.arrived)


class SlowClose(Effect):
    """The end of the stream is passed on `delay` late."""

    async def at_end(self) -> None:
        await self.pause(self.attributes["delay"] / 1000)


class Timeout(Effect):
    """Everything is swallowed; the connection ends after `timeout`, or only with the toxic when that is 0."""

    _timer: asyncio.TimerHandle | None = None

    def attach(self) -> None:
        if self.attributes["timeout"]:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self.attributes["timeout"] / 1000, self.port.close)

    def detach(self) -> None:
        super().detach()
        if self._timer:
            self._timer.cancel()
        # Bytes are missing: what came now would be read as something it is not.
        self.port.close()

    async def passing(self, piece: Piece) -> AsyncIterator[Piece]:
        return
        yield piece


class ResetPeer(Effect):
    """The first piece ends the connection with a TCP reset, `timeout` later."""

    async def passing(self, piece: Piece) -> AsyncIterator[Piece]:
        await self.pause(self.attributes["timeout"] / 1000)
        self.port.reset()
        return
        yield piece


class Slicer(Effect):
    """Cuts pieces into parts of about `average_size` bytes, `delay` microseconds apart."""

    async def passing(self, piece: Piece) -> AsyncIterator[Piece]:
        size, spread = self.attributes["average_size"], self.attributes["size_variation"]
        start = 0
        while start < len(piece.data):
            length = max(size + _RANDOM.randint(-spread, spread), 1) if size else len(piece.data)
            yield Piece(piece.data[start : start + length], piece.arrived)
            start += length
            await self.pause(self.attributes["delay"] / 1e6)


class LimitData(Effect):
    """The connection ends once `bytes` have passed."""

    _passed = 0

    async def passing(self, piece: Piece) -> AsyncIterator[Piece]:
        room = max(self.attributes["bytes"] - self._passed, 0)
        self._passed += len(piece.data)
        if room:
            yield Piece(piece.data[:room], piece.arrived)
        if self._passed >= self.attributes["bytes"]:
            self.port.close()


EFFECTS: Mapping[str, type[Effect]] = {
    "latency": Latency,
    "bandwidth": Bandwidth,
    "slow_close": SlowClose,
    "timeout": Timeout,
    "reset_peer": ResetPeer,
    "slicer": Slicer,
    "limit_data": LimitData,
}


def strikes(toxicity: float) -> bool:
    """Does a toxic touch this connection?"""
    return toxicity >= 1 or _RANDOM.random() < toxicity
