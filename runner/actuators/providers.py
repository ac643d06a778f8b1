"""Fetching a probe's value: http, tcp and process providers, natively on the event loop.

Each call returns what Chaos Toolkit's provider of that name would, or raises ProbeFailed with one line; nothing else.
Every call is on a fresh connection: a kept-alive one can hide that a target no longer accepts any.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import itertools
import json
import os
import shutil
import socket
import threading
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from runner.actuators.processes import MARK, Origin, fence
from runner.specs.probe_spec import HttpProvider, ProcessProvider, TcpProvider

if TYPE_CHECKING:
    import aiohttp

#: Bytes of a body or an output that are kept; the rest is not judged.
MOST_BYTES = 1 << 20
#: Seconds that outputs may stay open after a command has ended, held by something it left behind.
_LINGER = 0.25

Address = tuple[Any, ...]


class ProbeFailed(Exception):
    """The provider gave no value. The message is one line."""


class Lookup:
    """Resolves host names on threads of its own, one per name at a time.

    A resolver that hangs for half a minute must neither fill the event loop's shared threads nor hold up the exit.
    """

    def __init__(self) -> None:
        self._pending: dict[tuple[str, int, int], asyncio.Future[list[Address]]] = {}

    async def addresses(self, host: str, port: int, family: int = socket.AF_UNSPEC) -> list[Address]:
        """What `socket.getaddrinfo` gives for a stream. Raises OSError."""
        key = (host, port, family)
        pending = self._pending.get(key)
        if pending is None:
            pending = self._pending[key] = asyncio.get_running_loop().create_future()
            pending.add_done_callback(lambda done: self._forget(key, done))
            threading.Thread(target=self._look_up, args=(key, pending), name="lookup", daemon=True).start()
        return await asyncio.shield(pending)

    def _forget(self, key: tuple[str, int, int], done: asyncio.Future[list[Address]]) -> None:
        self._pending.pop(key, None)
        # Read here too: when every caller has timed out meanwhile, nobody else does.
        if not done.cancelled():
            done.exception()

    @staticmethod
    def _look_up(key: tuple[str, int, int], pending: asyncio.Future[list[Address]]) -> None:
        host, port, family = key
        found: list[Address] | OSError
        try:
            found = list(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
        except UnicodeError as error:
            found = OSError(f"not a host name: {error}")
        except OSError as error:
            found = error

        def hand_over() -> None:
            if pending.done():
                return
            if isinstance(found, OSError):
                pending.set_exception(found)
            else:
                pending.set_result(found)

        # The loop may have ended while this thread waited.
        with contextlib.suppress(RuntimeError):
            pending.get_loop().call_soon_threadsafe(hand_over)


def reason(error: OSError) -> str:
    """`connection refused` rather than `[Errno 111] Connect call failed ('127.0.0.1', 80)`."""
    if isinstance(error, socket.gaierror):
        return "the name does not resolve"
    if error.errno:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__


# ---------------------------------------------------------------- http


class HttpClient:
    """Sends http probes. One for a run; `close` it on the loop that used it."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._connector: aiohttp.TCPConnector | None = None
        self._preparing = asyncio.Lock()

    async def ready(self) -> None:
        """Pays for the import, on a thread, so that neither the loop nor the first answer's time does."""
        # One at a time: a second caller would find a half-imported module, and hold the loop up until it is whole.
        async with self._preparing:
            if self._connector is None:
                await asyncio.to_thread(importlib.import_module, "aiohttp")
                self._connector = _connector(self._lookup)

    async def close(self) -> None:
        if self._connector is not None:
            await self._connector.close()
            self._connector = None

    async def fetch(self, provider: HttpProvider) -> tuple[dict[str, Any], bool]:
        """The envelope `{status, headers, body}`, and whether the body is whole. Not bounded in time."""
        await self.ready()
        import aiohttp

        for attempts_left in reversed(range(provider.max_retries + 1)):
            try:
                return await self._fetch_once(provider)
            except aiohttp.ClientConnectorError as error:
                if not attempts_left:
                    raise ProbeFailed(_connect_reason(error)) from error
            except aiohttp.ServerTimeoutError as error:
                if not attempts_left:
                    raise ProbeFailed("no connection within the connect timeout") from error
            except aiohttp.ClientError as error:
                raise ProbeFailed(_http_reason(error)) from error
            except OSError as error:
                raise ProbeFailed(reason(error)) from error
            except (ValueError, TypeError) as error:
                raise ProbeFailed(f"the request cannot be made: {error}") from error
        raise AssertionError("the last attempt returns or raises")

    async def _fetch_once(self, provider: HttpProvider) -> tuple[dict[str, Any], bool]:
        import aiohttp
        from yarl import URL

        query, body, headers = _request(provider)
        url = URL(provider.url)
        if query:
            url = URL(f"{provider.url}{'&' if url.query_string else '?'}{query}")
        connect = provider.timeout[0] if isinstance(provider.timeout, tuple) else None
        # A session for each call: cookies live through its redirects and no longer.
        async with (
            aiohttp.ClientSession(
                connector=self._connector,
                connector_owner=False,
                cookie_jar=aiohttp.CookieJar(unsafe=True),
                headers={"User-Agent": "gameday"},
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=cast("float | None", connect)),
            ) as session,
            session.request(
                provider.method.upper(),
                url,
                data=body,
                headers=headers,
                skip_auto_headers=("Content-Type",),
                max_redirects=30,
                ssl=provider.verify_tls,
            ) as response,
        ):
            content, whole = await _read(response.content)
            answer = _body(content, whole, response.headers.get("Content-Type"), response.charset)
            return {"status": response.status, "headers": dict(response.headers), "body": answer}, whole


