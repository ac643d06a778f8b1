"""What a person may do in a run, each with its key: the room's bindings, its help and its palette are made of this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runner.engine.availability import possible
from runner.engine.plan import Step
from runner.engine.state import State
from runner.views.prompt_text import CHOICE, REASON, TEXT, YES, next_action
from runner.views.view_model import revealed


@dataclass(frozen=True, kw_only=True)
class Action:
    """`command` is the word of the socket; `possible` its name in `runner.engine.availability`; `wants` what it asks first.

    `of_step`: it means the step that is current when it is asked, and no later one.
    """

    key: str
    name: str
    label: str
    command: str
    possible: str = ""
    wants: str = ""
    prompt: str = ""
    of_step: bool = False
    values: tuple[tuple[str, Any], ...] = ()

    @property
    def rule(self) -> str:
        return self.possible or self.command


#: In the order in which help lists them. The one on `enter` is whatever the current step waits for: `next_action`.
ACTIONS = (
    Action(key="1", name="detected", label="Detected", command="milestone", possible="milestone detected", values=(("name", "detected"),)),
    Action(key="2", name="acknowledged", label="Acknowledged", command="milestone", possible="milestone acknowledged", values=(("name", "acknowledged"),)),
    Action(key="3", name="mitigated", label="Mitigated", command="milestone", possible="milestone mitigated", values=(("name", "mitigated"),)),
    Action(key="4", name="resolved", label="Resolved", command="milestone", possible="milestone resolved", values=(("name", "resolved"),)),
    Action(key="f", name="fail", label="Step failed", command="fail", wants=REASON, prompt="What failed?", of_step=True),
    Action(key="k", name="skip", label="Skip the step", command="skip", wants=REASON, prompt="Why is it skipped?", of_step=True),
    Action(key="t", name="retry", label="Try again", command="retry"),
    Action(key="g", name="go-to", label="Go to the chosen step", command="go-to", wants=YES, prompt="Go to", of_step=True),
    Action(key="h", name="hint", label="Show a hint", command="show-hint", possible="hint"),
    Action(key="exclamation_mark", name="dispute", label="This step is wrong", command="dispute", wants=TEXT, prompt="What should it say?", of_step=True),
    Action(key="n", name="note", label="Note", command="note", possible="note", wants=TEXT, prompt="Note: what was seen, said or done?", values=(("type", "note"),)),
    Action(key="a", name="action", label="Action item", command="note", possible="action", wants=TEXT, prompt="Action item: who does what?", values=(("type", "action"),)),
    Action(key="m", name="mark", label="Mark this moment", command="note", possible="mark", values=(("type", "mark"), ("text", "mark"))),
    Action(key="o", name="hand-over", label="Hand over", command="hand-over", wants=CHOICE, prompt="Who takes the step?", of_step=True),
    Action(key="i", name="inject", label="Inject now", command="inject"),
    Action(key="p", name="pause", label="Pause", command="pause", wants=REASON, prompt="Why does the drill pause?"),
    Action(key="u", name="resume", label="Go on", command="resume"),
    Action(key="x", name="abort", label="Abort", command="abort", wants=CHOICE, prompt="Abort the drill?"),
    Action(key="z", name="close", label="Close the debrief", command="close"),
)  # fmt: skip


BY_NAME = {deed.name: deed for deed in ACTIONS}


def meant(state: State, deed: Action) -> str:
    """The id of the step that the deed is about; '' when it is about none."""
    if not deed.of_step:
        return ""
    return state.current or (state.cursor if deed.name == "dispute" else "")


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


def allowed(state: State, role: str, by: str) -> dict[str, str]:
    """Every command with why it is not possible now, '' when it is."""
    found = dict(possible(state, role, by))  # type: ignore[arg-type]  # a role as the door knows it
    if not found["hand-over"] and not takers(state, by):
        found["hand-over"] = "nobody else is here to take the step"
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


#: What the last line offers, the most urgent first, in words that are short enough for it.
_OFFERED = {
    "resume": "Go on",
    "detected": "Detected",
    "acknowledged": "Acknowledged",
    "mitigated": "Mitigated",
    "resolved": "Resolved",
    "inject": "Inject now",
    "abort": "Abort",
    "hint": "Hint",
    "note": "Note",
    "dispute": "Step is wrong",
    "pause": "Pause",
}


def offers(state: State, role: str, by: str) -> list[tuple[str, str]]:
    """Key and label of what is possible now, the most urgent first."""
    reasons = allowed(state, role, by)
    possible_now = [
        (BY_NAME[name].key, label) for name, label in _OFFERED.items() if not reasons.get(BY_NAME[name].rule)
    ]
    waits = next_action(state).label
    return [("enter", waits), *possible_now] if waits else possible_now
