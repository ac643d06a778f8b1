"""Probes against real servers, ports and commands."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from runner.actuators.probe import ProbeCaller
from runner.actuators.probe_calls import ProbeResult, Sampler, hold_until
from runner.actuators.python_probe import ProbeChild
from runner.actuators.ticks import ticks
from runner.clock import SystemClock
from runner.specs.probe_spec import ProbeSpec

_ENV = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


class Target:
    """A server that is well, slow, wrong or endless, by path. `url` is its address."""

    def __init__(self) -> None:
        self.hits: list[str] = []
        self.peers: set[Any] = set()
        self.url = ""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Target]:
        app = web.Application()
        app.router.add_route("*", "/{name}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        listener = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(runner, listener).start()
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        self.hits.append(name)
        if request.transport:
            self.peers.add(request.transport.get_extra_info("peername"))
        if name == "hang":
            await asyncio.sleep(60)
        if name == "third":
            return web.Response(status=200 if self.hits.count(name) >= 3 else 503)
        if name == "endless":
            return await self._stream(request)
        return await _PAGES[name](request)

    @staticmethod
    async def _stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x" * 65536)
        return response


async def _echo(request: web.Request) -> web.Response:
    said = {
        "method": request.method,
        "query": [list(pair) for pair in request.query.items()],
        "body": await request.text(),
        "type": request.headers.get("Content-Type"),
        "mine": request.headers.get("X-Mine"),
    }
    return web.Response(body=json.dumps(said), headers={"Content-Type": "application/json"})


def _page(
    body: str, status: int = 200, *, kind: str = "text/plain", to: str = ""
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def page(_request: web.Request) -> web.Response:
        where = {"Location": to} if to else {}
        return web.Response(body=body.encode(), status=status, headers={"Content-Type": kind, **where})

    return page


async def _cut(request: web.Request) -> web.Response:
    if request.transport:
        request.transport.abort()
    return web.Response()


async def _cookies(request: web.Request) -> web.Response:
    if "seen" in request.cookies:
        return web.Response(text="came back")
    answer = web.Response(status=302, headers={"Location": "/cookies"})
    answer.set_cookie("seen", "1")
    return answer


_PAGES: dict[str, Callable[[web.Request], Awaitable[web.Response]]] = {
    "ok": _page("fine"),
    "json": _page('{"count": 5}', kind="application/json"),
    "json-charset": _page('{"count": 5}', kind="application/json; charset=utf-8"),
    "not-json": _page("<html>", kind="application/json"),
    "teapot": _page("no", 418),
    "moved": _page("", 302, to="/ok"),
    "loop": _page("", 302, to="/loop"),
    "umlaut": _page("grün", kind="text/plain; charset=utf-8"),
    "echo": _echo,
    "cut": _cut,
    "cookies": _cookies,
}


@contextlib.asynccontextmanager
async def _caller(**more: Any) -> AsyncIterator[ProbeCaller]:
    caller = ProbeCaller(SystemClock(), env=_ENV, variables=more.pop("variables", {}), **more)
    try:
        yield caller
    finally:
        await caller.close()


def _probe(provider: Mapping[str, Any], tolerance: Any = 200) -> ProbeSpec:
    return ProbeSpec.model_validate({"provider": provider, "tolerance": tolerance})


def _http(url: str, tolerance: Any = 200, **more: Any) -> ProbeSpec:
    return _probe({"type": "http", "url": url, **more}, tolerance)


def _call(probe: ProbeSpec, **more: Any) -> ProbeResult:
    async def once() -> ProbeResult:
        async with _caller(**more) as caller:
            return await caller.call(probe)

    return asyncio.run(once())


def _call_target(path: str, tolerance: Any = 200, **provider: Any) -> ProbeResult:
    async def once() -> ProbeResult:
        async with Target().running() as target, _caller() as caller:
            return await caller.call(_http(target.url + path, tolerance, **provider))

    return asyncio.run(once())


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses: bound, never listened on, so nobody else gets it meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


# ---------------------------------------------------------------- the same values as Chaos Toolkit

_HTTP_CASES: list[dict[str, Any]] = [
    {"url": "/ok"},
    {"url": "/json"},
    {"url": "/json-charset"},
    {"url": "/teapot"},
    {"url": "/moved"},
    {"url": "/umlaut"},
    {"url": "/cookies"},
    {"url": "/echo?a=1", "arguments": {"b": [1, 2], "c": None, "d": "ä &"}},
    {"url": "/echo", "arguments": "x=1&y=2", "headers": {"X-Mine": "yes"}},
    {"url": '/echo?q=up{job="x"} > 0'},
    {"url": "/echo", "method": "POST", "arguments": {"a": 1, "b": [True, "x y"]}},
    {"url": "/echo", "method": "post", "arguments": "raw text"},
    {
        "url": "/echo",
        "method": "PUT",
        "arguments": {"a": [1, {"b": None}]},
        "headers": {"Content-Type": "application/json"},
    },
    {"url": "/echo", "method": "DELETE"},
]

_PROCESS_CASES: list[dict[str, Any]] = [
    {"path": "true"},
    {"path": "false"},
    {"path": "echo", "arguments": ["a", 5, "", None, "b c", "$HOME"]},
    {"path": "echo", "arguments": "a   b | tr a-z A-Z; exit 3"},
    {"path": "echo", "arguments": {"--one": 1, "--two": "x y"}},
    {"path": "sh", "arguments": ["-c", "echo out; echo err >&2; kill -9 $$"]},
]

_ORACLE = """
import json, logging, sys
logging.disable(logging.CRITICAL)
from chaoslib.activity import run_activity
json.dump([run_activity({"type": "probe", "name": "p", "tolerance": 0, "provider": provider}, {}, {})
           for provider in json.load(sys.stdin)], sys.stdout)
