"""The running sandbox, seen from outside: its addresses, its faults, its alerts, its logs."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from runner import sandbox
from runner.actuators.processes import session_members
from runner.sandbox import SandboxInfo

_PATIENCE = 30.0


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxInfo]:
    lifeline, owner = os.pipe()
    info = sandbox.start(tmp_path_factory.mktemp("sandbox"), lifeline=lifeline, timeout=_PATIENCE)
    os.close(lifeline)
    yield info
    os.close(owner)
    sandbox.stop(info)


@pytest.fixture
def shop(stack: SandboxInfo) -> Iterator[SandboxInfo]:
    """The stack, put right again after each test."""
    yield stack
    call("POST", f"{stack.admin}/processes/proxy/start")
    call("POST", f"{stack.proxy}/reset")
    call("POST", f"{stack.admin}/flags/reset")
    for process in call("GET", f"{stack.admin}/processes")[1]:
        if process["name"] != "admin":
            call("POST", f"{stack.admin}/processes/{process['name']}/start")
            call("POST", f"{stack.admin}/processes/{process['name']}/thaw")
            call("PUT", f"{stack.admin}/processes/{process['name']}/policy", b"never")
    call("PUT", f"{stack.admin}/cache/mode", b"on")
    eventually(lambda: checkout(stack)[0] == 200)


def call(method: str, url: str, body: bytes | object = None, **headers: str) -> tuple[int, Any]:
    """Status and body; JSON where it is JSON."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = Request(url, data=data, method=method, headers=headers)
    try:
        with urlopen(request, timeout=_PATIENCE) as response:
            status, text = response.status, response.read().decode()
    except HTTPError as error:
        status, text = error.code, error.read().decode()
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text


def eventually(holds: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + _PATIENCE
    while not (value := holds()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)
    return value


def checkout(shop: SandboxInfo, **headers: str) -> tuple[int, Any]:
    return call("POST", f"{shop.url}/checkout", {"amount": 1200}, **headers)


def alerts(shop: SandboxInfo) -> dict[str, str]:
    found = call("GET", f"{shop.monitor}/api/v1/alerts")[1]["data"]["alerts"]
    return {alert["labels"]["alertname"]: alert["state"] for alert in found}


def log_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def shoppers(shop: SandboxInfo) -> Iterator[None]:
    """A little traffic, so that there is something to measure."""
    over = threading.Event()

    def buy() -> None:
        while not over.wait(0.1):
            checkout(shop)
            call("GET", f"{shop.url}/catalogue")

    with ThreadPoolExecutor(3) as pool:
        for _ in range(3):
            pool.submit(buy)
        yield
        over.set()


# The healthy shop


def test_the_shop_says_who_it_is_and_sells(shop: SandboxInfo) -> None:
    assert call("GET", f"{shop.url}/about") == (200, {"environment": "sandbox", "service": "storefront"})
    assert call("GET", f"{shop.url}/health")[0] == 200
    assert call("GET", f"{shop.url}/catalogue/count") == (200, {"count": 500})
    status, listing = call("GET", f"{shop.url}/catalogue")
    assert (status, listing["count"], len(listing["items"])) == (200, 500, 20)
    assert call("GET", f"{shop.url}/catalogue/500")[1]["id"] == 500
    assert checkout(shop)[0] == 200
    for wrong in ("501", "0", "x", "%D9%A3", "9" * 30):
        assert call("GET", f"{shop.url}/catalogue/{wrong}")[0] == 404
    assert call("POST", f"{shop.url}/checkout", b"{")[0] == 400
    assert call("POST", f"{shop.url}/checkout", b"[]")[0] == 400


def test_nothing_listens_beyond_the_loopback(shop: SandboxInfo) -> None:
    listening = [
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[9] in _socket_inodes(session_members(shop.pid))
    ]
    assert len(listening) == 13
    assert {address.rpartition(":")[0] for address in listening} == {"0100007F"}


def _socket_inodes(pids: list[int]) -> set[str]:
    links = (str(entry.readlink()) for pid in pids for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink())
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def test_a_correlation_id_is_taken_over_and_passed_on_through_every_service(shop: SandboxInfo) -> None:
    checkout(shop, **{"X-Correlation-Id": "order-4711"})
    for service in ("storefront", "checkout", "gateway"):
        assert "order-4711" in {entry["id"] for entry in log_lines(shop.folder / f"{service}.log")}


def test_the_request_log_has_a_line_for_each_request(shop: SandboxInfo) -> None:
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    call("GET", f"{shop.url}/catalogue/7", **{"X-Correlation-Id": "look-7"})
    after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    [entry] = [line for line in log_lines(shop.folder / "requests.jsonl") if line["id"] == "look-7"]
    assert before <= entry["boottime_ns"] <= entry["end_boottime_ns"] <= after
    assert entry["seconds"] == pytest.approx((entry["end_boottime_ns"] - entry["boottime_ns"]) / 1e9, abs=1e-5)
    assert (entry["method"], entry["path"], entry["route"], entry["status"]) == (
        "GET",
        "/catalogue/7",
        "GET /catalogue/{number}",
        200,
    )
    assert entry["at"].endswith("Z")


def test_a_client_that_gives_up_is_logged_as_499(shop: SandboxInfo) -> None:
    call("POST", f"{shop.proxy}/proxies/gateway/toxics", {"type": "latency", "attributes": {"latency": 600}})
    host, port = shop.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"POST /checkout HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nX-Correlation-Id: left\r\n\r\n{}")
        time.sleep(0.1)
    [entry] = eventually(lambda: [e for e in log_lines(shop.folder / "requests.jsonl") if e["id"] == "left"])
    assert entry["status"] == 499


