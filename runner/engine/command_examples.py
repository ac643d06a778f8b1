"""Values for commands that would be accepted if any would: what is possible now is found out by trying them."""

from __future__ import annotations

from collections.abc import Mapping

from runner.engine.prompt import open_questions
from runner.engine.state import State


def question(state: State) -> Mapping[str, object]:
    view = state.steps.get(state.current)
    questions = open_questions(state.step, view) if state.step and view else ()
    return {"name": questions[0].name if questions else "", "value": "…"}


def label(state: State) -> Mapping[str, object]:
    return {"label": next(iter(state.step.choose), "") if state.step else ""}


def step(state: State) -> Mapping[str, object]:
    return {"step": next((each.id for each in state.plan.sequence), "")}


def taker(state: State) -> Mapping[str, object]:
    return {"to": next((person.name for person in state.present if person.role != "observer"), "")}


def why(_state: State) -> Mapping[str, object]:
    return {"why": "…"}


def text(_state: State) -> Mapping[str, object]:
    return {"text": "…"}