"""


async def _chaos_toolkit(providers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    oracle = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _ORACLE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_ENV
    )
    out, _ = await oracle.communicate(json.dumps(providers).encode())
    found: list[dict[str, Any]] = json.loads(out)
    return found


def _comparable(value: dict[str, Any]) -> dict[str, Any]:
    headers = {k.lower(): v for k, v in value.get("headers", {}).items() if k.lower() not in ("date", "connection")}
    return {**value, "headers": headers}


def test_http_gives_the_values_that_chaos_toolkit_gives() -> None:
    async def both() -> tuple[list[Any], list[Any]]:
        async with Target().running() as target, _caller() as caller:
            providers = [{"type": "http", **case, "url": target.url + case["url"]} for case in _HTTP_CASES]
            theirs = await _chaos_toolkit(providers)
            ours = [(await caller._fetch(_probe(provider).provider))[0] for provider in providers]  # type: ignore[arg-type]
            return ours, theirs

    ours, theirs = asyncio.run(both())
    assert [_comparable(value) for value in ours] == [_comparable(value) for value in theirs]


def test_commands_give_the_values_that_chaos_toolkit_gives() -> None:
    async def both() -> tuple[list[Any], list[Any]]:
        providers = [{"type": "process", **case} for case in _PROCESS_CASES]
        async with _caller() as caller:
            ours = [(await caller._fetch(_probe(provider).provider))[0] for provider in providers]  # type: ignore[arg-type]
            return ours, await _chaos_toolkit(providers)

    ours, theirs = asyncio.run(both())
    assert ours == theirs


# ---------------------------------------------------------------- http


def test_a_target_that_is_well() -> None:
    result = _call_target("/json", {"type": "jsonpath", "target": "body", "path": "$.count", "expect": 5})
    assert (result.ok, result.why) == (True, "")
    assert result.value == {"status": 200, "body": {"count": 5}}
    assert result.t > 0
    assert 0 < result.duration < 30


@pytest.mark.parametrize(
    ("path", "tolerance", "why"),
    [
        ("/teapot", 200, "status 418, expected 200"),
        (
            "/json",
            {"type": "jsonpath", "path": "$.count", "target": "body", "expect": 4},
            "$.count gave [5], expected 4",
        ),
        ("/not-json", 200, "the body says it is JSON and is not: Expecting value: line 1 column 1 (char 0)"),
        ("/loop", 200, "more than 30 redirects"),
        ("/cut", 200, "the connection was closed without an answer"),
        (
            "/endless",
            {"type": "regex", "pattern": "y", "target": "body"},
            "the body is longer than 1 MiB and was not judged",
        ),
    ],
)
def test_a_target_that_is_not(path: str, tolerance: Any, why: str) -> None:
    result = _call_target(path, tolerance, timeout=20)
    assert (result.ok, result.why) == (False, why)


def test_an_endless_body_does_not_hide_a_good_status() -> None:
    result = _call_target("/endless", 200, timeout=20)
    assert result.ok
    assert len(json.dumps(result.value)) < 1000


def test_a_target_that_hangs_ends_at_the_timeout() -> None:
    result = _call_target("/hang", 200, timeout="200ms")
    assert (result.ok, result.why) == (False, "no answer within 200ms")
    assert 0.19 <= result.duration < 10


@pytest.mark.parametrize("timeout", ["200ms", ["100ms", "100ms"]])
def test_a_port_that_never_speaks(silent_port: int, timeout: Any) -> None:
    result = _call(_http(f"http://127.0.0.1:{silent_port}/", timeout=timeout))
    assert result.why == "no answer within 200ms"


def test_a_port_that_refuses(closed_port: int) -> None:
    result = _call(_http(f"http://127.0.0.1:{closed_port}/", max_retries=2))
    assert result.why == f"connection refused (127.0.0.1:{closed_port})"
    assert result.value is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://no-such-host.invalid/", "the name does not resolve (no-such-host.invalid:80)"),
        ("http://127.0.0.1:99999/", "the request cannot be made"),
        ("http://[::1/", "the request cannot be made"),
    ],
)
def test_an_address_that_leads_nowhere(url: str, why: str) -> None:
    result = _call(_http(url))
    assert not result.ok
    assert why in result.why


def test_no_connection_is_kept() -> None:
    async def thrice() -> int:
        async with Target().running() as target, _caller() as caller:
            for _ in range(3):
                assert (await caller.call(_http(target.url + "/ok"))).ok
            return len(target.peers)

    assert asyncio.run(thrice()) == 3


def test_a_proxy_in_the_environment_is_not_used(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
    assert _call_target("/ok").ok


def test_a_target_that_comes_back_is_seen() -> None:
    async def thrice() -> list[bool]:
        async with Target().running() as target, _caller() as caller:
            probe = _http(target.url + "/third")
            return [(await caller.call(probe)).ok for _ in range(3)]

    assert asyncio.run(thrice()) == [False, False, True]


# ---------------------------------------------------------------- tcp


def test_a_port_is_open_or_closed(silent_port: int, closed_port: int) -> None:
    def port(number: int, tolerance: bool) -> ProbeResult:
        return _call(_probe({"type": "tcp", "host": "localhost", "port": number, "timeout": 5}, tolerance))

    assert port(silent_port, True).value is True
    assert port(silent_port, False).why == "the port is open"
    assert port(closed_port, True).why == f"connection refused (localhost:{closed_port})"
    assert port(closed_port, False).ok


def test_a_port_that_swallows_connections_is_closed() -> None:
    """A full backlog drops further attempts, as a firewall does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as fillers:
        for _ in range(4):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        provider = {"type": "tcp", "host": "127.0.0.1", "port": listener.getsockname()[1], "timeout": "300ms"}
        result = _call(_probe(provider, True))
        assert (result.ok, result.value, result.why) == (False, False, "no answer within 300ms")
        assert _call(_probe(provider, False)).ok