# Flags


def test_a_flag_is_set_as_curl_does_and_put_back(shop: SandboxInfo) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    url = f"{shop.admin}/flags/gateway"
    for body in (b"backup", b'"backup"', b'{"value": "backup"}', b"value=backup"):
        assert call("DELETE", url)[1]["value"] == "primary"
        status, flag = call("PUT", url, body, **form)
        assert (status, flag["value"], flag["default"]) == (200, "backup", "primary")
    assert call("GET", url)[1]["value"] == "backup"
    assert call("GET", f"{shop.admin}/flags")[1]["gateway"] == "backup"
    history = call("GET", f"{shop.admin}/flags/history")[1]
    assert (history[-1]["name"], history[-1]["was"], history[-1]["now"]) == ("gateway", "primary", "backup")
    eventually(lambda: "backup" in _charged_by(shop))


def _charged_by(shop: SandboxInfo) -> set[str]:
    def charges(gateway: str) -> float:
        query = quote(f'http_requests_total{{job="{gateway}",route="POST /charge"}}')
        result = call("GET", f"{shop.monitor}/api/v1/query?query={query}")[1]["data"]["result"]
        return sum(float(series["value"][1]) for series in result)

    checkout(shop)
    return {gateway for gateway in ("gateway", "backup") if charges(gateway)}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("PUT", "/flags/gatway", b"backup", 404, "did you mean gateway?"),
        ("DELETE", "/flags/gatway", None, 404, "did you mean gateway?"),
        ("GET", "/flags/gatway", None, 404, "did you mean gateway?"),
        ("PUT", "/flags/gateway", b"tertiary", 400, "none of primary, backup"),
        ("PUT", "/flags/gateway", b"", 400, "none of primary, backup"),
        ("PUT", "/flags/gateway", b"[1]", 400, "a value is plain text"),
        ("PUT", "/flags/gateway-timeout", b"soon", 400, "no duration"),
        ("POST", "/processes/nobody/kill", None, 404, "no process is called 'nobody'"),
        ("POST", "/processes/cache/maim", None, 404, "'maim' is none of kill"),
        ("POST", "/processes/admin/kill", None, 409, "what you are talking to"),
        ("PUT", "/processes/cache/policy", b"sometimes", 400, "no restart policy"),
        ("PUT", "/cache/mode", b"maybe", 400, '"on" or "off"'),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason(
    shop: SandboxInfo, method: str, path: str, body: bytes | None, status: int, says: str
) -> None:
    answer = call(method, shop.admin + path, body)
    assert answer[0] == status
    assert says in answer[1]["error"]


# The fault proxy's API


