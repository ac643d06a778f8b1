"""What a run that has not closed is doing, in a few words, from its transcript."""

from __future__ import annotations

from pathlib import Path

from runner.engine.apply import apply
from runner.engine.phases import is_ending
from runner.engine.prompt import pending_prompt
from runner.engine.state import State
from runner.errors import TranscriptError
from runner.transcript.reader import read
from runner.transcript.run_folder import TRANSCRIPT


def standing(folder: Path) -> str:
    """`running`, `waiting for people: Fail over`, `paused: a real incident`, `undoing` …; `starting` before its first event."""
    state = State.empty()
    try:
        for recorded in read(folder / TRANSCRIPT):
            state = apply(state, recorded)
    except (TranscriptError, OSError):
        pass
    return _words(state)


def _words(state: State) -> str:
    if is_ending(state.phase):
        return state.phase
    if not state.phase:
        return "starting"
    if state.paused:
        return f"paused: {state.paused_why}"
    step = state.step
    if step is not None and state.answered_by_people(step) and pending_prompt(step, state.steps[step.id]) is not None:
        return f"waiting for people: {step.name}"
    return "running"