def test_a_name_that_does_not_resolve_proves_nothing() -> None:
    result = _call(_probe({"type": "tcp", "host": "no-such-host.invalid", "port": 80}, False))
    assert not result.ok
    assert "does not resolve" in result.why


# ---------------------------------------------------------------- process


def _command(tmp_path: Path, script: str, **provider: Any) -> ProbeSpec:
    file = tmp_path / "command"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return _probe({"type": "process", "path": str(file), **provider}, 0)


def _gone(pid: int) -> bool:
    """Waits for a process to die. A zombie is dead."""
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


def test_an_exit_code(tmp_path: Path) -> None:
    result = _call(_command(tmp_path, "echo hello; exit 4"))
    assert (result.ok, result.why) == (False, "exit code 4, expected 0")
    assert result.value == {"status": 4, "stdout": "hello\n", "stderr": ""}


def test_a_command_sees_only_what_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOT_FOR_PROBES", "1")
    result = _call(_command(tmp_path, 'cat; test -z "$NOT_FOR_PROBES"'))
    assert result.ok, result.why


def test_a_command_leads_a_session_of_its_own(tmp_path: Path) -> None:
    """So that a Ctrl-C in the terminal does not reach it."""
    result = _call(_command(tmp_path, 'echo $$; cut -d " " -f 6 /proc/$$/stat'))
    pid, session = result.value["stdout"].split()
    assert pid == session