def test_the_proxy_speaks_toxiproxys_api(shop: SandboxInfo) -> None:
    url = f"{shop.proxy}/proxies"
    assert call("GET", f"{shop.proxy}/version")[1]["version"].startswith("2.")
    assert set(call("GET", url)[1]) == {"gateway", "backup", "cache", "backend"}
    body = {"name": "extra", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"}
    status, proxy = call("POST", url, body)
    assert (status, proxy["enabled"], proxy["toxics"]) == (201, True, [])
    assert not proxy["listen"].endswith(":0")
    assert call("POST", url, body) == (409, {"error": "proxy already exists", "status": 409})
    assert call("POST", url, {"name": "x"})[1]["error"] == "missing required field: upstream"
    assert call("GET", f"{url}/none") == (404, {"error": "proxy not found", "status": 404})
    assert call("PATCH", f"{url}/extra", {"enabled": False})[1]["enabled"] is False
    assert call("POST", f"{url}/extra", {"enabled": True})[1]["enabled"] is True
    assert call("DELETE", f"{url}/extra") == (204, "")
    assert call("DELETE", f"{url}/extra")[0] == 404
    status, populated = call("POST", f"{shop.proxy}/populate", [body])
    assert (status, populated["proxies"][0]["name"]) == (201, "extra")
    assert call("DELETE", f"{url}/extra")[0] == 204
    for bad in (b"{", b"[]", b'{"enabled": "no"}'):
        assert call("PATCH", f"{url}/gateway", bad)[0] == 400


def test_toxics_come_and_go_by_name(shop: SandboxInfo) -> None:
    url = f"{shop.proxy}/proxies/gateway/toxics"
    asked = {"type": "latency", "name": "slow", "stream": "upstream", "attributes": {"latency": 5}}
    status, toxic = call("POST", url, asked)
    assert (status, toxic) == (200, asked | {"attributes": {"latency": 5, "jitter": 0}, "toxicity": 1.0})
    assert call("POST", url, asked) == (409, {"error": "toxic already exists", "status": 409})
    assert call("GET", f"{shop.proxy}/proxies/gateway")[1]["toxics"] == [toxic]
    assert call("GET", url)[1] == [toxic]
    assert call("PATCH", f"{url}/slow", {"attributes": {"latency": 9}})[1]["attributes"]["latency"] == 9
    assert call("GET", f"{url}/slow")[1]["attributes"]["latency"] == 9
    assert call("DELETE", f"{url}/slow") == (204, "")
    assert call("DELETE", f"{url}/slow") == (404, {"error": "toxic not found", "status": 404})
    assert call("POST", url, {"type": "lag"})[0] == 400
    call("POST", url, asked)
    assert call("POST", f"{shop.proxy}/reset") == (204, "")
    assert call("GET", url)[1] == []


# Faults that hurt, and what helps


@pytest.mark.usefixtures("shoppers")
def test_a_gateway_outage_fails_checkouts_pages_and_is_mitigated_by_the_backup(shop: SandboxInfo) -> None:
    toxics = f"{shop.proxy}/proxies/gateway/toxics"
    call("POST", toxics, {"type": "reset_peer", "name": "down", "attributes": {"timeout": 0}})
    assert eventually(lambda: (answer := checkout(shop))[0] != 200 and answer)[0] in (502, 503)
    eventually(lambda: alerts(shop).get("CheckoutErrorsHigh") == "firing")
    call("PUT", f"{shop.admin}/flags/gateway", b"backup")
    eventually(lambda: checkout(shop)[0] == 200)
    eventually(lambda: "CheckoutErrorsHigh" not in alerts(shop))
    assert call("GET", toxics)[1], "the fault is still in"


@pytest.mark.usefixtures("shoppers")
def test_a_failing_gateway_opens_the_breaker_unless_it_is_off(shop: SandboxInfo) -> None:
    call("POST", f"{shop.proxy}/proxies/gateway/toxics", {"type": "reset_peer"})
    eventually(lambda: "breaker" in checkout(shop)[1].get("error", ""))
    call("PUT", f"{shop.admin}/flags/breaker", b"off")
    eventually(lambda: checkout(shop)[0] == 502)
    assert all(checkout(shop)[0] == 502 for _ in range(10))


def test_a_slow_gateway_starves_the_catalogue_and_a_short_timeout_frees_it(shop: SandboxInfo) -> None:
    for flag, value in (
        ("workers", b"2"),
        ("breaker", b"off"),
        ("gateway-timeout", b"20s"),
        ("checkout-timeout", b"20s"),
    ):
        call("PUT", f"{shop.admin}/flags/{flag}", value)
    call("POST", f"{shop.proxy}/proxies/gateway/toxics", {"type": "latency", "attributes": {"latency": 1500}})
    time.sleep(0.5)
    with ThreadPoolExecutor(8) as pool:
        stuck = [pool.submit(checkout, shop) for _ in range(8)]
        time.sleep(0.3)
        began = time.monotonic()
        assert call("GET", f"{shop.url}/catalogue")[0] == 200
        assert time.monotonic() - began >= 1.0, "the catalogue had to wait for a worker that waited for the gateway"
        assert all(future.result()[0] == 200 for future in stuck)
    call("PUT", f"{shop.admin}/flags/gateway-timeout", b"100ms")
    status, answer = eventually(lambda: (found := checkout(shop))[0] == 504 and found)
    assert (status, "no answer within 0.1 s" in answer["error"]) == (504, True)


def test_a_full_queue_turns_shoppers_away(shop: SandboxInfo) -> None:
    for flag, value in (("workers", b"1"), ("queue-limit", b"0"), ("gateway-timeout", b"20s")):
        call("PUT", f"{shop.admin}/flags/{flag}", value)
    call("POST", f"{shop.proxy}/proxies/gateway/toxics", {"type": "latency", "attributes": {"latency": 800}})
    time.sleep(0.5)
    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(future.result()[0] for future in [pool.submit(checkout, shop) for _ in range(4)])
    assert statuses == [200, 503, 503, 503]


@pytest.mark.usefixtures("shoppers")
def test_a_lost_cache_reaches_the_backend_and_stale_copies_spare_it(shop: SandboxInfo) -> None:
    def loads() -> float:
        result = call("GET", f"{shop.monitor}/api/v1/query?query=sum(storefront_backend_loads_total)")
        return float(result[1]["data"]["result"][0]["value"][1])

    eventually(
        lambda: call("GET", f"{shop.monitor}/api/v1/query?query=storefront_backend_loads_total")[1]["data"]["result"]
    )
    before = loads()
    assert call("POST", f"{shop.admin}/cache/flush")[1]["dropped"] > 0
    assert call("PUT", f"{shop.admin}/cache/mode", b"off") == (200, {"mode": "off"})
    eventually(lambda: loads() > before + 5)
    eventually(lambda: alerts(shop).get("CacheHitRatioLow") == "firing")
    assert call("GET", f"{shop.url}/catalogue")[0] == 200
    call("PUT", f"{shop.admin}/flags/catalogue-mode", b"stale")
    time.sleep(1.5)
    spared = loads()
    time.sleep(1.5)
    assert loads() == spared
    call("PUT", f"{shop.admin}/cache/mode", b"on")
    assert call("POST", f"{shop.admin}/cache/warm")[1]["entries"] >= 500
    eventually(lambda: "CacheHitRatioLow" not in alerts(shop))


def test_a_backend_asked_once_answers_all_who_wait(shop: SandboxInfo) -> None:
    call("PUT", f"{shop.admin}/cache/mode", b"off")
    call("PUT", f"{shop.admin}/flags/catalogue-mode", b"coalesce")
    call("POST", f"{shop.proxy}/proxies/backend/toxics", {"type": "latency", "attributes": {"latency": 400}})
    time.sleep(0.5)

    def queries() -> int:
        return sum(line.get("route") == "GET /list" for line in log_lines(shop.folder / "backend.log"))

    before = queries()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: call("GET", f"{shop.url}/catalogue"), range(8)))
    assert [status for status, _ in answers] == [200] * 8
    assert queries() - before < 8


