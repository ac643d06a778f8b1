"""Whether a run is ending, and whether it is over, is asked in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import runner
from runner.engine import events as ev
from runner.engine.apply import apply
from runner.engine.phases import Phase, is_ending, is_over
from runner.engine.state import State
from runner.testing import Drive, sample_plan

_SOURCES = Path(runner.__file__).parent
#: Where the answer is given, and where it is what the state is made of.
_OWNERS = {"engine/phases.py", "engine/state.py", "engine/reducers/run_state.py"}


@pytest.mark.parametrize("phase", get_args(Phase))
def test_a_phase_is_ending_from_the_undo_on_and_over_behind_it(phase: str) -> None:
    at = get_args(Phase).index(phase)
    assert is_ending(phase) == (at >= get_args(Phase).index("undoing"))
    assert is_over(phase) == (at > get_args(Phase).index("undoing"))


def test_a_run_is_ending_as_soon_as_its_end_is_decided() -> None:
    drive = Drive(sample_plan()).start()
    assert not drive.state.ending
    decided = apply(drive.state, ev.Recorded(99, "", 9.0, "x", ev.EndDecided(cause="stopped")))
    assert (decided.phase, decided.ending, decided.over) == ("live", True, False)


@pytest.mark.parametrize("phase", get_args(Phase))
def test_a_run_of_which_only_the_phase_is_known_is_ending_too(phase: str) -> None:
    entered = apply(State.empty(), ev.Recorded(1, "", 0.0, "x", ev.PhaseEntered(phase=phase)))
    assert (entered.ending, entered.over) == (is_ending(phase), is_over(phase))


def _end_tested(source: ast.AST) -> Iterator[int]:
    """The lines that ask a state for its `end` only to know whether it has one, or list the phases of the end."""
    for node in ast.walk(source):
        match node:
            case ast.If(test=test) | ast.IfExp(test=test) | ast.UnaryOp(op=ast.Not(), operand=test) if _is_end(test):
                yield node.lineno
            case ast.BoolOp(values=[*_, last]) if any(map(_is_end, node.values)) or _is_end(last):
                yield node.lineno
            case ast.Tuple(elts=elts) | ast.Set(elts=elts) | ast.List(elts=elts) if _late(elts):
                yield node.lineno


def _is_end(node: ast.expr) -> bool:
    match node:
        case ast.Compare(left=ast.Attribute(attr="end", value=of), ops=[ast.Is() | ast.IsNot()]):
            return _is_state(of)
        case ast.Attribute(attr="end", value=of):
            return _is_state(of)
    return False


def _is_state(node: ast.expr) -> bool:
    return ast.unparse(node).split(".")[-1] == "state"


def _late(elements: list[ast.expr]) -> bool:
    words = {each.value for each in elements if isinstance(each, ast.Constant)}
    return len(words) == len(elements) > 1 and words <= {"undoing", "debrief", "closed"}


def test_nobody_else_asks() -> None:
    found = [
        f"{name}:{line}"
        for path in sorted(_SOURCES.rglob("*.py"))
        if (name := str(path.relative_to(_SOURCES))) not in _OWNERS
        for line in _end_tested(ast.parse(path.read_text()))
    ]
    assert found == []


@pytest.mark.parametrize(
    "asked",
    [
        "if state.end: pass",
        "if self.state.end is not None: pass",
        "if self._run.state.end is None and more: pass",
        "x = '' if state.end is None else 'ends'",
        "x = not state.end",
        "x = state.phase in ('debrief', 'closed')",
    ],
)
def test_each_way_to_ask_would_be_found(asked: str) -> None:
    assert [*_end_tested(ast.parse(asked))]
