"""A file with any one value replaced by junk is explained or accepted; nothing else ever happens."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.errors import InputError
from runner.planning.compile import compile_named
from runner.specs.catalogue import Catalogue
from runner.specs.drill_checks import read_drill
from runner.specs.experiment import read_experiment
from runner.specs.runbook_checks import read_runbook
from runner.specs.target_checks import read_targets
from runner.specs.yaml import Document, parse, read_document

_EVERYTHING = Path(__file__).parent / "fixtures" / "everything"
_JUNK: tuple[Any, ...] = (
    None,
    "",
    "${x}",
    "{x}",
    0,
    -1,
    1.5,
    True,
    [],
    {},
    [None],
    [[1]],
    {"type": "env"},
    {"a": None},
)
_READERS: dict[str, Callable[[Document], Any]] = {
    "drills/payment-gateway-outage/drill.yaml": read_drill,
    "runbooks/payment-gateway-outage.yaml": read_runbook,
    "drills/targets.yaml": read_targets,
    "experiments/payment-gateway-errors.yaml": read_experiment,
}


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield from _paths(item, (*path, key))


def _mutants(file: str) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    original = read_document(_EVERYTHING / file, file).value
    for number, path in enumerate(_paths(original)):
        # A third of the junk each: neighbours in a list, and neighbouring keys, share the rest.
        for junk in _JUNK[number % 3 :: 3]:
            if not path:
                yield path, junk, junk
                continue
            changed = copy.deepcopy(original)
            holder = changed
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = junk
            yield path, junk, changed


@pytest.mark.parametrize("file", _READERS)
def test_any_one_value_replaced(file: str) -> None:
    for path, junk, changed in _mutants(file):
        document = parse(json.dumps(changed).encode(), file)
        model, notes = _READERS[file](document)
        problems = notes.problems()
        assert (model is None) == bool(problems), (path, junk)
        for problem in problems:
            assert problem.line >= 1, (path, junk, problem)
            assert "\n" not in str(problem), (path, junk, problem)


@pytest.mark.parametrize("file", _READERS)
def test_any_one_key_misspelt_is_found_where_keys_are_fixed(file: str) -> None:
    original = read_document(_EVERYTHING / file, file).value
    for key in original:
        changed = {(name + "q" if name == key else name): value for name, value in original.items()}
        _, notes = _READERS[file](parse(json.dumps(changed).encode(), file))
        said = [str(problem) for problem in notes.problems()]
        assert any(f"unknown key '{key}q'; did you mean '{key}'?" in line for line in said), said


@pytest.mark.parametrize("file", _READERS)
def test_what_is_accepted_becomes_a_plan_and_what_is_not_is_explained(file: str, tmp_path: Path) -> None:
    shutil.copytree(_EVERYTHING, tmp_path, dirs_exist_ok=True)
    # Every 23rd: enough to meet each reader, and each part with several sorts of junk.
    for path, junk, changed in list(_mutants(file))[::23]:
        (tmp_path / file).write_text(json.dumps(changed))
        catalogue = Catalogue(tmp_path)
        problems = catalogue.check()
        if not problems:
            compile_named(catalogue, "payment-gateway-outage")
            continue
        with pytest.raises(InputError) as caught:
            compile_named(catalogue, "payment-gateway-outage")
        assert set(caught.value.problems) <= set(problems), (path, junk)