def test_a_disabled_proxy_refuses_and_the_shop_still_sells_without_its_cache(shop: SandboxInfo) -> None:
    assert call("POST", f"{shop.proxy}/proxies/cache", {"enabled": False})[1]["enabled"] is False
    assert call("GET", f"{shop.url}/catalogue/3")[0] == 200
    call("POST", f"{shop.proxy}/proxies/backend", {"enabled": False})
    assert call("GET", f"{shop.url}/catalogue/4")[0] == 502
    call("POST", f"{shop.proxy}/reset")
    assert call("GET", f"{shop.url}/catalogue/4")[0] == 200


# Processes


def _process(shop: SandboxInfo, name: str) -> dict[str, Any]:
    process: dict[str, Any] = call("GET", f"{shop.admin}/processes/{name}")[1]
    return process


@pytest.mark.usefixtures("shoppers")
def test_a_killed_service_refuses_stays_dead_and_comes_back_on_its_port(shop: SandboxInfo) -> None:
    before = _process(shop, "checkout")
    status, dead = call("POST", f"{shop.admin}/processes/checkout/kill")
    assert (status, dead["state"]) == (200, "dead")
    assert not Path(f"/proc/{before['pid']}").exists()
    status, answer = checkout(shop)
    assert (status, "checkout is not there" in answer["error"]) == (502, True)
    eventually(lambda: alerts(shop).get("CheckoutDown") == "firing")
    assert _process(shop, "checkout")["state"] == "dead"
    assert call("POST", f"{shop.admin}/processes/checkout/kill")[0] == 409
    assert call("POST", f"{shop.admin}/processes/checkout/freeze")[0] == 409
    status, after = call("POST", f"{shop.admin}/processes/checkout/restart")
    assert (status, after["state"]) == (200, "running")
    assert after["pid"] != before["pid"]
    assert checkout(shop)[0] == 200
    eventually(lambda: "CheckoutDown" not in alerts(shop))


