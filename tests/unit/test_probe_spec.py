from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from runner.specs.probe_spec import HttpProvider, ProbeSpec, ProcessProvider, TcpProvider
from runner.specs.substitution import UndefinedVariable

_HTTP: dict[str, Any] = {"type": "http", "url": "http://h/health"}


def _probe(provider: dict[str, Any], tolerance: Any = 200) -> ProbeSpec:
    return ProbeSpec.model_validate({"provider": provider, "tolerance": tolerance})


@pytest.mark.parametrize(
    "provider",
    [
        {**_HTTP, "timeout": 1, "method": "post", "headers": {"A": "b"}, "arguments": {"a": [1]}, "verify_tls": False},
        {**_HTTP, "timeout": ["100ms", 2], "max-retries": 3},
        {**_HTTP, "url": "${target.url}", "timeout": "${patience}", "secrets": ["TOKEN"]},
        {"type": "tcp", "host": "h", "port": 80, "timeout": "1s"},
        {"type": "tcp", "host": "${target.host}", "port": "${target.port}"},
        {"type": "process", "path": "curl", "arguments": ["-f", 5, None]},
        {"type": "process", "path": "curl", "arguments": "-f x | grep y"},
        {"type": "process", "path": "curl", "arguments": {"--max": 5}, "timeout": 3},
        {"type": "python", "module": "a.b", "func": "c", "arguments": {"n": {"deep": [1]}}},
    ],
)
def test_takes_what_chaos_toolkit_takes(provider: dict[str, Any]) -> None:
    assert _probe(provider).provider.type == provider["type"]


@pytest.mark.parametrize(
    ("provider", "place", "said"),
    [
        ({"type": "grpc"}, ("provider",), "'grpc'"),
        ({**_HTTP, "urll": 1}, ("provider", "http", "urll"), "Extra inputs"),
        ({"type": "http"}, ("provider", "http", "url"), "Field required"),
        ({"type": "http", "url": "http://h\t/x"}, ("provider", "http", "url"), "neither tabs nor line ends"),
        ({"type": "http", "url": "h/health"}, ("provider", "http", "url"), "begins with http:// or https://"),
        ({**_HTTP, "timeout": 0}, ("provider", "http", "timeout"), "never lets anything answer"),
        ({**_HTTP, "timeout": -1}, ("provider", "http", "timeout"), "negative"),
        ({**_HTTP, "timeout": [1]}, ("provider", "http", "timeout"), "a pair [connect, read]"),
        ({**_HTTP, "headers": {"A": 5}}, ("provider", "http", "headers", "A"), "valid string"),
        ({**_HTTP, "verify_tls": "no"}, ("provider", "http", "verify_tls"), "valid boolean"),
        ({"type": "tcp", "host": "h", "port": 0}, ("provider", "tcp", "port"), "1 to 65535"),
        ({"type": "tcp", "host": "h", "port": True}, ("provider", "tcp", "port"), "1 to 65535"),
        ({"type": "tcp", "host": "", "port": 80}, ("provider", "tcp", "host"), "at least 1"),
        ({"type": "process", "path": "x", "arguments": [[1]]}, ("provider", "process", "arguments"), "a list of words"),
        ({"type": "process", "path": "x", "arguments": 5}, ("provider", "process", "arguments"), "a list of words"),
        ({"type": "python", "module": "a-b", "func": "c"}, ("provider", "python", "module"), "match pattern"),
    ],
)
def test_refuses_mistakes_one_error_each(provider: dict[str, Any], place: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _probe(provider)
    (error,) = caught.value.errors()
    assert error["loc"] == place
    assert said in error["msg"]


def test_only_a_port_needs_no_tolerance() -> None:
    assert ProbeSpec.model_validate({"provider": {"type": "tcp", "host": "h", "port": 80}}).tolerance is True
    with pytest.raises(ValidationError, match="tolerance"):
        ProbeSpec.model_validate({"provider": _HTTP})


def test_fills_in_variables_and_checks_again() -> None:
    probe = _probe({"type": "tcp", "host": "${h}", "port": "${p}", "timeout": "${t}"}, True)
    assert probe.placeholders() == ["h", "p", "t"]
    provider = probe.resolved({"h": "db", "p": "5432", "t": "250ms"}).provider
    assert provider == TcpProvider(type="tcp", host="db", port=5432, timeout=0.25)
    with pytest.raises(ValidationError, match="not a port"):
        probe.resolved({"h": "db", "p": "http", "t": "1s"})
    with pytest.raises(UndefinedVariable):
        probe.resolved({"h": "db"})


def test_a_pattern_made_of_a_variable_is_checked_when_it_is_known() -> None:
    probe = _probe(_HTTP, {"type": "regex", "pattern": "(${word}", "target": "body"})
    assert probe.resolved({"word": "a)"}).tolerance
    with pytest.raises(ValidationError, match="regular expression"):
        probe.resolved({"word": "a"})


def test_gives_chaos_toolkit_its_own_words_back() -> None:
    tolerance = {"type": "jsonpath", "path": "$.a", "expect": None}
    document = _probe({**_HTTP, "timeout": "2s", "verify-tls": False}, tolerance).as_document()
    assert document == {
        "type": "probe",
        "name": "probe",
        "provider": {**_HTTP, "timeout": 2.0, "verify_tls": False},
        "tolerance": tolerance,
    }


def test_is_frozen() -> None:
    probe = _probe(_HTTP)
    with pytest.raises(ValidationError, match="frozen"):
        probe.name = "other"


def test_can_be_built_in_code() -> None:
    probe = ProbeSpec(name="up", provider=HttpProvider(type="http", url="http://h"), tolerance=[200, 204])
    assert probe == _probe({"type": "http", "url": "http://h"}, [200, 204]).model_copy(update={"name": "up"})
    assert ProbeSpec(provider=ProcessProvider(type="process", path="true"), tolerance=0).tolerance == 0
