"""The fault proxy over real connections: Toxiproxy's API, and what each toxic does to bytes that flow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from runner.sandbox.proxy.proxy_server import Proxies, Proxy
from runner.sandbox.proxy.toxics import ProxyError

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_PATIENCE = 20.0


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def _proxied() -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxy = await Proxies().create({"name": "echo", "upstream": f"127.0.0.1:{port}"})
    try:
        yield proxy
    finally:
        proxy.stop()
        server.close()


async def _connect(proxy: Proxy) -> Stream:
    host, _, port = proxy.listen.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def _ask(stream: Stream, data: bytes) -> bytes:
    stream[1].write(data)
    return await stream[0].readexactly(len(data))


def _run(scenario: Callable[[Proxy], Awaitable[None]]) -> None:
    async def go() -> None:
        async with asyncio.timeout(_PATIENCE), _proxied() as proxy:
            await scenario(proxy)

    asyncio.run(go())


def _toxic(kind: str, **attributes: int) -> dict[str, Any]:
    return {"type": kind, "name": kind, "attributes": attributes}


def test_bytes_pass_unchanged_and_ends_are_passed_on() -> None:
    async def scenario(proxy: Proxy) -> None:
        stream = await _connect(proxy)
        data = bytes(range(256)) * 4000
        stream[1].write(data)
        stream[1].write_eof()
        assert await stream[0].read(-1) == data

    _run(scenario)


def test_latency_acts_on_an_open_connection_and_goes_with_the_toxic() -> None:
    async def scenario(proxy: Proxy) -> None:
        loop = asyncio.get_running_loop()
        stream = await _connect(proxy)
        await _ask(stream, b"before")
        proxy.add(_toxic("latency", latency=200))
        began = loop.time()
        await _ask(stream, b"during")
        assert loop.time() - began >= 0.2
        proxy.change("latency", {"attributes": {"latency": 3_600_000}})
        stream[1].write(b"held")
        await asyncio.sleep(0.1)
        proxy.remove("latency")
        assert await stream[0].readexactly(4) == b"held", "what was held back is let go with the toxic"

    _run(scenario)


def test_latency_on_both_streams_adds_up_and_does_not_slow_the_flow() -> None:
    async def scenario(proxy: Proxy) -> None:
        loop = asyncio.get_running_loop()
        proxy.add(_toxic("latency", latency=150))
        proxy.add(_toxic("latency", latency=150) | {"name": "up", "stream": "upstream"})
        stream = await _connect(proxy)
        data = b"x" * 200_000
        began = loop.time()
        assert await _ask(stream, data) == data
        took = loop.time() - began
        # One after the other, its dozen pieces would take 12 × 0.3 s.
        assert 0.3 <= took < 2.0

    _run(scenario)


def test_bandwidth_meters_the_bytes() -> None:
    async def scenario(proxy: Proxy) -> None:
        loop = asyncio.get_running_loop()
        proxy.add(_toxic("bandwidth", rate=100))
        stream = await _connect(proxy)
        began = loop.time()
        await _ask(stream, b"x" * 50_000)
        assert loop.time() - began >= 0.45
        proxy.change("bandwidth", {"attributes": {"rate": 0}})
        stream[1].write(b"stuck")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stream[0].read(1), 0.2)
        proxy.clear()
        assert await stream[0].readexactly(5) == b"stuck"

    _run(scenario)


def test_reset_peer_resets_open_and_new_connections() -> None:
    async def scenario(proxy: Proxy) -> None:
        known = await _connect(proxy)
        await _ask(known, b"before")
        proxy.add(_toxic("reset_peer", timeout=0))
        for stream in (known, await _connect(proxy)):
            with pytest.raises(ConnectionResetError):
                await _ask(stream, b"now")
        proxy.remove("reset_peer")
        assert await _ask(await _connect(proxy), b"after") == b"after"

    _run(scenario)


def test_timeout_swallows_everything_and_then_closes() -> None:
    async def scenario(proxy: Proxy) -> None:
        proxy.add(_toxic("timeout", timeout=100))
        stream = await _connect(proxy)
        stream[1].write(b"lost")
        assert await stream[0].read(-1) == b""

    _run(scenario)


def test_timeout_zero_holds_until_the_toxic_goes_and_closes_then() -> None:
    async def scenario(proxy: Proxy) -> None:
        proxy.add(_toxic("timeout", timeout=0))
        stream = await _connect(proxy)
        stream[1].write(b"lost")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stream[0].read(1), 0.2)
        proxy.remove("timeout")
        assert await stream[0].read(-1) == b"", "with bytes missing, the connection cannot go on"

    _run(scenario)


def test_slow_close_delays_the_end() -> None:
    async def scenario(proxy: Proxy) -> None:
        loop = asyncio.get_running_loop()
        proxy.add(_toxic("slow_close", delay=200))
        stream = await _connect(proxy)
        await _ask(stream, b"quick")
        began = loop.time()
        stream[1].write_eof()
        assert await stream[0].read(-1) == b""
        assert loop.time() - began >= 0.2

    _run(scenario)


def test_slicer_cuts_but_keeps_every_byte() -> None:
    async def scenario(proxy: Proxy) -> None:
        proxy.add(_toxic("slicer", average_size=7, size_variation=3, delay=20_000))
        stream = await _connect(proxy)
        data = bytes(range(60))
        stream[1].write(data)
        first = await stream[0].read(1000)
        assert len(first) < len(data)
        assert first + await stream[0].readexactly(len(data) - len(first)) == data

    _run(scenario)


def test_limit_data_ends_the_connection_after_so_many_bytes() -> None:
    async def scenario(proxy: Proxy) -> None:
        proxy.add(_toxic("limit_data", bytes=10))
        stream = await _connect(proxy)
        stream[1].write(b"0123456")
        assert await stream[0].readexactly(7) == b"0123456"
        stream[1].write(b"789abcdef")
        assert await stream[0].read(-1) == b"789"

    _run(scenario)


def test_a_toxicity_of_zero_touches_nobody() -> None:
    async def scenario(proxy: Proxy) -> None:
        proxy.add(_toxic("reset_peer") | {"toxicity": 0})
        assert await _ask(await _connect(proxy), b"fine") == b"fine"

    _run(scenario)


def test_switched_off_it_refuses_and_cuts_and_comes_back_on_the_same_port() -> None:
    async def scenario(proxy: Proxy) -> None:
        stream = await _connect(proxy)
        await _ask(stream, b"before")
        address = proxy.listen
        await proxy.update(listen=address, upstream=proxy.upstream, enabled=False)
        assert await stream[0].read(-1) == b""
        with pytest.raises(ConnectionRefusedError):
            await _connect(proxy)
        await proxy.update(listen=address, upstream=proxy.upstream, enabled=True)
        assert proxy.listen == address
        assert await _ask(await _connect(proxy), b"after") == b"after"

    _run(scenario)


def test_a_dead_upstream_closes_the_client() -> None:
    async def scenario(proxy: Proxy) -> None:
        await proxy.update(listen=proxy.listen, upstream="127.0.0.1:1", enabled=True)
        stream = await _connect(proxy)
        assert await stream[0].read(-1) == b""

    _run(scenario)


def test_a_taken_port_is_said_so() -> None:
    async def scenario(proxy: Proxy) -> None:
        with pytest.raises(ProxyError, match="Address already in use"):
            await Proxies().create({"name": "second", "listen": proxy.listen, "upstream": proxy.upstream})

    _run(scenario)