def test_start_leaves_alone_what_runs_and_restart_does_not(shop: SandboxInfo) -> None:
    pid = _process(shop, "backup")["pid"]
    assert call("POST", f"{shop.admin}/processes/backup/start")[1]["pid"] == pid
    assert call("POST", f"{shop.admin}/processes/backup/restart")[1]["pid"] != pid


def test_a_frozen_service_hangs_until_it_is_thawed(shop: SandboxInfo) -> None:
    call("PUT", f"{shop.admin}/flags/checkout-timeout", b"300ms")
    time.sleep(0.5)
    assert call("POST", f"{shop.admin}/processes/checkout/freeze")[1]["name"] == "checkout"
    eventually(lambda: _process(shop, "checkout")["state"] == "stopped")
    status, answer = checkout(shop)
    assert (status, "no answer" in answer["error"]) == (504, True)
    eventually(lambda: alerts(shop).get("CheckoutDown") == "firing")
    call("POST", f"{shop.admin}/processes/checkout/thaw")
    eventually(lambda: checkout(shop)[0] == 200)


def test_a_policy_brings_the_dead_back(shop: SandboxInfo) -> None:
    assert call("PUT", f"{shop.admin}/processes/backup/policy", b"always")[1]["policy"] == "always"
    pid = _process(shop, "backup")["pid"]
    call("POST", f"{shop.admin}/processes/backup/kill")
    again = eventually(lambda: (now := _process(shop, "backup"))["state"] == "running" and now)
    assert again["pid"] != pid
    os.kill(again["pid"], signal.SIGKILL)
    eventually(lambda: (now := _process(shop, "backup"))["pid"] != again["pid"] and now["state"] == "running")


def test_a_restarted_proxy_has_no_toxics_and_the_same_ports(shop: SandboxInfo) -> None:
    before = call("GET", f"{shop.proxy}/proxies")[1]
    call("POST", f"{shop.proxy}/proxies/gateway/toxics", {"type": "timeout"})
    assert call("POST", f"{shop.admin}/processes/proxy/restart")[0] == 200
    assert call("GET", f"{shop.proxy}/proxies")[1] == before
    eventually(lambda: checkout(shop)[0] == 200)


# The monitor


def test_the_monitor_answers_in_prometheus_shape(shop: SandboxInfo) -> None:
    rules = call("GET", f"{shop.monitor}/api/v1/rules")[1]
    assert rules["status"] == "success"
    [group] = rules["data"]["groups"]
    assert {"CheckoutErrorsHigh", "CheckoutSlow", "StorefrontDown", "CacheHitRatioLow", "QueueBuildingUp"} <= {
        rule["name"] for rule in group["rules"]
    }
    assert {rule["type"] for rule in group["rules"]} == {"alerting"}
    eventually(lambda: len(call("GET", f"{shop.monitor}/api/v1/query?query=up")[1]["data"]["result"]) == 9)
    answer = call("GET", f"{shop.monitor}/api/v1/query?query={quote('sum(up)')}")[1]
    assert (answer["data"]["resultType"], answer["data"]["result"][0]["metric"]) == ("vector", {})
    status, error = call("GET", f"{shop.monitor}/api/v1/query?query={quote('rate(up[5m])')}")
    assert (status, error["status"], error["errorType"]) == (400, "error", "bad_data")


def test_every_service_shows_its_metrics(shop: SandboxInfo) -> None:
    for address in (shop.url, shop.admin, shop.proxy, shop.monitor):
        assert "# TYPE http_requests_total counter" in call("GET", f"{address}/metrics")[1]
