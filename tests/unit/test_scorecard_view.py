"""The scorecard as text: verdicts first, every time with its resolution, and nothing in it that acts."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hostile_events import EVIL, acts, every_event
from sample_runs import SampleRun, drill, plan

from runner.engine import events as ev
from runner.engine.plan import Step
from runner.scoring.score import score
from runner.scoring.scorecard import Scorecard
from runner.views.scorecard_text import scorecard_text


def _text(card: Scorecard, folder: Path | None = None) -> str:
    return scorecard_text(card, io.StringIO(), folder)


def _lines(card: Scorecard) -> list[str]:
    return [" ".join(line.split()) for line in _text(card).splitlines()]


def _closed(sample: SampleRun) -> Scorecard:
    return score(sample.end(40.0).undo(41.0).records())


def test_a_drill_that_went_well() -> None:
    card = _closed(drill())
    lines = _lines(card)
    assert lines[1].startswith(f"{card.ending} ")
    assert any(line.startswith("✓ time-to-recover") and "within 30.0 s" in line for line in lines)
    assert any(line.startswith("injected at 10.0 s ±0.001 s") for line in lines)
    assert any(line.startswith("✓ Look succeeded") for line in lines)
    assert any(line.startswith("ErrorsHigh at 14.0 s") for line in lines)
    assert any("break it undone" in line for line in lines)


def test_an_ending_that_says_all_is_said_once() -> None:
    card = replace(_closed(drill()), ending="passed", headline="passed")
    assert _lines(card)[1] == "passed"


def test_a_run_that_goes_on_is_open() -> None:
    lines = _lines(score(drill().records()))
    assert lines[1].startswith("running (live)")
    assert "service open" in lines


def test_a_recovery_that_did_not_come_has_no_time_and_says_until_when() -> None:
    sample = SampleRun(plan()).live().seconds(0, "." * 12).inject(10.0).seconds(12, "x" * 20)
    text = _text(_closed(sample))
    assert "not recovered by" in text
    recover = next(line for line in text.splitlines() if "✗ time-to-recover" in line)
    assert " — " in recover


def test_an_alert_that_never_fired_is_a_finding() -> None:
    sample = SampleRun(plan()).live().seconds(0, "." * 40).inject(10.0)
    assert "ErrorsHigh never fired: a finding" in _lines(_closed(sample))


def test_what_proves_nothing_and_what_was_left_are_said() -> None:
    sample = drill().at(13.0, ev.UndoChecked(experiment="errors", name="gone", held=True, while_in=True))
    sample.end(40.0).at(41.0, ev.UndoStarted(experiments=("errors",)))
    sample.at(42.0, ev.UndoFailed(experiment="errors", why="exit code 1"), ev.UndoEnded(left=("errors",)))
    text = _text(score(sample.at(43.0, ev.PhaseEntered(phase="debrief")).records()))
    assert text.count("undone-when 'gone' held while the fault was in: it proves nothing") == 1
    assert "break it" in text
    assert "left" in text
    assert "exit code 1" in text


def test_a_step_says_how_its_time_was_spent_and_what_was_wrong_with_it() -> None:
    step = Step(id="look", name="Look", target_time=3.0)
    sample = SampleRun(plan(steps=(step,))).live().seconds(0, "." * 30)
    sample.at(5.0, ev.StepStarted(step="look"))
    sample.at(15.0, ev.StepEnded(step="look", outcome="failed", why="no luck"), by="ada")
    line = next(line for line in _lines(_closed(sample)) if "Look" in line)
    assert line.startswith("✗ Look failed 10.0 s over 3.0 s")
    assert "waiting 10.0 s" in line
    assert "no luck" in line


def test_where_the_evidence_is(tmp_path: Path) -> None:
    assert _text(_closed(drill()), tmp_path).splitlines()[-1] == f"evidence: {tmp_path}"


def _evil(value: Any) -> Any:
    """Every string of a card turned evil."""
    if isinstance(value, str):
        return EVIL
    if isinstance(value, tuple):
        return tuple(_evil(item) for item in value)
    if hasattr(value, "__dataclass_fields__"):
        return replace(value, **{name: _evil(getattr(value, name)) for name in value.__dataclass_fields__})
    return value


def test_nothing_in_a_card_acts_on_the_terminal_or_forges_a_line() -> None:
    sample = drill().at(
        20.0, *(event for event in every_event() if event.kind in ("note-written", "disputed", "warned"))
    )
    card = _closed(sample)
    text = _text(_evil(card))
    assert acts(text) == []
    assert len(text.splitlines()) >= len(_text(card).splitlines())
    assert not [line for line in text.splitlines() if line.startswith("+99")]


@pytest.mark.parametrize("number", range(0, 60, 3))
def test_any_beginning_of_a_transcript_has_a_card(number: int) -> None:
    records = drill().end(40.0).undo(41.0).records()[: number + 1]
    assert _text(score(records))