def test_a_command_that_hangs_dies_with_all_it_started(tmp_path: Path) -> None:
    script = f"sleep 60 & echo $! > {tmp_path}/same; setsid sleep 60 & echo $! > {tmp_path}/apart; wait"
    result = _call(_command(tmp_path, script, timeout=1))
    assert result.why == "no answer within 1s"
    for name in ("same", "apart"):
        assert _gone(int((tmp_path / name).read_text()))


def test_a_command_that_leaves_something_behind_is_not_waited_for(tmp_path: Path) -> None:
    result = _call(_command(tmp_path, f"sleep 60 & echo $! > {tmp_path}/left; echo done", timeout=30))
    assert result.ok
    assert result.value["stdout"] == "done\n"
    assert result.duration < 20
    assert _gone(int((tmp_path / "left").read_text()))


def test_a_command_that_never_stops_talking(tmp_path: Path) -> None:
    result = _call(_command(tmp_path, "yes | head -c 5000000", timeout=30))
    assert result.ok
    assert len(result.value["stdout"]) < 1000


@pytest.mark.parametrize(
    ("path", "why"),
    [("no-such-command", "no command called no-such-command"), ("/dev/null", "no command called /dev/null")],
)
def test_a_command_that_is_not_there(path: str, why: str) -> None:
    assert _call(_probe({"type": "process", "path": path}, 0)).why == why


def test_a_command_that_does_not_start(tmp_path: Path) -> None:
    file = tmp_path / "broken"
    file.write_text("#!/no/such/interpreter\n")
    file.chmod(0o755)
    assert "does not start" in _call(_probe({"type": "process", "path": str(file)}, 0)).why


# ---------------------------------------------------------------- python, variables, secrets


def test_a_python_probe_goes_to_its_own_process() -> None:
    asked: list[dict[str, Any]] = []

    async def child(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request)
        return {"ok": False, "value": 3, "error": None}

    provider = {"type": "python", "module": "m", "func": "f", "arguments": {"a": "${x}"}, "secrets": ["T", "other"]}
    result = _call(_probe(provider, 4), variables={"x": "1"}, secrets={"T": "secret!", "U": "unasked"}, python=child)
    assert (result.ok, result.value, result.why) == (False, 3, "gave 3, expected 4")
    assert asked == [
        {
            "probe": {
                "type": "probe",
                "name": "probe",
                "provider": {**provider, "arguments": {"a": "1"}},
                "tolerance": 4,
            },
            "secrets": {"T": {"T": "secret!"}},
        }
    ]


def test_a_python_probe_is_answered_by_chaos_toolkit(tmp_path: Path) -> None:
    def provider(func: str, **arguments: Any) -> dict[str, Any]:
        return {"type": "python", "module": "os.path", "func": func, "arguments": arguments, "timeout": 60}

    judge = {"type": "probe", "provider": provider("exists")}

    async def ask() -> list[ProbeResult]:
        child = ProbeChild.spawn()
        try:
            async with _caller(python=child.call, variables={"folder": str(tmp_path)}) as caller:
                await child.attach(origin=caller.clock.origin)
                return [
                    await caller.call(_probe(provider("exists", path="${folder}"), True)),
                    await caller.call(_probe(provider("exists", path="${folder}/no"), True)),
                    await caller.call(_probe(provider("no_such_function"), True)),
                    await caller.call(_probe({"type": "process", "path": "true"}, judge)),
                ]
        finally:
            await child.stop()

    there, missing, wrong, judged = asyncio.run(ask())
    assert (there.ok, there.value) == (True, True)
    assert (missing.ok, missing.why) == (False, "gave false, expected true")
    assert "no_such_function" in wrong.why
    assert "value" in judged.why, "the judge gets an argument that exists() does not take"


