"""The payment gateway, and its backup: takes every charge after a few milliseconds."""

from __future__ import annotations

import asyncio
import uuid

from aiohttp import web

from runner.sandbox.service import Post, Service, ServiceError, read_json

#: Seconds a charge takes: the backup is a little farther away.
SERVICE_TIME = {"gateway": 0.004, "backup": 0.008}


class Gateway(Service):
    def __init__(self, post: Post) -> None:
        super().__init__(post)
        self._charges = self.metrics.counter("gateway_charges_total", "Charges taken.")
        self.route("POST", "/charge", self._charge)

    async def _charge(self, request: web.Request) -> web.Response:
        order = await read_json(request)
        if "amount" not in order:
            raise ServiceError(400, "a charge needs an amount")
        await asyncio.sleep(SERVICE_TIME[self.post.name])
        self._charges.add()
        return web.json_response({"charge": uuid.uuid4().hex, "by": self.post.name})


async def main(post: Post) -> None:
    await Gateway(post).serve()
