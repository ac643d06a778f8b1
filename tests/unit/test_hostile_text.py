"""Whatever stands in a file, in a command's output or in a name: no view lets it act on a terminal or forge a line."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hostile_events import EVIL, acts, every_event, turned
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sample_runs import drill

from runner.engine import events as ev
from runner.engine.events import Recorded
from runner.engine.plan import RunPlan
from runner.errors import InputError, Problem
from runner.guard.refusal import Refusal
from runner.history.due_drills import Due
from runner.history.summary import Summary
from runner.host.halt_file import HaltRecord
from runner.inert import inert, inert_lines
from runner.planning.compile import compile_named
from runner.scoring.score import score
from runner.specs.catalogue import Catalogue
from runner.views.plan_text import plan_text
from runner.views.printer import Printer
from runner.views.scorecard_text import scorecard_text
from runner.views.tables import agenda_table, runs_table

_NOW = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)
_EVERYTHING = Path(__file__).parent / "fixtures" / "everything"
#: What a terminal obeys, what ends a line somewhere, what turns text round, what Textual takes for markup.
_PIECES = [
    *("\x1b[31m", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\", "\x1bP1$r\x1b\\", "\x1b", "\x1bc", "\x9b2J", "\x9d0;t\x9c"),
    *("\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\b", "\x7f", "\x00", "\t"),
    *("\u202e", "\u2066", "\u2069", "\u200f", "\u200b", "\ufeff", "\U000e0041", "\ud800", "\ue000"),
    *("[/x]", "[@click=app.quit]x[/]", "[bold]", "\\[", "+99:99.99  ✓ forged", "a word", "ü", "🔥", "%s", "{0}", "${x}"),
]  # fmt: skip
_HOSTILE = st.lists(st.sampled_from(_PIECES) | st.text(max_size=8), min_size=1, max_size=8).map("".join)


def _printed(text: str) -> str:
    stream = io.StringIO()
    printer = Printer(stream)
    start = drill().records()[0]
    printer.take(replace(start, by=text, event=replace(start.event, run=text)))
    for number, event in enumerate(every_event(text)):
        if not isinstance(event, ev.RunStarted):
            printer.take(Recorded(number, "2026-11-20T17:40:00.000000Z", 1.0, text, event))
    return stream.getvalue()


def _planned(text: str) -> str:
    """Of a plan with everything in it: each of its words is hostile, but for those that choose how it is told."""
    plan = _plan()
    told = replace(
        plan,
        **{
            name: turned(getattr(plan, name), text)
            for name in ("name", "file", "opaque", "warnings", "runbook", "needs", "undone_when")
        },
        target=replace(plan.target, name=text, url=text, context=text, environment=text, vars={text: text}),
        steps=tuple(replace(step, name=text, description=text, hint=text) for step in plan.steps),
        experiments=tuple(
            replace(each, slug=text, file=text, no_undo=text, document=_named(each.document, text))
            for each in plan.experiments
        ),
        indicators=tuple(replace(each, name=text, request=text) for each in plan.indicators),
        secret_sources={text: {text: text}},
    )
    refusal = Refusal(rule=text, what=text, where=text, cure=text)
    return plan_text(told, (refusal,))


def _named(document: Mapping[str, Any], text: str) -> dict[str, Any]:
    """An experiment whose activities are called so, and do so."""
    return {
        **document,
        "title": text,
        **{
            part: [
                {**each, "name": text, "provider": {"type": "process", "path": text, "arguments": [text]}}
                for each in document.get(part, [])
            ]
            for part in ("method", "rollbacks")
        },
    }


def _plan() -> RunPlan:
    return compile_named(Catalogue(_EVERYTHING), "payment-gateway-outage")


def _scored(text: str) -> str:
    card = score(drill().end(40.0).undo(41.0).records())
    return scorecard_text(turned(card, text), io.StringIO())


def _listed(text: str) -> str:
    summary = Summary(
        run=text,
        folder=Path("x"),
        slug=text,
        name=text,
        target=text,
        person=text,
        started=_NOW,
        seconds=1.0,
        ending=text,
        exit_code=0,
        headline=text,
    )
    return runs_table([(summary, text)], _NOW)


def _due(text: str) -> str:
    return agenda_table([Due(slug=text, name=text, target=text, runbook=text, team=text, last_outcome=text)], _NOW)


def _erred(text: str) -> str:
    problem = Problem(file=text, line=1, column=2, what=text, meant=text)
    error = InputError(problem, text)
    return inert_lines(str(error))


def _halted(text: str) -> str:
    return inert(str(HaltRecord(person=text, why=text, at=text, host=text)))


_VIEWS: list[Callable[[str], str]] = [_printed, _planned, _scored, _listed, _due, _erred, _halted]


@pytest.mark.parametrize("view", _VIEWS, ids=lambda view: view.__name__.strip("_"))
def test_nothing_acts_and_no_line_is_forged(view: Callable[[str], str]) -> None:
    plain = view("word")
    lines = plain.count("\n")

    @settings(max_examples=40)
    @given(text=_HOSTILE)
    @example(text=EVIL)
    @example(text="".join(_PIECES))
    def holds(text: str) -> None:
        shown = view(text)
        assert acts(shown) == []
        if view is _printed:
            # Of a command's output each line has a line, marked as such.
            own = [line for line in shown.split("\n") if not line.startswith(f"{'':11}  │ ")]
            assert len(own) <= lines + 1
            assert not [line for line in own if line.startswith("+99")]
        else:
            assert shown.count("\n") == lines

    holds()


def test_markup_in_a_name_is_shown_as_it_is() -> None:
    for text in ("[/x]", "[@click=app.quit]x[/]", "[bold]loud[/bold]"):
        for view in (_printed, _planned, _scored, _listed, _due, _erred):
            assert text in view(text)


def test_one_line_of_error_whatever_it_quotes() -> None:
    said = str(InputError(Problem(file="a\nb\x1b[31m", what="x\r\ny\u2028z", meant="\u202e")))
    assert said == "a⏎b: x\\u000d⏎y\\u2028z; \\u202e"
