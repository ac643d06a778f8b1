"""The catalogue database: few connections, some milliseconds a query, slower the more queries wait."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from runner.sandbox.service import Post, Service, ServiceError
from runner.sandbox.workers import QueueFull, WorkerPool

COUNT = 500
PAGE = 20
CONNECTIONS = 3
QUEUE_LIMIT = 200

#: Seconds on an idle database.
QUERY_TIME = {"list": 0.06, "item": 0.012, "count": 0.005, "all": 0.12}

#: So many waiting queries double a query's time; beyond `_SLOWEST` times it grows no more.
_WAITING_THAT_DOUBLE = 8
_SLOWEST = 4.0


def item(number: int) -> dict[str, Any]:
    """Items are numbered from 1 to `COUNT`."""
    return {"id": number, "name": f"Item {number}", "price": 100 + number * 37 % 9000}


def listing() -> dict[str, Any]:
    """The first page."""
    return {"count": COUNT, "items": [item(number) for number in range(1, PAGE + 1)]}


def everything() -> Mapping[str, Any]:
    """Cache key → value, for a warm start."""
    items = {f"item-{number}": item(number) for number in range(1, COUNT + 1)}
    return items | {"list": listing(), "count": {"count": COUNT}}


class Backend(Service):
    def __init__(self, post: Post) -> None:
        super().__init__(post)
        self._connections = WorkerPool(CONNECTIONS, QUEUE_LIMIT)
        self._queries = self.metrics.counter("backend_queries_total", "Queries answered, by kind.")
        self.metrics.gauge("backend_waiting", "Queries that wait for a connection.", lambda: self._connections.waiting)
        self.route("GET", "/list", self._list)
        self.route("GET", "/items/{number}", self._item)
        self.route("GET", "/count", self._count)
        self.route("GET", "/all", self._all)

    async def _list(self, _request: web.Request) -> web.Response:
        await self._query("list")
        return web.json_response(listing())

    async def _item(self, request: web.Request) -> web.Response:
        await self._query("item")
        number = request.match_info["number"]
        if not number.isdecimal() or not 1 <= int(number[:9]) <= COUNT:
            raise ServiceError(404, "no such item")
        return web.json_response(item(int(number)))

    async def _count(self, _request: web.Request) -> web.Response:
        await self._query("count")
        return web.json_response({"count": COUNT})

    async def _all(self, _request: web.Request) -> web.Response:
        await self._query("all")
        return web.json_response(everything())

    async def _query(self, kind: str) -> None:
        try:
            async with self._connections.worker():
                crowd = min(1 + self._connections.waiting / _WAITING_THAT_DOUBLE, _SLOWEST)
                await asyncio.sleep(QUERY_TIME[kind] * crowd)
        except QueueFull:
            raise ServiceError(503, "too many queries wait for a connection") from None
        self._queries.add(kind=kind)


async def main(post: Post) -> None:
    await Backend(post).serve()
