"""The schemas for editors: complete, described, and of the same mind as the reader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.specs.schema import KINDS, schema
from runner.specs.yaml import parse, read_document

_EVERYTHING = Path(__file__).parent / "fixtures" / "everything"
_FILES = {
    "drill": "drills/payment-gateway-outage/drill.yaml",
    "runbook": "runbooks/payment-gateway-outage.yaml",
    "targets": "drills/targets.yaml",
    "script": "operator.yaml",
    "experiment": "experiments/payment-gateway-errors.yaml",
}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def _complaints(value: Any, rule: Any, root: dict[str, Any], path: str = "") -> Iterator[str]:
    """As much of JSON Schema as our schemas use, but for formats and patterns."""
    if rule in (True, {}):
        return
    if "$ref" in rule:
        yield from _complaints(value, root["$defs"][rule["$ref"].rsplit("/", 1)[1]], root, path)
    branches = rule.get("anyOf") or rule.get("oneOf")
    if branches and all(list(_complaints(value, branch, root, path)) for branch in branches):
        yield f"{path}: fits no branch"
    if "const" in rule and value != rule["const"]:
        yield f"{path}: is not {rule['const']!r}"
    if "not" in rule and not list(_complaints(value, rule["not"], root, path)):
        yield f"{path}: is what it must not be"
    if "enum" in rule and value not in rule["enum"]:
        yield f"{path}: is none of {rule['enum']}"
    kind = rule.get("type")
    if kind and (not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield f"{path}: is no {kind}"
    elif isinstance(value, dict):
        yield from _in_mapping(value, rule, root, path)
    elif isinstance(value, list) and "items" in rule:
        for index, item in enumerate(value):
            yield from _complaints(item, rule["items"], root, f"{path}.{index}")


def _in_mapping(value: dict[str, Any], rule: Any, root: dict[str, Any], path: str) -> Iterator[str]:
    properties, others = rule.get("properties", {}), rule.get("additionalProperties", True)
    yield from (f"{path}: {key} is missing" for key in rule.get("required", ()) if key not in value)
    for key, item in value.items():
        if key in properties:
            yield from _complaints(item, properties[key], root, f"{path}.{key}")
        elif others is False:
            yield f"{path}: {key} is unknown"
        else:
            yield from _complaints(item, others, root, f"{path}.{key}")


@pytest.mark.parametrize("kind", KINDS)
def test_the_full_example_fits_its_schema(kind: str) -> None:
    document = read_document(_EVERYTHING / _FILES[kind], "f")
    rules = schema(kind)
    assert list(_complaints(document.value, rules, rules)) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("drill", "{name: x, target: sandbox, load: {spawn_rate: 1}}"),
        ("drill", "{name: x, target: sandbox, expect: maybe}"),
        ("runbook", "{name: x, steps: [{nam: a}]}"),
        ("runbook", "{name: x, steps: [{name: a, milestone: seen}]}"),
        ("targets", "{targets: {a: {kind: htp, environment: staging}}}"),
        ("experiment", "{title: t, description: d, method: [{type: acton}]}"),
        ("experiment", "{title: t, description: d, method: [], extensions: [{name: gameday, undone_when: []}]}"),
    ],
)
def test_a_wrong_file_does_not_fit(kind: str, text: str) -> None:
    rules = schema(kind)
    assert list(_complaints(parse(text.encode(), "f").value, rules, rules))


def test_the_smallest_runbook_fits() -> None:
    rules = schema("runbook")
    assert list(_complaints({"name": "x", "steps": [{"name": "a"}]}, rules, rules)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_ours_is_described_and_in_kebab_case(kind: str) -> None:
    rules = schema(kind)
    assert rules["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    foreign = {"HttpProvider", "TcpProvider", "ProcessProvider", "PythonProvider", "Probe", "Provider", "Activity"}
    foreign |= {name for name in rules.get("$defs", {}) if name.endswith("Tolerance")} | {"Control"}
    own = [rules] + [rule for name, rule in rules.get("$defs", {}).items() if name not in foreign]
    for rule in own:
        for key, field in rule.get("properties", {}).items():
            assert "_" not in key, key
            described = rules["$defs"][field["$ref"].rsplit("/", 1)[1]] if "$ref" in field else {}
            assert field.get("description") or described.get("description"), (rule.get("title"), key)


def test_an_unknown_kind() -> None:
    with pytest.raises(KeyError):
        schema("runbooks")
