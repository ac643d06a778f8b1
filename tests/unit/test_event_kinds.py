"""What an event's class line says of its kind holds wherever it matters, and nobody else keeps a list of kinds."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from hostile_events import every_event

import runner
from runner.clock import Stamp
from runner.conductor.loop import Conductor
from runner.control.peer_socket import PeerSocket
from runner.engine import events as ev
from runner.engine.apply import _REDUCERS
from runner.engine.commands import IllegalCommand, Observed, Order
from runner.engine.decide import decide
from runner.engine.events import KINDS, Event, Recorded
from runner.engine.reducers.reducer_table import Reducer, ReducerTable
from runner.history.previous_run import without_samples
from runner.testing import Drive, ManualClock, sample_plan
from runner.transcript.codec import FIRST_PREV, encode, plain_fields
from runner.transcript.run_folder import TRANSCRIPT as FILE
from runner.transcript.writer import Entry, TranscriptWriter
from runner.views.event_text import EventText
from runner.views.view_model import ViewModel

_EVENTS = [event for event in every_event("x") if not isinstance(event, ev.RunStarted | ev.Unrecognised)]


def _those(*, having: str) -> pytest.MarkDecorator:
    chosen = [event for event in _EVENTS if getattr(event, having)]
    assert chosen
    return pytest.mark.parametrize("event", chosen, ids=lambda event: event.kind)


# -- decided -----------------------------------------------------------------------------------------------------------


@_those(having="decided")
def test_what_is_decided_cannot_be_observed(event: Event) -> None:
    drive = Drive(sample_plan()).start()
    with pytest.raises(IllegalCommand, match="decided, not observed"):
        decide(drive.state, Order(command=Observed(event=event), t=drive.clock.now()))


# -- batched -----------------------------------------------------------------------------------------------------------


@dataclass
class _Disk:
    """A transcript writer that only notes whether an append had to be durable."""

    durable: list[bool] = field(default_factory=list)
    space_low: bool = False

    def append(self, *entries: Entry, durable: bool = True) -> list[Recorded]:
        self.durable.append(durable)
        return [Recorded(1, "", 0.0, entry.by, entry.event) for entry in entries]


def _recorded(*events: Event) -> list[bool]:
    disk = _Disk()
    conductor = Conductor(writer=cast(TranscriptWriter, disk), clock=ManualClock(), link=cast(PeerSocket, None))
    for event in events:
        conductor.state = Drive(sample_plan()).start().state
        conductor.observe(event, stamp=Stamp("", 0.0))
    return disk.durable


@_those(having="batched")
def test_what_is_batched_does_not_wait_for_the_disk(event: Event) -> None:
    assert _recorded(event) == [False]


def test_everything_else_does() -> None:
    assert _recorded(ev.LoadEnded(), ev.Warned(text="x"), ev.AlertFired(alert="x")) == [True, True, True]


# -- sample ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", _EVENTS, ids=lambda event: event.kind)
def test_a_sample_is_no_news(event: Event) -> None:
    model = ViewModel()
    model.state = Drive(sample_plan()).start().state
    model.take(Recorded(1, "", 1.0, "x", event))
    assert model.news == (not event.sample)


def test_samples_are_skipped_where_steps_are_looked_up(tmp_path: Path) -> None:
    told = [*(event for event in _EVENTS if event.sample), ev.StepStarted(step="a")]
    lines = [encode(7, ManualClock().stamp(), "x", *plain_fields(event), FIRST_PREV) for event in told]
    (tmp_path / FILE).write_bytes(b"\n".join(lines) + b"\n")
    assert [recorded.event for recorded in without_samples(tmp_path / FILE)] == [told[-1]]


# -- hidden ------------------------------------------------------------------------------------------------------------


def _lines(event: Event) -> list[Any]:
    text = EventText()
    text.lines_of(Recorded(1, "", 0.0, "x", ev.PhaseEntered(phase="live")))
    return text.lines_of(Recorded(2, "", 1.0, "x", event))


@pytest.mark.parametrize("event", _EVENTS, ids=lambda event: event.kind)
def test_a_line_is_kept_from_participants_when_its_event_is_hidden(event: Event) -> None:
    assert all(line.truth is event.hidden for line in _lines(event))


# -- no other list -----------------------------------------------------------------------------------------------------

_SOURCES = Path(runner.__file__).parent
_CLASSES = {kind.__name__ for kind in KINDS.values()}


def _named(node: ast.expr) -> str:
    match node:
        case ast.Attribute(value=ast.Name(), attr=name) | ast.Name(id=name) if name in _CLASSES:
            return name
        # A kind of one word, such as `halted`, may be meant as that word.
        case ast.Constant(value=str(word)) if word in KINDS and "-" in word:
            return word
    return ""


def _lists(source: ast.AST) -> Iterator[int]:
    """The lines at which two or more kinds of events, and nothing else, are listed."""
    for node in ast.walk(source):
        if isinstance(node, ast.Tuple | ast.List | ast.Set) and len(node.elts) > 1 and all(map(_named, node.elts)):
            yield node.lineno


def test_nobody_keeps_a_list_of_kinds() -> None:
    found = [
        f"{path.relative_to(_SOURCES)}:{line}"
        for path in sorted(_SOURCES.rglob("*.py"))
        for line in _lists(ast.parse(path.read_text()))
    ]
    assert found == []


def test_a_list_would_be_found() -> None:
    assert [
        *_lists(ast.parse("x = (ev.LoadSampled, ProbesSampled)\ny = {'load-sampled', 'load-ended'}\nz = (Halted,)"))
    ] == [
        1,
        2,
    ]


# -- reducers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "reducer"), _REDUCERS.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_a_reducer_takes_the_kind_that_it_is_entered_for(kind: type[Event], reducer: Reducer) -> None:
    assert [*inspect.signature(reducer).parameters.values()][1].annotation == kind.__name__


def test_a_kind_is_reduced_once() -> None:
    reduces = ReducerTable()
    reduces(ev.Halted)(lambda state, event, record: state)
    with pytest.raises(ValueError, match="Halted is reduced twice"):
        reduces(ev.Halted)(lambda state, event, record: state)
