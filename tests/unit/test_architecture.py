"""What holds the floor plan beside the contracts in pyproject.toml: no circle of imports, one name for one thing."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from source_rules import circles, long_functions, read_sources, same_classes, same_files

_ROOT = Path(__file__).parents[2]
#: What `gameday init` copies belongs to whoever runs it.
_SOURCES = {
    name: source for name, source in read_sources(_ROOT / "runner").items() if not name.startswith("runner.templates")
}

#: File names that mean the same thing in each of their places.
SAME_FILES = {
    # An adapter, and the child process that it speaks with.
    "chaos": ["runner.actuators.chaos", "runner.actuators.shims.chaos"],
    "load": ["runner.actuators.load", "runner.actuators.shims.load"],
    "probe": ["runner.actuators.probe", "runner.actuators.shims.probe"],
    "rollback": ["runner.actuators.rollback", "runner.actuators.shims.rollback"],
    # The real one, and the one that a test moves by hand.
    "clock": ["runner.clock", "runner.testing.clock"],
    # A command line, and what it does.
    "halt": ["runner.cli.halt", "runner.supervision.halt"],
    # A kind of target, and its command line.
    "sandbox": ["runner.cli.sandbox", "runner.targets.sandbox"],
    # A handler, and what it handles.
    "indicators": ["runner.conductor.handlers.indicators", "runner.engine.indicators"],
    "operator_script": ["runner.conductor.handlers.operator_script", "runner.specs.operator_script"],
    "report": ["runner.conductor.handlers.report", "runner.views.report"],
    "steps": ["runner.conductor.handlers.steps", "runner.engine.rules.steps"],
}
SAME_CLASSES: dict[str, list[str]] = {}


def test_the_page_shows_the_layers_of_the_contract() -> None:
    contracts = tomllib.loads((_ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    page = (_ROOT / "docs" / "architecture.md").read_text().split("## Layers")[1]
    assert page.split("```text\n")[1].split("\n```")[0].replace(" · ", " : ").splitlines() == layers


def test_the_page_has_a_row_for_every_folder() -> None:
    page = (_ROOT / "docs" / "architecture.md").read_text().split("## Where to put a change")[1]
    folders = {name for name in _SOURCES if name.count(".") == 1 and any(o.startswith(f"{name}.") for o in _SOURCES)}
    assert {name.replace(".", "/") for name in folders} - set(
        re.findall(r"^\| `([^`]*)`", page, flags=re.MULTILINE)
    ) == set()


def test_no_import_goes_in_a_circle() -> None:
    assert circles(_SOURCES) == []


def test_a_file_name_means_one_thing() -> None:
    assert same_files(_SOURCES, SAME_FILES) == []


def test_a_class_name_means_one_thing() -> None:
    assert same_classes(_SOURCES, SAME_CLASSES) == []


def test_functions_fit_on_a_screen() -> None:
    assert long_functions(_SOURCES, 60) == []
    assert long_functions({"pack": "def f():\n    a = 1\n    b = 2\n"}, 2) == ["pack.f: 3 lines"]


@pytest.mark.parametrize(
    "back",
    [
        "from pack.first import act",
        "import pack.first",
        "from pack import first",
        "from . import first",
        "from .first import act",
        "def late():\n    from pack.first import act",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pack.first import Act",
    ],
)
def test_a_circle_is_found_however_it_is_closed(back: str) -> None:
    sources = {
        "pack": "",
        "pack.first": "from pack.second import go",
        "pack.second": "from pack.third import on",
        "pack.third": back,
        "pack.below": "",
    }
    assert circles(sources) == [("pack.first", "pack.second", "pack.third")]
    assert circles({**sources, "pack.third": "from pack.below import ground"}) == []


def test_a_circle_through_a_package_is_found() -> None:
    sources = {"pack": "from pack.inner import act", "pack.inner": "from pack import act"}
    assert circles(sources) == [("pack", "pack.inner")]


def test_a_name_of_a_package_is_no_import_of_all_its_modules() -> None:
    sources = {"pack": "", "pack.one": "from pack import VERSION", "pack.two": "from pack import one"}
    assert circles(sources) == []


_Check = Callable[[Mapping[str, str], Mapping[str, list[str]]], list[str]]


@pytest.mark.parametrize(
    ("check", "name", "sources", "where"),
    [
        (
            same_files,
            "task",
            {"pack.one.task": "", "pack.two.task": "", "pack.task_list": ""},
            ["pack.one.task", "pack.two.task"],
        ),
        (
            same_classes,
            "Task",
            {"pack.a": "class Task: ...", "pack.b": "def make():\n    class Task: ..."},
            ["pack.a", "pack.b"],
        ),
        (same_classes, "_Task", {"pack.a": "class _Task: ...", "pack.b": "class _Task: ..."}, ["pack.a", "pack.b"]),
    ],
)
def test_a_name_that_stands_twice_is_found_unless_it_is_listed(
    check: _Check, name: str, sources: dict[str, str], where: list[str]
) -> None:
    assert check(sources, {}) == [f"{name}: {', '.join(where)}"]
    assert check(sources, {name: where}) == []
    assert check(sources, {name: [*where, "pack.c"]}) == [f"{name}: {', '.join(where)}"]
    assert check({"pack.a": ""}, {name: where}) == [f"{name}: listed, but not twice"]


def test_packages_and_dunder_files_may_share_their_names() -> None:
    sources = {"pack": "", "pack.a": "", "pack.a.__main__": "", "pack.a.b": "", "pack.a.b.x": "", "pack.__main__": ""}
    assert same_files(sources, {}) == []
