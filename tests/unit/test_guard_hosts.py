"""Which machines an action would reach: said plainly, hidden in another address, or among the words of a command."""

from __future__ import annotations

import time
from typing import Any

import pytest
from guard_samples import LOCAL, STAGING, activity, command, plan_of, said

from runner.engine.plan import Target
from runner.guard.hosts import allowed_hosts, host_refused
from runner.guard.mentions import hosts_in
from runner.guard.policies import judge_plan


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("curl http://a.example.com/x", ["a.example.com"]),
        ("curl HTTP://A.Example.com:80", ["a.example.com"]),
        ("https://user:secret@a.example.com/", ["a.example.com"]),
        ("postgresql://db-1:5432/shop", ["db-1"]),
        ("http://[2001:db8::1]:80/", ["2001:db8::1"]),
        ("http://a/?next=http://b/", ["a", "b"]),
        ("/?next=http%3A%2F%2Fb.example.com%2F", ["b.example.com"]),
        ("/?next=http%253A%252F%252Fb.example.com", ["b.example.com"]),
        ("sh -c 'wget -q https://b.test; true'", ["b.test"]),
        ("db.prod.example.com:5432", ["db.prod.example.com"]),
        ("localhost:8080", ["localhost"]),
        ("nc 10.1.2.3 80", ["10.1.2.3"]),
        ("ping 2001:db8::1", ["2001:db8::1"]),
        ("ssh root@web-1.example.com", ["web-1.example.com"]),
        ("dig shop.prod.internal", ["shop.prod.internal"]),
        ("--url=shop.example.com", ["shop.example.com"]),
        ("touch /tmp/marker.txt", []),
        ("rm -f /srv/shop.example.com/x", []),
        ("python run.py --config app.config.yaml", []),
        ("python -c 'import os.path, re; re.sub(1); x.in'", []),
        ("sleep 1.5", []),
        ("12:30:45", []),
        ("docker run redis:7", []),
        ("systemctl stop postgresql@15-main", []),
        ("version 1.2.3", []),
        ("", []),
    ],
)
def test_what_looks_like_a_machine_is_one(text: str, hosts: list[str]) -> None:
    assert hosts_in(text) == hosts


@pytest.mark.parametrize(
    ("provider", "host"),
    [
        (command("curl", "https://prod.example.com/kill"), "prod.example.com"),
        (command("sh", "-c", "curl -s https://prod.example.com/kill || true"), "prod.example.com"),
        ({"type": "process", "path": "curl", "arguments": "-X POST https://prod.example.com/"}, "prod.example.com"),
        ({"type": "process", "path": "curl", "arguments": {"--url": "https://prod.example.com/"}}, "prod.example.com"),
        (command("psql", "--host", "prod-db"), "prod-db"),
        (command("psql", "--host=prod-db"), "prod-db"),
        (command("ssh", "root@prod"), "prod"),
        ({"type": "http", "url": "http://127.0.0.1/?to=http://prod.example.com"}, "prod.example.com"),
        ({"type": "http", "url": "http://127.0.0.1?to=http://prod.example.com"}, "prod.example.com"),
        ({"type": "http", "url": "http://127.0.0.1/", "headers": {"Host": "prod"}}, "prod"),
        (
            {"type": "http", "url": "http://127.0.0.1/", "arguments": {"upstream": "db.prod.example.com:5432"}},
            "db.prod.example.com",
        ),
        ({"type": "http", "url": "http://127.0.0.1/", "arguments": {"a": [{"upstream": "db:5432"}]}}, "db"),
        ({"type": "python", "module": "os.path", "func": "exists", "arguments": {"host": "prod"}}, "prod"),
        ({"type": "python", "module": "os.path", "func": "exists", "arguments": {"x": "http://prod/"}}, "prod"),
    ],
)
def test_no_argument_leads_elsewhere(provider: dict[str, Any], host: str) -> None:
    assert f"{host!r} is not among the hosts that target local allows" in said(plan_of(LOCAL, provider))
    # What undoes a fault is held to the same.
    assert "mend it: " in said(plan_of(LOCAL, {"type": "process", "path": "true"}, rollbacks=[provider]))


@pytest.mark.parametrize(
    "provider",
    [
        command("touch", "/tmp/marker"),
        command("curl", "http://127.0.0.1:8080/x?to=http://localhost:1/"),
        {
            "type": "http",
            "url": "http://127.0.0.1:1/x",
            "method": "POST",
            "arguments": {"upstream": "127.0.0.1:2", "name": "x"},
        },
        {
            "type": "http",
            "url": "http://localhost:1/x",
            "headers": {"Host": "localhost:1", "Content-Type": "text/plain"},
        },
    ],
)
def test_what_stays_here_is_allowed(provider: dict[str, Any]) -> None:
    assert said(plan_of(LOCAL, provider)) == ""


