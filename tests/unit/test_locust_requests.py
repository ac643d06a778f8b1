"""Which requests a locustfile sends, said only where its text shows all of them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from runner.specs.catalogue import Catalogue
from runner.specs.locust_requests import requests_sent

_HEAD = "import random\nfrom locust import HttpUser, task, between\nclass U(HttpUser):\n    @task\n    def t(self):\n"


def _sent(*body: str, head: str = _HEAD) -> frozenset[str] | None:
    return requests_sent([ast.parse(head + "".join(f"        {line}\n" for line in body))])


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (['self.client.get("/ok")', 'self.client.post("/buy", json={})'], {"GET /ok", "POST /buy"}),
        (['self.client.get(f"/item/{1}", name="/item")'], {"GET /item"}),
        (['self.client.request("put", "/x")', 'self.client.get(url="/y")'], {"PUT /x", "GET /y"}),
        (['with self.rest("GET", "/r") as r: pass', "self.user.client.head('/h')"], {"GET /r", "HEAD /h"}),
    ],
)
def test_what_is_written_out_is_known(body: list[str], sent: set[str]) -> None:
    assert _sent(*body) == sent


@pytest.mark.parametrize(
    "body",
    [
        ['self.client.get(f"/item/{1}")'],
        ['self.client.get("/a" + str(1))', 'self.client.get("/ok")'],
        ["c = self.client", 'c.get("/ok")'],
        ["helper(self.client)", 'self.client.get("/ok")'],
        ['self.client.get("/ok", **self.more)'],
        ['self.client.request_name = "x"', 'self.client.get("/ok")'],
        ['self.environment.events.request.fire(name="x")', 'self.client.get("/ok")'],
        ["pass"],
    ],
)
def test_where_the_text_does_not_show_all_nothing_is_said(body: list[str]) -> None:
    assert _sent(*body) is None


@pytest.mark.parametrize("line", ["from shop import Base\n", "import grpc\n", "from . import x\n"])
def test_what_others_send_is_not_known(line: str) -> None:
    assert _sent('self.client.get("/ok")', head=line + _HEAD) is None


def test_an_indicator_of_what_is_never_sent_is_named(tmp_path: Path) -> None:
    for name, text in {
        "drills/d/locustfile.py": _HEAD + '        self.client.get("/index.html")\n',
        "drills/d/drill.yaml": "name: d\ntarget: sandbox\nrunbook: r\nload: {}\nsteady-state:\n  indicators:\n"
        '  - {name: i, load: {metric: rate, request: "GET /idx.html"}, at-least: 1}\n'
        '  - {name: j, load: {metric: rate, request: "GET /index.html"}, at-least: 1}\n',
        "runbooks/r.yaml": "name: r\nsteps: [Look]\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert [str(problem) for problem in Catalogue(tmp_path).check()] == [
        "drills/d/drill.yaml:7:45: the load never sends 'GET /idx.html'; did you mean 'GET /index.html'?"
    ]
