"""The proxies: listeners that come and go, and the connections through them."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from runner.sandbox.addresses import HOST
from runner.sandbox.proxy.link import Connection
from runner.sandbox.proxy.toxics import ProxyError, Toxic, parse_toxic, update_toxic

_CONNECT_PATIENCE = 10.0
_BACKLOG = 512


class Proxy:
    """`listen` and `upstream` are `HOST:PORT`. Switched off, it neither listens nor keeps a connection."""

    def __init__(self, name: str, listen: str, upstream: str) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self._toxics: list[Toxic] = []
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()

    @property
    def enabled(self) -> bool:
        return self._server is not None

    @property
    def toxics(self) -> tuple[Toxic, ...]:
        return tuple(self._toxics)

    async def start(self, listening: socket.socket | None = None) -> None:
        """Does nothing when it runs. Raises `ProxyError` 500 when the address cannot be had."""
        if self._server:
            return
        self._server = await asyncio.start_server(self._serve, sock=listening or _listen(self.listen))
        host, port = self._server.sockets[0].getsockname()[:2]
        self.listen = f"{host}:{port}"

    def stop(self) -> None:
        """Every connection ends with the listener."""
        if self._server:
            self._server.close()
            self._server = None
        for connection in list(self._connections):
            connection.close()

    async def update(self, *, listen: str, upstream: str, enabled: bool) -> None:
        """Raises `ProxyError`."""
        check_address(listen, "listen")
        check_address(upstream, "upstream")
        if (listen, upstream) != (self.listen, self.upstream):
            self.stop()
            self.listen, self.upstream = listen, upstream
        if enabled:
            await self.start()
        else:
            self.stop()

    def toxic(self, name: str) -> Toxic:
        """Raises `ProxyError` 404."""
        for toxic in self._toxics:
            if toxic.name == name:
                return toxic
        raise ProxyError(404, "toxic not found")

    def add(self, body: dict[str, Any]) -> Toxic:
        """Raises `ProxyError` 400 or 409."""
        toxic = parse_toxic(body)
        if any(known.name == toxic.name for known in self._toxics):
            raise ProxyError(409, "toxic already exists")
        self._toxics.append(toxic)
        self._refresh()
        return toxic

    def change(self, name: str, body: dict[str, Any]) -> Toxic:
        """Raises `ProxyError` 400 or 404."""
        old = self.toxic(name)
        new = update_toxic(old, body)
        self._toxics[self._toxics.index(old)] = new
        self._refresh()
        return new

    def remove(self, name: str) -> None:
        """Raises `ProxyError` 404."""
        self._toxics.remove(self.toxic(name))
        self._refresh()

    def clear(self) -> None:
        self._toxics.clear()
        self._refresh()

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.enabled,
            "toxics": [toxic.as_json() for toxic in self._toxics],
        }

    def _refresh(self) -> None:
        for connection in list(self._connections):
            connection.refresh(self._toxics)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self.upstream.rpartition(":")
        try:
            async with asyncio.timeout(_CONNECT_PATIENCE):
                server = await asyncio.open_connection(host, int(port))
        except (OSError, TimeoutError):
            writer.close()
            return
        if not self._server:  # Switched off while the upstream was being called.
            writer.close()
            server[1].close()
            return
        connection = Connection((reader, writer), server, self._toxics)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)


def _listen(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    listening = socket.socket()
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, int(port)))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise ProxyError(500, f"listen {address}: {error.strerror}") from error
    return listening


def check_address(address: Any, what: str) -> str:
    """`HOST:PORT`; a proxy listens on the loopback only. Raises `ProxyError` 400."""
    if not isinstance(address, str):
        raise ProxyError(400, f"bad request body: {what} is no string")
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal() and int(port) < 65536):
        raise ProxyError(400, f"bad request body: {what} {address!r} is no HOST:PORT")
    if what == "listen" and host not in (HOST, "localhost"):
        raise ProxyError(400, f"bad request body: the sandbox listens on {HOST} only, not on {host}")
    return address


class Proxies:
    """All proxies by name."""

    def __init__(self) -> None:
        self._proxies: dict[str, Proxy] = {}

    def get(self, name: str) -> Proxy:
        """Raises `ProxyError` 404."""
        if proxy := self._proxies.get(name):
            return proxy
        raise ProxyError(404, "proxy not found")

    def all(self) -> list[Proxy]:
        return list(self._proxies.values())

    async def create(self, body: dict[str, Any], listening: socket.socket | None = None) -> Proxy:
        """Raises `ProxyError` 400, 409 or 500."""
        for field in ("name", "upstream"):
            if not body.get(field):
                raise ProxyError(400, f"missing required field: {field}")
        if not isinstance(body["name"], str):
            raise ProxyError(400, "bad request body: name is no string")
        listen = check_address(body.get("listen") or f"{HOST}:0", "listen")
        proxy = Proxy(body["name"], listen, check_address(body["upstream"], "upstream"))
        if proxy.name in self._proxies:
            raise ProxyError(409, "proxy already exists")
        if body.get("enabled", True):
            await proxy.start(listening)
        self._proxies[proxy.name] = proxy
        return proxy

    async def populate(self, bodies: list[dict[str, Any]]) -> list[Proxy]:
        """Creates each; one of the same name is replaced when its addresses differ, else only switched on or off."""
        done = []
        for body in bodies:
            known = self._proxies.get(str(body.get("name")))
            if known and (body.get("listen"), body.get("upstream")) == (known.listen, known.upstream):
                await known.update(listen=known.listen, upstream=known.upstream, enabled=body.get("enabled", True))
                done.append(known)
                continue
            if known:
                self.delete(known.name)
            done.append(await self.create(body))
        return done

    def delete(self, name: str) -> None:
        """Raises `ProxyError` 404."""
        self.get(name).stop()
        del self._proxies[name]

    async def reset(self) -> None:
        """All on, no toxics. Raises `ProxyError` 500, but only after it has tried every one."""
        failure = None
        for proxy in self._proxies.values():
            proxy.clear()
            try:
                await proxy.start()
            except ProxyError as error:
                failure = error
        if failure:
            raise failure