def _connector(lookup: Lookup) -> aiohttp.TCPConnector:
    import aiohttp
    from aiohttp.abc import AbstractResolver, ResolveResult

    class Resolver(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            return [
                ResolveResult(hostname=host, host=address[0], port=address[1], family=kind, proto=protocol, flags=0)
                for kind, _type, protocol, _name, address in await lookup.addresses(host, port, family)
            ]

        async def close(self) -> None:
            return None

    return aiohttp.TCPConnector(force_close=True, limit=0, use_dns_cache=False, resolver=Resolver())


def _request(provider: HttpProvider) -> tuple[str, bytes | None, dict[str, str]]:
    """Query string, body and headers of a request."""
    arguments, headers = provider.arguments, dict(provider.headers or {})
    if not arguments:
        return "", None, headers
    text = arguments if isinstance(arguments, str) else None
    if provider.method.upper() == "GET":
        return _form(arguments) if text is None else text, None, headers
    kind = next((value for key, value in headers.items() if key.lower() == "content-type"), "")
    if kind.partition(";")[0].strip().lower() == "application/json":
        return "", json.dumps(arguments).encode(), headers
    if text is not None:
        return "", text.encode(), headers
    if not kind:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    return "", _form(arguments).encode(), headers


def _form(arguments: Any) -> str:
    """`a=1&b=2`, as Chaos Toolkit's client writes it: a list repeats its key, a null is left out."""
    pairs = arguments.items() if isinstance(arguments, Mapping) else arguments
    flat = [
        (key, item)
        for key, value in pairs
        for item in (value if isinstance(value, list) else [value])
        if item is not None
    ]
    return urlencode(flat)


async def _read(stream: aiohttp.StreamReader) -> tuple[bytes, bool]:
    kept = bytearray()
    async for chunk in stream.iter_any():
        kept += chunk
        if len(kept) > MOST_BYTES:
            return bytes(kept[:MOST_BYTES]), False
    return bytes(kept), True


def _body(content: bytes, whole: bool, content_type: str | None, charset: str | None) -> Any:
    # Only this very header makes it JSON, as in Chaos Toolkit; a jsonpath tolerance reads JSON text all the same.
    if content_type == "application/json" and whole:
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ProbeFailed(f"the body says it is JSON and is not: {error}") from error
    try:
        return content.decode(charset or "utf-8", errors="replace")
    except LookupError:
        return content.decode("utf-8", errors="replace")


def _connect_reason(error: aiohttp.ClientConnectorError) -> str:
    cause = error.os_error if isinstance(error.os_error, OSError) else OSError(str(error))
    return f"{reason(cause)} ({error.host}:{error.port})"


def _http_reason(error: aiohttp.ClientError) -> str:
    import aiohttp

    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection was closed without an answer"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the answer was cut short"
    if isinstance(error, aiohttp.TooManyRedirects):
        return "more than 30 redirects"
    if isinstance(error, OSError):
        return reason(error)
    return f"{type(error).__name__}: {error}".splitlines()[0]


# ---------------------------------------------------------------- tcp


async def closed_port(provider: TcpProvider, lookup: Lookup) -> str:
    """Why the port takes no connection; empty when it does. Not bounded in time."""
    where = f"{provider.host}:{provider.port}"
    try:
        addresses = await lookup.addresses(provider.host, int(provider.port))
    except (OSError, ValueError) as error:
        raise ProbeFailed(f"{reason(error) if isinstance(error, OSError) else error} ({where})") from error
    why = "no address"
    for family, kind, protocol, _name, address in addresses:
        try:
            with socket.socket(family, kind, protocol) as link:
                link.setblocking(False)
                await asyncio.get_running_loop().sock_connect(link, address)
                return ""
        except OSError as error:
            why = reason(error)
    return f"{why} ({where})"


# ---------------------------------------------------------------- process


def command_line(provider: ProcessProvider, path: str) -> str | list[str]:
    """The words of the command; one text for the shell when the arguments are a text, as in Chaos Toolkit."""
    arguments = provider.arguments or []
    if isinstance(arguments, str):
        return f"{path} {arguments}"
    words = itertools.chain.from_iterable(arguments.items()) if isinstance(arguments, dict) else arguments
    return [path, *(str(word) for word in words if word not in (None, ""))]


async def run_command(provider: ProcessProvider, env: Mapping[str, str]) -> dict[str, Any]:
    """`{status, stdout, stderr}` of a command in its own session, which ends with the call, however that ends.

    Outputs beyond MOST_BYTES are dropped. Not bounded in time: cancelling kills the command and all below it.
    """
    home = env.get("HOME", str(Path.home()))
    written = provider.path.replace("~", home, 1) if provider.path.startswith("~/") else provider.path
    path = shutil.which(written, path=env.get("PATH", os.defpath))
    if path is None:
        raise ProbeFailed(f"no command called {provider.path}")
    words = command_line(provider, path)
    mark = f"probe-{uuid.uuid4().hex}"
    try:
        transport, command = await asyncio.get_running_loop().subprocess_exec(
            _CommandProtocol,
            *(["/bin/sh", "-c", words] if isinstance(words, str) else words),
            stdin=asyncio.subprocess.DEVNULL,
            env={**env, MARK: mark},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ProbeFailed(f"{provider.path} does not start: {error}") from error
    origin = Origin.of(transport.get_pid(), mark)
    try:
        await command.exited.wait()
        # What it left behind may hold the outputs for as long as it likes.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER):
                await command.closed.wait()
    finally:
        if not (command.exited.is_set() and command.closed.is_set()):
            await _end(origin)
        transport.close()
    return {"status": transport.get_returncode(), "stdout": command.text(1), "stderr": command.text(2)}


async def _end(origin: Origin) -> None:
    # On a thread, for it looks through /proc and waits; shielded, for it is also the way out of a cancelled call.
    await asyncio.shield(asyncio.ensure_future(asyncio.to_thread(fence, origin)))


class _CommandProtocol(asyncio.SubprocessProtocol):
    """Keeps the first MOST_BYTES of each output, and says when the command has ended and when its outputs have."""

    def __init__(self) -> None:
        self.exited = asyncio.Event()
        self.closed = asyncio.Event()
        self._kept = {1: bytearray(), 2: bytearray()}
        self._open = set(self._kept)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        kept = self._kept[fd]
        kept += data[: MOST_BYTES - len(kept)]

    def pipe_connection_lost(self, fd: int, _exc: Exception | None) -> None:
        self._open.discard(fd)
        if not self._open:
            self.closed.set()

    def process_exited(self) -> None:
        self.exited.set()

    def text(self, fd: int) -> str:
        return self._kept[fd].decode(errors="replace")
