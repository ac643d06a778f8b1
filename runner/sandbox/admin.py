"""The admin address of the sandbox: flags here, processes through the supervisor, the cache passed on."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from runner.sandbox.flags import FLAGS, FlagError, FlagStore, UnknownFlag
from runner.sandbox.service import (
    Post,
    Reply,
    Service,
    ServiceError,
    ServiceUnreachable,
    TooSlow,
    correlation,
    read_json,
)

#: Seconds; a restart is answered when the service is ready again.
SUPERVISOR_PATIENCE = 10.0

VERBS = ("kill", "freeze", "thaw", "restart", "start")


class Supervises:
    """The supervisor's ear: one request, one answer, each a packet of JSON with a number."""

    def __init__(self, control: socket.socket) -> None:
        control.setblocking(False)
        self._control = control
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def ask(self, verb: str, name: str = "", argument: str = "") -> Any:
        """Raises `ServiceError` with the supervisor's refusal."""
        number = next(self._numbers)
        loop = asyncio.get_running_loop()
        answer = self._waiting[number] = loop.create_future()
        try:
            packet = {"number": number, "verb": verb, "name": name, "argument": argument}
            await loop.sock_sendall(self._control, json.dumps(packet).encode())
            async with asyncio.timeout(SUPERVISOR_PATIENCE):
                reply = await answer
        except TimeoutError:
            raise ServiceError(504, f"{name} did not become ready within {SUPERVISOR_PATIENCE:g} s") from None
        finally:
            del self._waiting[number]
        if reply["status"] != 200:
            raise ServiceError(reply["status"], reply["error"])
        return reply["result"]

    async def listen(self) -> None:
        """For ever."""
        loop = asyncio.get_running_loop()
        while packet := await loop.sock_recv(self._control, 1 << 16):
            reply = json.loads(packet)
            waiting = self._waiting.get(reply["number"])
            if waiting and not waiting.done():
                waiting.set_result(reply)


class Admin(Service):
    def __init__(self, post: Post, supervisor: Supervises) -> None:
        super().__init__(post)
        self._supervisor = supervisor
        self._flags = FlagStore()
        self.route("GET", "/flags", self._list_flags)
        self.route("GET", "/flags/history", self._show_history)
        self.route("POST", "/flags/reset", self._reset_all)
        self.route("GET", "/flags/{name}", self._show_flag)
        self.route("PUT", "/flags/{name}", self._set_flag)
        self.route("DELETE", "/flags/{name}", self._reset_flag)
        self.route("GET", "/processes", self._list_processes)
        self.route("GET", "/processes/{name}", self._show_process)
        self.route("POST", "/processes/{name}/{verb}", self._act)
        self.route("PUT", "/processes/{name}/policy", self._set_policy)
        self.route("POST", "/cache/flush", self._flush_cache)
        self.route("POST", "/cache/warm", self._warm_cache)
        self.route("GET", "/cache/mode", self._cache_mode)
        self.route("PUT", "/cache/mode", self._cache_mode)

    async def _list_flags(self, _request: web.Request) -> web.Response:
        return web.json_response(self._flags.values())

    async def _show_history(self, _request: web.Request) -> web.Response:
        return web.json_response([asdict(change) for change in self._flags.history])

    async def _show_flag(self, request: web.Request) -> web.Response:
        return self._flag(request.match_info["name"])

    async def _set_flag(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        value = _value(await request.text(), form="x-www-form-urlencoded" in request.content_type)
        try:
            self._flags.set(name, value, at=self.clock.stamp().at, correlation=correlation.get())
        except FlagError as error:
            raise ServiceError(400, str(error)) from error
        except UnknownFlag as error:
            raise ServiceError(404, str(error)) from error
        self.log.write("flag set", name=name, value=self._flags.get(name))
        return self._flag(name)

    async def _reset_flag(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        try:
            self._flags.reset(name, at=self.clock.stamp().at, correlation=correlation.get())
        except UnknownFlag as error:
            raise ServiceError(404, str(error)) from error
        self.log.write("flag reset", name=name)
        return self._flag(name)

    async def _reset_all(self, request: web.Request) -> web.Response:
        for name, flag in FLAGS.items():
            if self._flags.get(name) != flag.default:
                self._flags.reset(name, at=self.clock.stamp().at, correlation=correlation.get())
        self.log.write("flags reset")
        return await self._list_flags(request)

    def _flag(self, name: str) -> web.Response:
        try:
            value = self._flags.get(name)
        except UnknownFlag as error:
            raise ServiceError(404, str(error)) from error
        flag = FLAGS[name]
        return web.json_response({"name": name, "value": value, "default": flag.default, "meaning": flag.meaning})

    async def _list_processes(self, _request: web.Request) -> web.Response:
        return web.json_response(await self._supervisor.ask("list"))

    async def _show_process(self, request: web.Request) -> web.Response:
        return web.json_response(await self._supervisor.ask("show", request.match_info["name"]))

    async def _act(self, request: web.Request) -> web.Response:
        name, verb = request.match_info["name"], request.match_info["verb"]
        if verb not in VERBS:
            raise ServiceError(404, f"{verb!r} is none of {', '.join(VERBS)}")
        self.log.write("process", verb=verb, name=name)
        return web.json_response(await self._supervisor.ask(verb, name))

    async def _set_policy(self, request: web.Request) -> web.Response:
        policy = _value(await request.text(), form="x-www-form-urlencoded" in request.content_type)
        return web.json_response(await self._supervisor.ask("policy", request.match_info["name"], policy))

    async def _flush_cache(self, _request: web.Request) -> web.Response:
        return await self._pass_on("POST", "cache", "/flush")

    async def _warm_cache(self, _request: web.Request) -> web.Response:
        return await self._pass_on("POST", "storefront", "/catalogue/warm")

    async def _cache_mode(self, request: web.Request) -> web.Response:
        body: object = None
        if request.method == "PUT":
            text = await request.text()
            body = await read_json(request) if text.lstrip().startswith("{") else {"mode": _value(text, form=True)}
        return await self._pass_on(request.method, "cache", "/mode", body)

    async def _pass_on(self, method: str, service: str, path: str, body: object = None) -> web.Response:
        try:
            reply: Reply = await self.call(method, self.post.addresses.url(service) + path, timeout=5.0, body=body)
        except (ServiceUnreachable, TooSlow) as error:
            raise ServiceError(502, f"{service}: {error}") from error
        return web.Response(body=reply.body, status=reply.status, content_type="application/json")


def _value(text: str, *, form: bool) -> str:
    """A value sent as plain text, as JSON (bare or as `{"value": …}`), or as a form's `value=…`."""
    text = text.strip()
    if form and (fields := parse_qs(text).get("value")):
        return fields[0]
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if isinstance(value, dict):
        value = value.get("value")
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise ServiceError(400, 'a value is plain text or {"value": …}')


async def main(post: Post) -> None:
    if post.control is None:
        raise RuntimeError("admin needs the supervisor's ear")
    supervisor = Supervises(post.control)
    await Admin(post, supervisor).serve(supervisor.listen())