@pytest.mark.parametrize(
    "url",
    [
        # Clients read these differently: one of them would call the other host.
        "https://evil.example\\@shop.stage.example.com/",
        "https://shop.stage.example.com\\.evil.example/",
        "https://shop.stage.example.com\t.evil.example/",
        "https://ｓhop.stage.example.com/",
        "https://shop.stage.example.com:port/",
        "https:///x",
        "shop.stage.example.com/x",
    ],
)
def test_an_address_that_clients_may_read_differently_is_refused(url: str) -> None:
    assert "is not an address that can be judged" in host_refused(plan_of(STAGING), url)


def test_a_password_in_an_address_is_not_shown() -> None:
    assert "hunter2" not in host_refused(plan_of(STAGING), "https://ana:hunter2@shop example/")


@pytest.mark.parametrize(
    ("pattern", "host", "allowed"),
    [
        ("*.stage.example.com", "a.stage.example.com", True),
        ("*.stage.example.com", "stage.example.com", False),
        ("*.stage.example.com", "a.stage.example.com.evil.example", False),
        ("a?.example.com", "ab.example.com", False),
        ("[ab].example.com", "a.example.com", False),
        ("A.example.com", "a.example.com.", True),
    ],
)
def test_a_star_stands_for_any_part_and_nothing_else_does(pattern: str, host: str, allowed: bool) -> None:
    target = Target(name="t", kind="http", environment="staging", allow={"hosts": [pattern]})
    assert (host_refused(plan_of(target), f"https://{host}/") == "") is allowed


def test_what_the_configuration_says_is_put_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_TEST_BASE", "https://prod.example.com")
    for entry in ("https://prod.example.com", {"type": "env", "key": "GUARD_TEST_BASE"}):
        document = {"configuration": {"base": entry}}
        plan = plan_of(STAGING, {"type": "http", "url": "${base}/kill"}, document=document)
        assert "'prod.example.com' is not among" in said(plan)


def test_what_only_the_gate_will_know_waits_for_it() -> None:
    unknown = {"configuration": {"base": {"type": "env", "key": "TARGET_PROXY", "default": "https://prod.example.com"}}}
    sandbox = Target(name="sandbox", kind="sandbox", environment="sandbox")
    assert said(plan_of(sandbox, {"type": "http", "url": "${base}/kill"}, document=unknown)) == ""
    # Of a standing target its address is known: the default is not taken.
    assert said(plan_of(STAGING, {"type": "http", "url": "${base}/kill"}, document=unknown)) == ""


def test_a_secret_is_not_put_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_TEST_SECRET", "hunter2.example.com")
    document = {"configuration": {"base": {"type": "env", "key": "GUARD_TEST_SECRET"}}}
    provider = {"type": "http", "url": "https://${base}/kill"}
    plan = plan_of(STAGING, provider, document=document, secret_sources={"GUARD_TEST_SECRET": {}})
    assert said(plan) == ""
    assert "hunter2" in said(plan_of(STAGING, provider, document=document))


def test_probes_only_read_unless_their_method_says_otherwise() -> None:
    away = {"type": "http", "url": "https://status.example.com/"}
    assert said(plan_of(STAGING, activity(away, "ask", "probe"))) == ""
    assert "'status.example.com'" in said(plan_of(STAGING, activity({**away, "method": "DELETE"}, "ask", "probe")))
    hypothesis = {"title": "h", "probes": [activity({**away, "method": "POST"}, "sneak", "probe")]}
    assert "sneak: 'status.example.com'" in said(plan_of(STAGING, document={"steady-state-hypothesis": hypothesis}))


def test_a_refusal_leads_to_the_very_argument() -> None:
    provider = {"type": "http", "url": "http://127.0.0.1/", "arguments": {"a": [{"upstream": "db.example.com:1"}]}}
    (refusal,) = judge_plan(plan_of(LOCAL, provider), attended=True)
    assert refusal.at == ("method", 0, "provider", "arguments", "a", 0, "upstream")


def test_a_targets_own_addresses_are_its_hosts() -> None:
    assert allowed_hosts(plan_of(STAGING)) == ("proxy.stage.example.com", "shop.stage.example.com")


@pytest.mark.parametrize(
    "piece",
    ["a", "a.", "-", "://", "http://", "a+.-", "1.", "1:2 ", "%25", "a@", "--host ", "ssh a@b ", "a=(", "a.com:", "é"],
)
def test_a_long_argument_costs_no_more_than_its_length(piece: str) -> None:
    text = "x" + piece * (50_000 // len(piece)) + "!"
    began = time.process_time()
    for provider in (command("sh", text), {"type": "python", "module": "os", "func": "x", "arguments": {"host": text}}):
        judge_plan(plan_of(LOCAL, provider), attended=True)
    # A fraction of a second; with the square of the length it would be many.
    assert time.process_time() - began < 5