def test_a_python_probe_without_its_process_fails() -> None:
    provider = {"type": "python", "module": "m", "func": "f"}
    assert _call(_probe(provider, True)).why == "no process is there to run a Python provider"

    async def gone(_request: dict[str, Any]) -> dict[str, Any]:
        raise BrokenPipeError("pipe")

    assert "is gone" in _call(_probe(provider, True), python=gone).why

    async def hung(_request: dict[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    assert _call(_probe({**provider, "timeout": "100ms"}, True), python=hung).why == "no answer within 100ms"


@pytest.mark.parametrize(("said", "ok"), [(True, True), (0, False), ({"any": 1}, True)])
def test_a_tolerance_that_is_a_probe_judges_the_value(said: Any, ok: bool) -> None:
    asked: list[dict[str, Any]] = []

    async def child(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request["probe"]["provider"]["arguments"])
        return {"ok": True, "value": said, "error": None}

    judge = {"type": "probe", "provider": {"type": "python", "module": "m", "func": "f", "arguments": {"most": 5}}}
    result = _call(_probe({"type": "process", "path": "echo", "arguments": ["7"]}, judge), python=child)
    assert result.ok is ok
    assert asked == [{"most": 5, "value": {"status": 0, "stdout": "7\n", "stderr": ""}}]


def test_variables_fill_the_probe_in(closed_port: int) -> None:
    probe = _http("${target.url}/${path}")
    result = _call(probe, variables={"target.url": f"http://127.0.0.1:{closed_port}"}, secrets={"path": "x"})
    assert "connection refused" in result.why
    assert (
        _call(probe, variables={"target.uri": "x"}).why == "nothing defines ${target.url}; did you mean ${target.uri}?"
    )
    assert "provider.http.url is wrong" in _call(probe, variables={"target.url": "ftp:", "path": ""}).why


@pytest.mark.parametrize("before", [0, 90, 115, 195, 16_380])
def test_no_part_of_a_secret_comes_back(before: int) -> None:
    """Wherever the cuts fall, no piece of it stays."""
    secret = "correct-horse-battery-staple"
    provider = {"type": "process", "path": "echo", "arguments": ["a" * before + "${TOKEN}"]}
    for tolerance in ({"type": "regex", "pattern": "^b", "target": "stdout"}, secret, 0):
        result = _call(_probe(provider, tolerance), secrets={"TOKEN": secret})
        said = json.dumps(result.value) + result.why
        assert "corr" not in said
        assert "staple" not in said


# ---------------------------------------------------------------- polling and sampling


def _held(path: str, within: float, expect: bool) -> tuple[ProbeResult, int]:
    """The result, and how often the target was asked."""

    async def wait() -> tuple[ProbeResult, int]:
        async with Target().running() as target, _caller() as caller:
            probe = _http(target.url + path)
            result = await hold_until(caller, probe, within=within, every=0.1, expect=expect, clock=caller.clock)
            return result, len(target.hits)

    return asyncio.run(wait())


def test_holds_as_soon_as_the_probe_does() -> None:
    result, hits = _held("/third", 60, True)
    assert (result.ok, hits) == (True, 3)
    result, hits = _held("/third", 60, False)
    assert (result.ok, hits) == (False, 1)


def test_gives_up_in_time_and_keeps_the_last_answer() -> None:
    result, hits = _held("/teapot", 0.5, True)
    assert result.why == "status 418, expected 200"
    assert 1 <= hits <= 6
    assert _held("/teapot", 0, True)[1] == 1


def test_a_poll_that_hangs_ends_with_the_time_there_is() -> None:
    result, hits = _held("/hang", 0.4, True)
    assert hits == 1
    assert result.why.startswith("no answer within")
    assert result.duration < 8


def _sampled(path: str, every: float, seconds: float, **provider: Any) -> tuple[list[ProbeResult], list[float]]:
    """The results, and `settled_until` at each of them."""

    async def run() -> tuple[list[ProbeResult], list[float]]:
        results: list[ProbeResult] = []
        settled: list[float] = []

        def report(result: ProbeResult) -> None:
            settled.append(sampler.settled_until)
            results.append(result)

        async with Target().running() as target, _caller() as caller:
            sampler = Sampler(caller, _http(target.url + path, **provider), every, report)
            sampler.start()
            await asyncio.sleep(seconds)
            await sampler.stop()
            count = len(results)
            await asyncio.sleep(3 * every)
            assert len(results) == count
        return results, settled

    return asyncio.run(run())


def test_samples_at_whole_multiples_of_its_interval() -> None:
    results, _ = _sampled("/ok", 0.1, 1.5)
    assert all(result.ok for result in results)
    assert 5 <= len(results) <= 16
    times = sorted(result.t for result in results)
    numbers = [int(t / 0.1) for t in times]
    assert numbers == sorted(set(numbers))
    late = sorted(t - number * 0.1 for t, number in zip(times, numbers, strict=True))
    assert late[0] < 0.03


def test_a_target_that_hangs_delays_no_shot() -> None:
    results, settled = _sampled("/hang", 0.1, 2.0, timeout="500ms")
    assert len(results) >= 3
    assert {result.why for result in results} == {"no answer within 500ms"}
    times = [result.t for result in results]
    assert times == sorted(times)
    gaps = sorted(b - a for a, b in itertools.pairwise(times))
    assert gaps[len(gaps) // 2] < 0.5, "each shot waited for the one before"
    assert all(at <= result.t for result, at in zip(results, settled, strict=True))


def test_without_a_timeout_of_its_own_a_shot_gets_one_second() -> None:
    results, _ = _sampled("/hang", 0.25, 3.0)
    assert results
    assert {result.why for result in results} == {"no answer within 1s"}


def test_shots_beyond_the_cap_are_bad_and_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.actuators.probe_calls.MOST_IN_FLIGHT", 3)
    results, _ = _sampled("/hang", 0.05, 2.0, timeout=30)
    assert results
    assert {(result.ok, result.why) for result in results} == {(False, "not sent: 3 in flight")}


def test_everything_before_settled_until_has_been_reported() -> None:
    async def run() -> None:
        sent: set[float] = set()
        async with _caller() as caller:
            probe = _probe({"type": "process", "path": "sleep", "arguments": ["0.2"]}, 0)
            sampler = Sampler(caller, probe, 0.1, lambda result: sent.add(result.t))
            sampler.start()
            settled = [sampler.settled_until]
            while len(sent) < 5:
                before = set(sent)
                settled.append(sampler.settled_until)
                await asyncio.sleep(0.01)
                assert all(t >= settled[-1] for t in sent - before)
            await sampler.stop()
        assert settled[-1] > settled[0]

    asyncio.run(run())


def test_a_sampler_that_died_has_settled_nothing_since() -> None:
    async def run() -> tuple[float, float]:
        async with _caller() as caller:
            clock = caller.clock
            sampler = Sampler(caller, _probe({"type": "process", "path": "true"}, 0), 0.05, lambda _result: None)
            sampler.start()
            await asyncio.sleep(0.3)
            ticker = sampler._ticker
            assert ticker is not None
            ticker.cancel()
            died = clock.now()
            await asyncio.sleep(0.5)
            settled = sampler.settled_until
            await sampler.stop()
        return died, settled

    died, settled = asyncio.run(run())
    assert settled <= died


def test_a_shot_whose_call_breaks_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_args: Any, **_more: Any) -> None:
        raise ZeroDivisionError("of all things")

    async def run() -> list[ProbeResult]:
        results: list[ProbeResult] = []
        async with _caller() as caller:
            monkeypatch.setattr(caller, "call", broken)
            sampler = Sampler(caller, _probe({"type": "process", "path": "true"}, 0), 0.05, results.append)
            sampler.start()
            while not results:
                await asyncio.sleep(0.01)
            await sampler.stop()
        return results

    first = asyncio.run(run())[0]
    assert (first.ok, first.answered, first.why) == (False, False, "it broke: ZeroDivisionError: of all things")


def test_missed_ticks_are_left_out_not_made_up_for() -> None:
    async def run() -> list[int]:
        seen: list[int] = []
        async for tick in ticks(SystemClock(), 0.05):
            seen.append(tick)
            if len(seen) == 3:
                time.sleep(0.4)
            if len(seen) == 8:
                break
        return seen

    seen = asyncio.run(run())
    assert seen == sorted(set(seen))
    assert seen[3] - seen[2] >= 8


def test_a_resolver_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the shared threads of the loop nor a second name wait for it."""
    real = socket.getaddrinfo

    def slow(host: str, *rest: Any, **more: Any) -> Any:
        if host == "slow.invalid":
            time.sleep(15)
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow)

    async def run() -> tuple[list[ProbeResult], ProbeResult]:
        async with Target().running() as target, _caller() as caller:
            hung = [caller.call(_http("http://slow.invalid/", timeout="300ms")) for _ in range(50)]
            well = caller.call(_http(target.url.replace("127.0.0.1", "localhost") + "/ok", timeout=20))
            *first, last = await asyncio.gather(*hung, well)
            await asyncio.to_thread(int)
            return first, last

    began = time.monotonic()
    hung, well = asyncio.run(run())
    assert time.monotonic() - began < 14
    assert {result.why for result in hung} == {"no answer within 300ms"}
    assert well.ok, well.why
