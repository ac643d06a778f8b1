"""What every service of the sandbox shares: its log, its metrics, its way to answer and to call others."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import traceback
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from runner.clock import Clock, SystemClock, boottime_ns
from runner.sandbox.addresses import Addresses
from runner.sandbox.metrics import MetricRegistry

CORRELATION_HEADER = "X-Correlation-Id"

#: The id of the request being handled; calls made on its behalf carry it on.
correlation: ContextVar[str] = ContextVar("correlation", default="")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LONGEST_ID = 128

#: Asked for several times a second by the sandbox itself: they would bury the log.
_UNLOGGED = {"GET /metrics", "GET /health", "GET /flags"}


@dataclass(frozen=True)
class Post:
    """What a service's process is given: its name, its listening sockets, and a way to say that it answers."""

    name: str
    addresses: Addresses
    sockets: Mapping[str, socket.socket]
    announce: Callable[[], None]
    control: socket.socket | None = None


class ServiceError(Exception):
    """Answer with this status and `{"error": reason}`."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class ServiceUnreachable(Exception):
    """No answer came: refused, reset, cut off."""


class TooSlow(Exception):
    """No answer came in time."""


@dataclass(frozen=True)
class Reply:
    """Another service's answer."""

    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class JsonLines:
    """A file of one JSON object a line, each there as soon as it is written."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def write(self, entry: Mapping[str, object]) -> None:
        # On a full disk the shop stays open; it is its log that has the gap.
        with contextlib.suppress(OSError):
            os.write(self._descriptor, json.dumps(entry).encode() + b"\n")


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request and its answer (499: the client left first). `at` is ISO 8601 UTC; nanoseconds since boot."""

    request: web.Request
    route: str
    status: int
    at: str
    began_ns: int
    ended_ns: int

    @property
    def seconds(self) -> float:
        return round((self.ended_ns - self.began_ns) / 1e9, 6)


class EventLog:
    """What a service has to say, with the correlation id of the request that it is about."""

    def __init__(self, path: Path, service: str, clock: Clock) -> None:
        self._lines = JsonLines(path)
        self._service = service
        self._clock = clock

    def write(self, event: str, *, level: str = "info", **fields: object) -> None:
        head = {"at": self._clock.stamp().at, "service": self._service, "level": level, "event": event}
        self._lines.write(head | {"id": correlation.get()} | fields)


class Service:
    """One service: routes in, metrics and log out. `serve` never returns."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self.clock: Clock = SystemClock()
        self.log = EventLog(post.addresses.folder / f"{post.name}.log", post.name, self.clock)
        self.metrics = MetricRegistry()
        self._requests = self.metrics.counter("http_requests_total", "Requests answered, by route and status.")
        self._durations = self.metrics.histogram("http_request_seconds", "Seconds from request to answer, by route.")
        self._app = web.Application(middlewares=[self._observe], client_max_size=4 << 20)
        self._session: aiohttp.ClientSession | None = None
        self.route("GET", "/metrics", self._show_metrics)
        self.route("GET", "/health", self._show_health)

    def route(self, method: str, path: str, handler: Handler) -> None:
        self._app.router.add_route(method, path, handler)

    async def serve(self, *background: Coroutine[Any, Any, None]) -> None:
        """Answers on the socket named like the service. Background work that ends in an error ends the process."""
        runner = web.AppRunner(self._app, access_log=None, handler_cancellation=True)
        await runner.setup()
        await web.SockSite(runner, self.post.sockets[self.post.name]).start()
        self.post.announce()
        self.log.write("started")
        await asyncio.gather(*background, asyncio.Event().wait())

    async def call(
        self,
        method: str,
        url: str,
        *,
        timeout: float,
        body: object = None,
    ) -> Reply:
        """Raises `ServiceUnreachable` or `TooSlow`; any status is a reply. `timeout` in seconds."""
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        data = None if body is None else json.dumps(body).encode()
        headers = {CORRELATION_HEADER: correlation.get(), "Content-Type": "application/json"}
        try:
            async with self._session.request(
                method, url, data=data, headers=headers, timeout=aiohttp.ClientTimeout(total=timeout)
            ) as response:
                return Reply(response.status, await response.read())
        except TimeoutError as error:
            raise TooSlow(f"no answer within {timeout:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ServiceUnreachable(str(error) or type(error).__name__) from error

    def finished(self, exchange: Exchange) -> None:
        """Called once a request has its answer."""
        route, status, seconds = exchange.route, exchange.status, exchange.seconds
        self._requests.add(route=route, status=str(status))
        self._durations.observe(seconds, route=route)
        if route not in _UNLOGGED:
            self.log.write("request", route=route, path=exchange.request.path, status=status, seconds=seconds)

    @web.middleware
    async def _observe(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        at, began = self.clock.stamp().at, boottime_ns()
        correlation.set(request.headers.get(CORRELATION_HEADER, "")[:_LONGEST_ID] or uuid.uuid4().hex)
        status = 499
        try:
            response = await self._answer(request, handler)
            status = response.status
        finally:
            resource = request.match_info.route.resource
            route = f"{request.method} {resource.canonical if resource else 'unknown'}"
            self.finished(
                Exchange(request=request, route=route, status=status, at=at, began_ns=began, ended_ns=boottime_ns())
            )
        response.headers[CORRELATION_HEADER] = correlation.get()
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ServiceError as fail:
            return web.json_response({"error": fail.reason}, status=fail.status)
        except web.HTTPException as error:
            return web.json_response({"error": error.reason}, status=error.status)
        except Exception:
            self.log.write("crashed", level="error", traceback=traceback.format_exc())
            return web.json_response({"error": "internal error"}, status=500)

    async def _show_metrics(self, _request: web.Request) -> web.Response:
        return web.Response(text=self.metrics.exposition())

    async def _show_health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "service": self.post.name})


async def read_json(request: web.Request) -> dict[str, Any]:
    """The request's body as an object; an empty body is an empty object. Raises `ServiceError` 400."""
    try:
        value = json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise ServiceError(400, f"bad request body: {error}") from error
    if not isinstance(value, dict):
        raise ServiceError(400, "bad request body: an object is expected")
    return value


def quieten() -> None:
    """aiohttp tells its own logger of clients that leave in mid-answer; here they do so on purpose."""
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
