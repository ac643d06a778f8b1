"""What a person may do in a run: what an action is about, and what is offered first."""

from __future__ import annotations

from runner.engine.availability import Availability, availability
from runner.engine.command_lookup import ACTIONS
from runner.engine.command_spec import Action
from runner.engine.commands import Role
from runner.engine.plan import Step
from runner.engine.state import State
from runner.views.prompt_text import next_action
from runner.views.view_model import revealed


def meant(state: State, action: Action) -> str:
    """The id of the step that the action is about; '' when it is about none."""
    if not action.of_step:
        return ""
    return state.current or (state.cursor if action.name == "dispute" else "")


def named(state: State, step: str) -> str:
    """The name of a step by its id; '' when there is none."""
    return next((each.name for each in state.plan.steps if each.id == step), "")


def skipped_by(state: State, to: str) -> tuple[str, ...]:
    """What becomes of other steps when people go to this one, a line each; empty when it is simply the next."""
    order = state.plan.sequence
    places = {step.id: place for place, step in enumerate(order)}
    if to not in places:
        return ()
    here = places.get(state.current or state.cursor, -1)
    told = []
    if state.step is not None:
        failing = state.steps[state.current].status == "failing"
        again = ", and begins again" if to == state.current else ""
        told.append(f"{'stays failed' if failing else 'skipped'}{again}: {_weighed(state.step)}")
    over = [step for step in order[here + 1 : places[to]] if not state.steps[step.id].outcome]
    return (*told, *(f"skipped: {_weighed(step)}" for step in over))


def _weighed(step: Step) -> str:
    return f"{step.name} (critical)" if step.critical else step.name


def takers(state: State, by: str) -> tuple[str, ...]:
    """Who may take the current step from whoever holds it; the one who asks comes last, and never to themselves alone."""
    view = state.steps.get(state.current)
    holder = (view.holder or state.driver) if view is not None else ""
    able = [person.name for person in state.present if person.role != "observer"]
    if able == [by]:
        return ()
    return tuple(sorted((name for name in able if name != holder), key=lambda name: name == by))


def allowed(state: State, role: Role, by: str) -> Availability:
    """What somebody in a room may do now, and why not the rest."""
    found = availability(state, role, by)
    if not found.why_not("hand-over") and not takers(state, by):
        return found.but("hand-over", "nobody else is here to take the step")
    return found


def undone_by_abort(state: State, role: str) -> str:
    """What an abort takes back, as far as this role may know."""
    if not revealed(state, role):
        return "what is in, if anything is, will be undone"
    left = [slug for slug, view in state.experiments.items() if view.fault_open]
    return f"what is in will be undone: {', '.join(left)}" if left else "no fault is in"


def over(state: State, name: str) -> bool:
    """Whether the run is over for who leaves now: it closes by itself when the last one leaves its debrief."""
    if state.phase == "closed" or state.closed is not None or state.debrief_closed:
        return True
    return state.phase == "debrief" and all(person.name == name for person in state.present)


#: What the last line offers, the most urgent first.
_OFFERED = tuple(
    ACTIONS[name]
    for name in (
        "resume",
        "detected",
        "acknowledged",
        "mitigated",
        "resolved",
        "inject",
        "abort",
        "show-hint",
        "note",
        "dispute",
        "pause",
    )
)


def offers(state: State, role: Role, by: str) -> list[tuple[str, str]]:
    """Key and label of what is possible now, the most urgent first."""
    may = allowed(state, role, by)
    possible_now = [(action.key, action.short or action.label) for action in _OFFERED if not may.why_not(action.name)]
    waits = next_action(state).label
    return [("enter", waits), *possible_now] if waits else possible_now
