"""Toxiproxy's HTTP API over the proxies. Shapes and status codes are Toxiproxy 2.x's."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from runner.sandbox.addresses import PROXIED
from runner.sandbox.proxy.proxy_server import Proxies
from runner.sandbox.proxy.toxics import ProxyError
from runner.sandbox.service import Post, Service

#: The release whose API this is.
VERSION = "2.12.0"

Action = Callable[[web.Request], Awaitable[web.Response]]


class FaultProxy(Service):
    def __init__(self, post: Post) -> None:
        super().__init__(post)
        self._proxies = Proxies()
        for method, path, action in (
            ("GET", "/version", self._version),
            ("POST", "/reset", self._reset),
            ("POST", "/populate", self._populate),
            ("GET", "/proxies", self._list),
            ("POST", "/proxies", self._create),
            ("GET", "/proxies/{proxy}", self._show),
            ("POST", "/proxies/{proxy}", self._update),
            ("PATCH", "/proxies/{proxy}", self._update),
            ("DELETE", "/proxies/{proxy}", self._delete),
            ("GET", "/proxies/{proxy}/toxics", self._list_toxics),
            ("POST", "/proxies/{proxy}/toxics", self._create_toxic),
            ("GET", "/proxies/{proxy}/toxics/{toxic}", self._show_toxic),
            ("POST", "/proxies/{proxy}/toxics/{toxic}", self._update_toxic),
            ("PATCH", "/proxies/{proxy}/toxics/{toxic}", self._update_toxic),
            ("DELETE", "/proxies/{proxy}/toxics/{toxic}", self._delete_toxic),
        ):
            self.route(method, path, _answered(action))

    async def open(self) -> None:
        """The proxies that the sandbox is wired through, on the sockets it was given."""
        addresses = self.post.addresses
        for name in PROXIED:
            body = {"name": name, "listen": addresses.address(f"to-{name}"), "upstream": addresses.address(name)}
            await self._proxies.create(body, self.post.sockets[f"to-{name}"])

    async def _version(self, _request: web.Request) -> web.Response:
        return web.json_response({"version": VERSION})

    async def _reset(self, _request: web.Request) -> web.Response:
        await self._proxies.reset()
        self.log.write("reset")
        return web.Response(status=204)

    async def _populate(self, request: web.Request) -> web.Response:
        bodies = await _body(request)
        if not isinstance(bodies, list) or not all(isinstance(body, dict) for body in bodies):
            raise ProxyError(400, "bad request body: a list of proxies is expected")
        proxies = await self._proxies.populate(bodies)
        return web.json_response({"proxies": [proxy.as_json() for proxy in proxies]}, status=201)

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response({proxy.name: proxy.as_json() for proxy in self._proxies.all()})

    async def _create(self, request: web.Request) -> web.Response:
        proxy = await self._proxies.create(await _fields(request))
        self.log.write("proxy created", proxy=proxy.as_json())
        return web.json_response(proxy.as_json(), status=201)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self._proxies.get(request.match_info["proxy"]).as_json())

    async def _update(self, request: web.Request) -> web.Response:
        proxy = self._proxies.get(request.match_info["proxy"])
        fields: dict[str, Any] = {"listen": proxy.listen, "upstream": proxy.upstream, "enabled": proxy.enabled}
        fields |= {name: value for name, value in (await _fields(request)).items() if name in fields}
        if not isinstance(fields["enabled"], bool):
            raise ProxyError(400, "bad request body: enabled is true or false")
        await proxy.update(**fields)
        self.log.write("proxy changed", proxy=proxy.as_json())
        return web.json_response(proxy.as_json())

    async def _delete(self, request: web.Request) -> web.Response:
        self._proxies.delete(request.match_info["proxy"])
        self.log.write("proxy deleted", proxy=request.match_info["proxy"])
        return web.Response(status=204)

    async def _list_toxics(self, request: web.Request) -> web.Response:
        proxy = self._proxies.get(request.match_info["proxy"])
        return web.json_response([toxic.as_json() for toxic in proxy.toxics])

    async def _create_toxic(self, request: web.Request) -> web.Response:
        proxy = self._proxies.get(request.match_info["proxy"])
        toxic = proxy.add(await _fields(request))
        self.log.write("toxic added", proxy=proxy.name, toxic=toxic.as_json())
        return web.json_response(toxic.as_json())

    async def _show_toxic(self, request: web.Request) -> web.Response:
        proxy = self._proxies.get(request.match_info["proxy"])
        return web.json_response(proxy.toxic(request.match_info["toxic"]).as_json())

    async def _update_toxic(self, request: web.Request) -> web.Response:
        proxy = self._proxies.get(request.match_info["proxy"])
        toxic = proxy.change(request.match_info["toxic"], await _fields(request))
        self.log.write("toxic changed", proxy=proxy.name, toxic=toxic.as_json())
        return web.json_response(toxic.as_json())

    async def _delete_toxic(self, request: web.Request) -> web.Response:
        proxy = self._proxies.get(request.match_info["proxy"])
        proxy.remove(request.match_info["toxic"])
        self.log.write("toxic removed", proxy=proxy.name, toxic=request.match_info["toxic"])
        return web.Response(status=204)


def _answered(action: Action) -> Action:
    async def answer(request: web.Request) -> web.Response:
        try:
            return await action(request)
        except ProxyError as error:
            return web.json_response({"error": error.message, "status": error.status}, status=error.status)

    return answer


async def _body(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except ValueError as error:
        raise ProxyError(400, f"bad request body: {error}") from error


async def _fields(request: web.Request) -> dict[str, Any]:
    body = await _body(request)
    if not isinstance(body, dict):
        raise ProxyError(400, "bad request body: an object is expected")
    return body


async def main(post: Post) -> None:
    proxy = FaultProxy(post)
    await proxy.open()
    await proxy.serve()
