"""The storefront's way to the catalogue: cache first, then the backend, as the flags say."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from runner.sandbox.flags import FlagSettings
from runner.sandbox.service import Reply, Service, ServiceError, ServiceUnreachable, TooSlow

#: Seconds. A cache that takes longer is worse than none.
CACHE_PATIENCE = 0.25
BACKEND_PATIENCE = 5.0

#: Copies kept for `catalogue-mode=stale`.
_COPIES = 2000


class ProductCatalogue:
    """`settings` is asked at every look-up."""

    def __init__(self, service: Service, settings: Callable[[], FlagSettings]) -> None:
        self._service = service
        self._settings = settings
        self._cache = service.post.addresses.proxied_url("cache")
        self._backend = service.post.addresses.proxied_url("backend")
        self._copies: dict[str, bytes] = {}
        self._under_way: dict[str, asyncio.Task[bytes]] = {}
        self._lookups = service.metrics.counter(
            "storefront_cache_lookups_total", "Look-ups in the cache, by outcome (hit, miss, failed)."
        )
        self._loads = service.metrics.counter("storefront_backend_loads_total", "Queries sent to the backend.")

    async def fetch(self, key: str, path: str) -> bytes:
        """The JSON stored under `key`, or else at the backend's `path`. Raises `ServiceError` 404, 502, 503 or 504."""
        if (cached := await self._look_up(key)) is not None:
            return cached
        match self._settings().catalogue_mode:
            case "stale" if key in self._copies:
                return self._copies[key]
            case "coalesce":
                return await self._load_once(key, path)
            case _:
                return await self._load(key, path)

    async def warm(self) -> int:
        """Fills the cache from the backend in one go; how many entries. Raises `ServiceError`."""
        entries = json.loads(await self._query("/all"))
        body = {key: [self._time_to_live(), value] for key, value in entries.items()}
        try:
            reply = await self._service.call("PUT", f"{self._cache}/keys", timeout=BACKEND_PATIENCE, body=body)
        except (ServiceUnreachable, TooSlow) as error:
            raise ServiceError(502, f"the cache failed: {error}") from error
        if reply.status != 204:
            raise ServiceError(502, f"the cache answered {reply.status}")
        for key, value in entries.items():
            self._keep(key, json.dumps(value).encode())
        return len(entries)

    async def _look_up(self, key: str) -> bytes | None:
        try:
            reply = await self._service.call("GET", f"{self._cache}/keys/{quote(key)}", timeout=CACHE_PATIENCE)
        except (ServiceUnreachable, TooSlow):
            self._lookups.add(outcome="failed")
            return None
        if reply.status == 200:
            self._lookups.add(outcome="hit")
            return reply.body
        self._lookups.add(outcome="miss" if reply.status == 404 else "failed")
        return None

    async def _load_once(self, key: str, path: str) -> bytes:
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._load(key, path))
            task.add_done_callback(lambda done: self._landed(key, done))
        # Shielded: the first shopper to lose patience must not take the answer from the others.
        return await asyncio.shield(task)

    def _landed(self, key: str, task: asyncio.Task[bytes]) -> None:
        self._under_way.pop(key, None)
        if not task.cancelled():
            task.exception()  # Looked at, so that a failure nobody waits for any more is not reported as lost.

    async def _load(self, key: str, path: str) -> bytes:
        body = await self._query(path)
        self._keep(key, body)
        await self._put(key, body)
        return body

    async def _query(self, path: str) -> bytes:
        self._loads.add()
        try:
            reply = await self._service.call("GET", self._backend + path, timeout=BACKEND_PATIENCE)
        except TooSlow as error:
            raise ServiceError(504, f"the catalogue backend gave {error}") from error
        except ServiceUnreachable as error:
            raise ServiceError(502, f"the catalogue backend failed: {error}") from error
        if reply.status != 200:
            raise ServiceError(reply.status, _reason(reply))
        return reply.body

    async def _put(self, key: str, body: bytes) -> None:
        url = f"{self._cache}/keys/{quote(key)}?ttl={self._time_to_live():.3f}"
        try:
            await self._service.call("PUT", url, timeout=CACHE_PATIENCE, body=json.loads(body))
        except (ServiceUnreachable, TooSlow):
            self._service.log.write("cache not filled", level="warning", key=key)

    def _keep(self, key: str, body: bytes) -> None:
        if len(self._copies) < _COPIES:
            self._copies[key] = body

    def _time_to_live(self) -> float:
        # Spread, so that what was stored together does not expire together.
        return self._settings().cache_ttl * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, guards nothing


def _reason(reply: Reply) -> str:
    try:
        body: Any = reply.json()
        return str(body["error"])
    except (ValueError, KeyError, TypeError):
        return f"the catalogue backend answered {reply.status}"
