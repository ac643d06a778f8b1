"""A key-value store with time to live. Switched off it forgets everything and answers 503."""

from __future__ import annotations

import json
from collections import OrderedDict

from aiohttp import web

from runner.sandbox.service import Post, Service, ServiceError, read_json

#: Entries; the oldest goes first.
CAPACITY = 20_000


class Cache(Service):
    def __init__(self, post: Post) -> None:
        super().__init__(post)
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._on = True
        self._lookups = self.metrics.counter("cache_lookups_total", "Lookups, by outcome (hit, miss, off).")
        self.metrics.gauge("cache_entries", "Entries held.", lambda: len(self._entries))
        self.route("GET", "/keys/{key}", self._get)
        self.route("PUT", "/keys/{key}", self._put)
        self.route("PUT", "/keys", self._put_many)
        self.route("DELETE", "/keys/{key}", self._delete)
        self.route("POST", "/flush", self._flush)
        self.route("GET", "/mode", self._show_mode)
        self.route("PUT", "/mode", self._set_mode)

    async def _get(self, request: web.Request) -> web.Response:
        if not self._on:
            self._lookups.add(outcome="off")
            raise ServiceError(503, "the cache is off")
        expires, value = self._entries.get(request.match_info["key"], (0.0, b""))
        if expires <= self.clock.now():
            self._entries.pop(request.match_info["key"], None)
            self._lookups.add(outcome="miss")
            raise ServiceError(404, "not in the cache")
        self._lookups.add(outcome="hit")
        return web.Response(body=value, content_type="application/json")

    async def _put(self, request: web.Request) -> web.Response:
        self._store(request.match_info["key"], await request.read(), _time_to_live(request))
        return web.Response(status=204)

    async def _put_many(self, request: web.Request) -> web.Response:
        """Key → [seconds to live, value]."""
        for key, entry in (await read_json(request)).items():
            match entry:
                case [int() | float() as ttl, value]:
                    self._store(key, json.dumps(value).encode(), ttl)
                case _:
                    raise ServiceError(400, f"{key}: [seconds to live, value] is expected")
        return web.Response(status=204)

    async def _delete(self, request: web.Request) -> web.Response:
        if self._entries.pop(request.match_info["key"], None) is None:
            raise ServiceError(404, "not in the cache")
        return web.Response(status=204)

    async def _flush(self, _request: web.Request) -> web.Response:
        dropped = len(self._entries)
        self._entries.clear()
        self.log.write("flushed", dropped=dropped)
        return web.json_response({"dropped": dropped})

    async def _show_mode(self, _request: web.Request) -> web.Response:
        return web.json_response({"mode": "on" if self._on else "off"})

    async def _set_mode(self, request: web.Request) -> web.Response:
        text = (await request.text()).strip()
        mode = (await read_json(request)).get("mode") if text.startswith("{") else text
        if mode not in ("on", "off"):
            raise ServiceError(400, 'the mode is "on" or "off"')
        self._on = mode == "on"
        if not self._on:
            self._entries.clear()
        self.log.write("mode", mode=mode)
        return await self._show_mode(request)

    def _store(self, key: str, value: bytes, ttl: float) -> None:
        if not self._on:
            raise ServiceError(503, "the cache is off")
        self._entries[key] = (self.clock.now() + ttl, value)
        self._entries.move_to_end(key)
        if len(self._entries) > CAPACITY:
            self._entries.popitem(last=False)


def _time_to_live(request: web.Request) -> float:
    try:
        return min(max(float(request.query.get("ttl", "600")), 0.0), 86_400.0)
    except ValueError:
        raise ServiceError(400, "ttl is a number of seconds") from None


async def main(post: Post) -> None:
    await Cache(post).serve()
