"""The kinds of target: what each driver answers, and that nobody else knows a kind by its name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

import runner
from runner.conductor.started_targets import STARTS
from runner.engine.plan import Experiment, Target
from runner.errors import Refused
from runner.guard.irreversible import lasting_action
from runner.specs.target_spec import BUILT_IN, TargetSpec
from runner.targets.driver import TargetDriver
from runner.targets.registry import DECLARABLE, driver_of, drivers, recorded_driver, started_roles
from runner.testing import sample_plan

ROOT = Path(runner.__file__).parent
SOURCES = sorted(path for path in ROOT.rglob("*.py") if not path.is_relative_to(ROOT / "targets"))
#: What a kind may be handed to: it becomes a driver.
READERS = {"driver_of", "recorded_driver"}


_ACTION = {"type": "action", "name": "break", "provider": {"type": "process", "path": "true"}}


def _target(kind: str, name: str = "shop", **declared: Any) -> Target:
    return Target(name=name, kind=kind, environment="test", **declared)


# -- the registry ------------------------------------------------------------------------------------------------------


def test_files_may_declare_the_kinds_that_have_a_driver() -> None:
    assert get_args(TargetSpec.model_fields["kind"].annotation) == DECLARABLE


@pytest.mark.parametrize("kind", [*DECLARABLE, "none"])
def test_a_driver_is_of_its_kind(kind: str) -> None:
    assert driver_of(kind).kind == kind
    assert recorded_driver(kind) is driver_of(kind)


@pytest.mark.parametrize("kind", ["", "Sandbox", "no-such-kind"])
def test_an_unknown_kind_is_refused(kind: str) -> None:
    with pytest.raises(Refused, match=f"no kind of target .*; the kinds are {', '.join(DECLARABLE)}"):
        driver_of(kind)


def test_an_undo_takes_a_kind_of_a_later_version_for_one_that_stays() -> None:
    assert not recorded_driver("no-such-kind").discarded
    plan = sample_plan(target=_target("no-such-kind", url="http://a"))
    experiment = Experiment(slug="e", document={"method": [_ACTION]}, document_hash="", file="e.yaml", actions=1)
    assert lasting_action(replace(plan, experiments=(experiment,)), experiment) == ("method", 0)


def test_what_a_run_starts_has_somebody_who_starts_it() -> None:
    assert set(STARTS) == {driver.kind for driver in drivers() if driver.started_as}
    assert started_roles() == {driver_of(kind).started_as for kind in STARTS}


@pytest.mark.parametrize("driver", drivers(), ids=lambda driver: driver.kind)
def test_what_a_driver_says_of_fields_fits_the_file(driver: TargetDriver) -> None:
    fields = {field.alias or name for name, field in TargetSpec.model_fields.items()}
    assert {*driver.needs, *driver.refuses} <= fields
    assert not {*driver.needs} & {*driver.refuses}
    assert {*driver.found_attributes} <= {*driver.attributes}


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_target_that_nobody_declares_needs_nothing(name: str) -> None:
    assert driver_of(BUILT_IN[name].kind).needs == ()


# -- which targets are one ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (_target("http", "stage", url="http://a"), _target("http", "test", url="http://a"), True),
        (_target("http", "stage", url="http://a"), _target("http", "stage", url="http://b"), False),
        (_target("local", "local"), _target("local", "here"), True),
        (_target("local", url="http://a"), _target("local", url="http://b"), False),
        (_target("kubernetes", "a", cluster_uid="1"), _target("kubernetes", "b", cluster_uid="1"), True),
        (_target("kubernetes", "a", cluster_uid="1"), _target("kubernetes", "a", cluster_uid="2"), False),
        (_target("http", url="http://a"), _target("local", url="http://a"), False),
    ],
)
def test_two_names_of_one_target_are_one(one: Target, other: Target, same: bool) -> None:
    assert (driver_of(one.kind).lock_key(one) == driver_of(other.kind).lock_key(other)) is same


# -- nobody else knows a kind by name ----------------------------------------------------------------------------------


def _decided_by_kind(tree: ast.Module) -> Iterator[int]:
    """Lines that decide by the kind of a target, or by the name of a kind."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare | ast.MatchValue) and _names_a_kind(node):
            yield node.lineno
        if isinstance(node, ast.Dict) and len({*DECLARABLE} & {*_texts(node.keys)}) > 1:
            yield node.lineno
        if isinstance(node, ast.MatchClass) and "kind" in node.kwd_attrs and "Target" in ast.unparse(node.cls):
            yield node.lineno
        if any(_is_kind_of_target(used) for used in _deciding(node)):
            yield getattr(node, "lineno", 0)


def _deciding(node: ast.AST) -> Iterator[ast.AST]:
    """The expressions that this node decides by, hands on, or keeps."""
    match node:
        case ast.Compare():
            yield from ast.walk(node)
        case ast.Match(subject=subject):
            yield from ast.walk(subject)
        case ast.Subscript(slice=index):
            yield index
        case ast.Assign(value=value) | ast.NamedExpr(value=value):
            yield value
        case ast.Call(func=func, args=args) if getattr(func, "id", "") not in READERS:
            yield from args


def _names_a_kind(node: ast.AST) -> bool:
    """`http` and `local` are words of other vocabularies too: those are seen by what they are compared with."""
    return bool({"sandbox", "kubernetes"} & {*_texts(ast.walk(node))})


def _texts(nodes: Any) -> Iterator[str]:
    return (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_kind_of_target(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Attribute) and node.attr == "kind"):
        return False
    owner = node.value
    return (owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")) == "target"


def test_no_other_module_decides_by_the_kind_of_a_target() -> None:
    found = [
        f"{path.relative_to(ROOT.parent)}:{line}"
        for path in SOURCES
        for line in sorted(set(_decided_by_kind(ast.parse(path.read_text()))))
    ]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        'plan.target.kind == "http"',
        'target.kind in ("sandbox", "local")',
        'kind != "kubernetes"',
        "TABLE.get(plan.target.kind)",
        "TABLE[target.kind]",
        "kind = target.kind",
        'TABLE = {"sandbox": 1, "local": 2}',
        "match target.kind:\n    case _: pass",
        'match kind:\n    case "sandbox": pass',
        'match target:\n    case Target(kind="http"): pass',
    ],
)
def test_deciding_by_the_kind_is_seen(line: str) -> None:
    assert list(_decided_by_kind(ast.parse(line)))
