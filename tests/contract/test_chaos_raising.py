"""What a provider raises past the toolkit's own handling: told with its reason, and no failure of the tool."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from chaos_driver import experiment, http, play, probe, process, workshop

from runner.actuators.chaos import ActivityEndedReport, ExperimentEndedReport, HypothesisCheckedReport


class _Confused(BaseHTTPRequestHandler):
    """Says that it answers with JSON, and does not; or sends everybody round in a circle."""

    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/circle" else 200)
        self.send_header("Location", "/circle")
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def confused() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Confused)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "says"), [("/json", "JSONDecodeError: Expecting value"), ("/circle", "TooManyRedirects: Exceeded 30")]
)
def test_a_probe_has_failed_and_an_action_ends_the_method_with_its_reason(
    path: str, says: str, confused: str, tmp_path: Path
) -> None:
    look = probe(http("looks", f"{confused}{path}"), 200)
    acts = http("acts", f"{confused}{path}", provider={"method": "GET"})
    method = [probe(http("asks", f"{confused}{path}")), process("goes on", "true"), acts, process("never", "true")]
    env = workshop(tmp_path, "ours")
    story = asyncio.run(play(experiment(method), tmp_path, env=env))

    ended = {each.name: each for each in story.all(ActivityEndedReport)}
    assert {name: each.status for name, each in ended.items()} == {
        "asks": "failed",
        "goes on": "succeeded",
        "acts": "aborted",
    }
    assert says in (ended["asks"].exception or "")
    assert says in (ended["acts"].exception or "")
    assert [each.status for each in story.all(ExperimentEndedReport)] == ["aborted"]

    asked = asyncio.run(play(experiment([], probes=[look]), tmp_path, env=env))

    assert [(each.met, says in (each.probes[0].error or "")) for each in asked.all(HypothesisCheckedReport)] == [
        (False, True)
    ]
    assert [each.status for each in asked.all(ExperimentEndedReport)] == ["failed"]
