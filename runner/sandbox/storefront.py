"""The storefront: what shoppers talk to. Few workers, a queue before them, and a log of every request."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from runner.sandbox.flag_watch import FlagWatch
from runner.sandbox.flags import FlagSettings
from runner.sandbox.product_catalogue import ProductCatalogue
from runner.sandbox.service import (
    Exchange,
    Handler,
    JsonLines,
    Post,
    Service,
    ServiceError,
    ServiceUnreachable,
    TooSlow,
    correlation,
)
from runner.sandbox.workers import QueueFull, WorkerPool


class Storefront(Service):
    def __init__(self, post: Post) -> None:
        super().__init__(post)
        self.flags = FlagWatch(self, self._apply)
        self._workers = WorkerPool(self.flags.settings.workers, self.flags.settings.queue_limit)
        self._catalogue = ProductCatalogue(self, lambda: self.flags.settings)
        self._request_log = JsonLines(post.addresses.folder / "requests.jsonl")
        self.metrics.gauge("storefront_queue_length", "Requests that wait for a worker.", lambda: self._workers.waiting)
        self.metrics.gauge("storefront_workers_busy", "Workers at work.", lambda: self._workers.busy)
        self.route("GET", "/about", self._about)
        self.route("GET", "/catalogue", self._queued(self._list))
        self.route("GET", "/catalogue/count", self._queued(self._count))
        self.route("GET", "/catalogue/{number}", self._queued(self._item))
        self.route("POST", "/catalogue/warm", self._warm)
        self.route("POST", "/checkout", self._queued(self._checkout))

    def finished(self, exchange: Exchange) -> None:
        super().finished(exchange)
        if exchange.route == "GET /metrics":
            return
        self._request_log.write(
            {
                "at": exchange.at,
                "boottime_ns": exchange.began_ns,
                "end_boottime_ns": exchange.ended_ns,
                "method": exchange.request.method,
                "path": exchange.request.path,
                "route": exchange.route,
                "status": exchange.status,
                "seconds": exchange.seconds,
                "id": correlation.get(),
            }
        )

    async def warm_up(self) -> None:
        """The catalogue into the cache; without it the first shoppers would wait for the backend."""
        try:
            await self._catalogue.warm()
        except ServiceError as fail:
            self.log.write("not warmed", level="warning", reason=fail.reason)

    def _queued(self, handle: Callable[[web.Request], Awaitable[web.Response]]) -> Handler:
        async def wait_and_handle(request: web.Request) -> web.Response:
            try:
                async with self._workers.worker():
                    return await handle(request)
            except QueueFull:
                raise ServiceError(503, "all workers are busy and the queue is full") from None

        return wait_and_handle

    async def _about(self, _request: web.Request) -> web.Response:
        return web.json_response({"environment": "sandbox", "service": "storefront"})

    async def _list(self, _request: web.Request) -> web.Response:
        return _json(await self._catalogue.fetch("list", "/list"))

    async def _count(self, _request: web.Request) -> web.Response:
        return _json(await self._catalogue.fetch("count", "/count"))

    async def _item(self, request: web.Request) -> web.Response:
        number = request.match_info["number"]
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            raise ServiceError(404, "no such item")
        return _json(await self._catalogue.fetch(f"item-{int(number)}", f"/items/{int(number)}"))

    async def _warm(self, _request: web.Request) -> web.Response:
        return web.json_response({"entries": await self._catalogue.warm()})

    async def _checkout(self, request: web.Request) -> web.Response:
        try:
            order = json.loads(await request.read() or b"{}")
        except ValueError as error:
            raise ServiceError(400, f"bad request body: {error}") from error
        url = self.post.addresses.url("checkout") + "/checkout"
        try:
            reply = await self.call("POST", url, timeout=self.flags.settings.checkout_timeout, body=order)
        except TooSlow as error:
            raise ServiceError(504, f"checkout gave {error}") from error
        except ServiceUnreachable as error:
            raise ServiceError(502, f"checkout is not there: {error}") from error
        return web.Response(body=reply.body, status=reply.status, content_type="application/json")

    def _apply(self, settings: FlagSettings) -> None:
        self._workers.resize(settings.workers, settings.queue_limit)


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


async def main(post: Post) -> None:
    storefront = Storefront(post)
    await storefront.flags.refresh()
    await storefront.warm_up()
    await storefront.serve(storefront.flags.follow())
