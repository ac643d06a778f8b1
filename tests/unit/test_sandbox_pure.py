"""The pure parts of the sandbox: flags, breaker, toxics as users send them."""

from __future__ import annotations

from typing import Any

import pytest

from runner.sandbox.breaker import FEWEST, WINDOW, Breaker, BreakerState
from runner.sandbox.flags import FLAGS, FlagError, FlagSettings, FlagStore, UnknownFlag, seconds
from runner.sandbox.proxy.proxy_server import check_address
from runner.sandbox.proxy.toxics import TYPES, ProxyError, parse_toxic, update_toxic


@pytest.mark.parametrize(
    ("text", "value"), [("250ms", 0.25), ("5s", 5.0), ("1m30s", 90.0), ("2", 2.0), ("0.5", 0.5), ("1h", 3600.0)]
)
def test_durations_are_read(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "s", "5 s", "-1s", "1d", "soon", "1s5", "nan", "inf"])
def test_other_text_is_no_duration(text: str) -> None:
    with pytest.raises(FlagError):
        seconds(text)


def test_every_default_is_a_value_its_flag_takes_and_the_settings_understand() -> None:
    for flag in FLAGS.values():
        assert flag.check(flag.default) == flag.default
    settings = FlagSettings.of(FlagStore().values())
    assert (settings.gateway, settings.gateway_timeout, settings.breaker_threshold) == ("primary", 1.0, 0.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gateway", "other"),
        ("gateway-timeout", "0"),
        ("gateway-timeout", "2h"),
        ("breaker", "yes"),
        ("breaker-threshold", "0%"),
        ("breaker-threshold", "101%"),
        ("workers", "0"),
        ("workers", "1.5"),
        ("workers", "9999999999"),
        ("catalogue-mode", ""),
    ],
)
def test_a_bad_value_is_refused_by_name_and_changes_nothing(name: str, value: str) -> None:
    store = FlagStore()
    before = store.values()
    with pytest.raises(FlagError, match=name):
        store.set(name, value, at="now")
    assert store.values() == before
    assert store.history == []


def test_an_unknown_flag_names_the_nearest_one() -> None:
    with pytest.raises(UnknownFlag, match="did you mean gateway-timeout"):
        FlagStore().set("gateway-timout", "1s", at="now")


def test_the_history_tells_what_changed_from_what() -> None:
    store = FlagStore()
    assert store.set("gateway", " backup\n", at="t1", correlation="c1") == "backup"
    store.reset("gateway", at="t2")
    assert [(change.at, change.was, change.now) for change in store.history] == [
        ("t1", "primary", "backup"),
        ("t2", "backup", "primary"),
    ]


def _failing(breaker: Breaker, *, at: float, times: int) -> None:
    for _ in range(times):
        breaker.record(at, succeeded=False)


def test_a_breaker_opens_at_its_threshold_and_not_on_a_handful() -> None:
    breaker = Breaker()
    _failing(breaker, at=0.0, times=FEWEST - 1)
    assert breaker.lets_through(0.0)
    _failing(breaker, at=0.0, times=1)
    assert breaker.state is BreakerState.OPEN
    assert not breaker.lets_through(0.1)


def test_a_breaker_below_its_threshold_stays_closed() -> None:
    breaker = Breaker(threshold=0.5)
    for _ in range(6):
        breaker.record(0.0, succeeded=True)
    _failing(breaker, at=0.0, times=5)
    assert breaker.state is BreakerState.CLOSED


def test_a_breaker_forgets_what_is_older_than_its_window() -> None:
    breaker = Breaker()
    _failing(breaker, at=0.0, times=FEWEST - 1)
    _failing(breaker, at=WINDOW + 0.1, times=1)
    assert breaker.state is BreakerState.CLOSED


def test_an_open_breaker_tries_one_call_after_its_cooldown() -> None:
    breaker = Breaker(cooldown=1.0)
    _failing(breaker, at=0.0, times=FEWEST)
    assert not breaker.lets_through(0.9)
    assert breaker.lets_through(1.0)
    assert not breaker.lets_through(1.1), "only one trial at a time"
    breaker.record(1.2, succeeded=False)
    assert not breaker.lets_through(2.1), "the failed trial opened it anew"
    assert breaker.lets_through(2.2)
    breaker.record(2.3, succeeded=True)
    assert breaker.state is BreakerState.CLOSED


def test_a_trial_that_never_ends_does_not_keep_the_breaker_open() -> None:
    breaker = Breaker(cooldown=1.0)
    _failing(breaker, at=0.0, times=FEWEST)
    assert breaker.lets_through(1.0)
    assert breaker.lets_through(2.0)


def test_a_call_that_was_under_way_when_the_breaker_opened_does_not_close_it() -> None:
    breaker = Breaker()
    _failing(breaker, at=0.0, times=FEWEST)
    breaker.record(0.1, succeeded=True)
    assert breaker.state is BreakerState.OPEN


def test_a_toxic_has_toxiproxys_defaults() -> None:
    toxic = parse_toxic({"type": "latency", "attributes": {"latency": 1000, "unknown": 1}})
    assert toxic.as_json() == {
        "attributes": {"latency": 1000, "jitter": 0},
        "name": "latency_downstream",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 1.0,
    }


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_is_known_on_both_streams(kind: str) -> None:
    assert parse_toxic({"type": kind, "stream": "upstream"}).name == f"{kind}_upstream"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "invalid toxic type"),
        ({"type": "lag"}, "invalid toxic type"),
        ({"type": ["latency"]}, "invalid toxic type"),
        ({"type": "latency", "stream": "sideways"}, "stream was invalid"),
        ({"type": "latency", "attributes": []}, "attributes are no object"),
        ({"type": "latency", "attributes": {"latency": "1s"}}, "latency is no whole number"),
        ({"type": "latency", "attributes": {"latency": True}}, "latency is no whole number"),
        ({"type": "latency", "toxicity": 2}, "toxicity is no number"),
        ({"type": "latency", "name": 5}, "name is no string"),
    ],
)
def test_a_bad_toxic_is_refused(body: dict[str, Any], message: str) -> None:
    with pytest.raises(ProxyError, match=message) as refused:
        parse_toxic(body)
    assert refused.value.status == 400


def test_an_update_changes_attributes_and_toxicity_alone() -> None:
    toxic = parse_toxic({"type": "latency", "name": "slow", "attributes": {"latency": 100, "jitter": 5}})
    changed = update_toxic(toxic, {"attributes": {"latency": 200}, "toxicity": 0.5, "type": "timeout", "name": "x"})
    assert (changed.name, changed.type, changed.toxicity) == ("slow", "latency", 0.5)
    assert changed.attributes == {"latency": 200, "jitter": 5}


@pytest.mark.parametrize("address", ["0.0.0.0:80", "[::]:80", "192.0.2.1:80", ":80", "127.0.0.1", "127.0.0.1:99999", 5])
def test_a_proxy_listens_on_the_loopback_only(address: object) -> None:
    with pytest.raises(ProxyError):
        check_address(address, "listen")
