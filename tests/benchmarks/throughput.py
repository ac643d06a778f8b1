"""Requests per second through a drill beside bare Locust: the same locustfile, users, time and target.

The users wait for nothing, so whatever a drill takes from the machine is missing from the rate. The target answers from
one small process of its own; both sides count the requests that it served in the same seconds of their ramped load.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from figures import BIN, Place, Row, in_turn, place

from drills import lay_out_drill

LEAST = 0.97

_USERS = 20
_WARM_UP = 4

_LOCUSTFILE = """\
from locust import FastHttpUser, constant, task


class Hurried(FastHttpUser):
    wait_time = constant(0)

    @task
    def get(self) -> None:
        self.client.get("/")
"""

#: Any path is answered with what was served so far.
_SERVER = """\
import asyncio, sys

served = 0

class Server(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        global served
        served += 1
        body = b"%d" % served
        self.transport.write(b"HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(body), body))

async def main():
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


def rows(*, quick: bool) -> list[Row]:
    """Several pairs in turn; the median of each side."""
    seconds, times = (6, 2) if quick else (12, 5)
    with place() as here, server() as url:
        locustfile = lay_out(here, url, seconds)
        locust: list[str | Path] = [
            BIN / "locust",
            "--headless",
            "--locustfile",
            locustfile,
            "--host",
            url,
            "--users",
            str(_USERS),
        ]
        locust += ["--spawn-rate", str(_USERS), "--run-time", f"{_WARM_UP + seconds}s", "--only-summary"]
        gameday: list[str | Path] = [BIN / "gameday", "run", "bench", "--headless"]
        pairs = in_turn(
            lambda: rate(here, gameday, url, seconds),
            lambda: rate(here, locust, url, seconds),
            times,
        )
    return [
        Row(
            what=f"requests/s through a drill, {_USERS} zero-wait users",
            ours=f"{statistics.median(pairs.ours):.0f}/s",
            peer=f"locust {statistics.median(pairs.peer):.0f}/s",
            value=f"{pairs.ratio:.3f}",
            reach=f"≥ {LEAST:g}",
            met=pairs.ratio >= LEAST,
        )
    ]


def lay_out(here: Place, url: str, seconds: int) -> Path:
    load = f"load: {{locustfile: locustfile.py, users: {_USERS}, spawn-rate: {_USERS}, warm-up: {_WARM_UP}s}}\n"
    steady = (
        "steady-state:\n  hold: 2s\n  indicators:\n"
        "    - {name: answers, load: {metric: success-ratio, request: GET /}, at-least: 50%}\n"
        f"    - {{name: stands, probe: {{provider: {{type: http, url: '{url}/', timeout: 1}}, tolerance: 200}}, every: 200ms}}\n"
    )
    lay_out_drill(here, steps=[f"sleep {seconds}"], extra=f"{load}{steady}expect: no-impact\n")
    here.write("drills/targets.yaml", f"targets:\n  near: {{kind: http, environment: sandbox, url: '{url}'}}\n")
    drill = here.folder / "drills/bench/drill.yaml"
    drill.write_text(drill.read_text().replace("target: local", "target: near"))
    return here.write("drills/bench/locustfile.py", _LOCUSTFILE)


def rate(here: Place, command: list[str | Path], url: str, seconds: int) -> float:
    """Requests per second served in `seconds` that begin a second after the first hundred requests."""
    before = _served(url)
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=here.folder,
        env=here.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with process:
        while _served(url) < before + 100:
            if process.poll() is not None:
                words = process.stderr.read().decode(errors="replace") if process.stderr else ""
                raise RuntimeError(f"{command[0]} ended without load:\n{words[-2000:]}")
            time.sleep(0.05)
        time.sleep(1)
        first, began = _served(url), time.perf_counter()
        time.sleep(seconds)
        rate = (_served(url) - first) / (time.perf_counter() - began)
        process.communicate(timeout=60)
    return rate


def _served(url: str) -> int:
    with urlopen(f"{url}/", timeout=5) as answer:
        return int(answer.read())


@contextmanager
def server() -> Iterator[str]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    server = subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, env=environment, text=True)
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.kill()
        server.wait()
