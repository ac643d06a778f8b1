"""What a person may do in a run, each with its key: the room's bindings, its help and its palette are made of this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runner.engine.plan import Step
from runner.engine.possible import possible
from runner.engine.state import State, StepView, open_gate, open_questions

#: What a deed wants to be told before it is done.
REASON = "why"
TEXT = "text"
CHOICE = "choice"


@dataclass(frozen=True, kw_only=True)
class Deed:
    """`command` is the word of the socket; `possible` its name in `runner.engine.possible`; `wants` what it asks first."""

    key: str
    name: str
    label: str
    command: str
    possible: str = ""
    wants: str = ""
    prompt: str = ""
    values: tuple[tuple[str, Any], ...] = ()

    @property
    def rule(self) -> str:
        return self.possible or self.command


#: In the order in which help lists them. The one on `enter` is whatever the current step waits for: `next_deed`.
DEEDS = (
    Deed(key="1", name="detected", label="Detected", command="say", possible="say detected", values=(("milestone", "detected"),)),
    Deed(key="2", name="acknowledged", label="Acknowledged", command="say", possible="say acknowledged", values=(("milestone", "acknowledged"),)),
    Deed(key="3", name="mitigated", label="Mitigated", command="say", possible="say mitigated", values=(("milestone", "mitigated"),)),
    Deed(key="4", name="resolved", label="Resolved", command="say", possible="say resolved", values=(("milestone", "resolved"),)),
    Deed(key="f", name="fail", label="Step failed", command="fail", wants=REASON, prompt="What failed?"),
    Deed(key="k", name="skip", label="Skip the step", command="skip", wants=REASON, prompt="Why is it skipped?"),
    Deed(key="t", name="retry", label="Try again", command="retry"),
    Deed(key="g", name="go-to", label="Go to the chosen step", command="go-to"),
    Deed(key="h", name="hint", label="Show a hint", command="show-hint", possible="hint"),
    Deed(key="exclamation_mark", name="dispute", label="This step is wrong", command="dispute", wants=TEXT, prompt="What should it say?"),
    Deed(key="n", name="note", label="Note", command="write", possible="note", wants=TEXT, prompt="Note", values=(("sort", "note"),)),
    Deed(key="a", name="action", label="Action item", command="write", possible="action", wants=TEXT, prompt="Action item: who does what?", values=(("sort", "action"),)),
    Deed(key="m", name="mark", label="Mark this moment", command="write", possible="mark", values=(("sort", "mark"), ("text", "mark"))),
    Deed(key="o", name="hand-over", label="Hand over", command="hand-over", wants=CHOICE, prompt="Who takes the step?"),
    Deed(key="i", name="inject", label="Inject now", command="inject"),
    Deed(key="p", name="pause", label="Pause", command="pause", wants=REASON, prompt="Why does the drill pause?"),
    Deed(key="u", name="unpause", label="Go on", command="unpause"),
    Deed(key="x", name="abort", label="Abort", command="abort", wants=REASON, prompt="Why?"),
    Deed(key="z", name="close", label="Close the debrief", command="close"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Next:
    """What `enter` does for the current step: `label` says it; '' when there is nothing to do."""

    label: str = ""
    command: str = ""
    wants: str = ""
    prompt: str = ""
    secret: bool = False
    values: tuple[tuple[str, Any], ...] = ()
    choices: tuple[str, ...] = ()


def next_deed(state: State) -> Next:
    """What the current step waits for, as one deed."""
    step, view = state.step, state.steps.get(state.current)
    if state.phase == "debrief":
        return Next(label="Close the debrief", command="close")
    if step is None or view is None or state.phase != "live" or state.paused:
        return Next()
    gate = open_gate(step, view) if view.status in ("asking", "ready") else ""
    if gate:
        return _through(gate, step, view)
    if view.status == "failing":
        return Next(label="Try again", command="retry")
    if view.status != "ready":
        return Next()
    if step.choose:
        return Next(label="Choose", command="choose", wants=CHOICE, prompt=step.name, choices=tuple(step.choose))
    return Next(label="Run", command="run") if step.automated else Next(label="Done", command="do")


def _through(gate: str, step: Step, view: StepView) -> Next:
    if gate == "approve":
        return Next(label="Approve", command="approve")
    if gate == "confirm":
        return Next(label="Confirm", command="confirm")
    name = open_questions(step, view)[0]
    ask = next(each for each in step.ask if each.name == name)
    return Next(
        label="Answer", command="answer", wants=TEXT, prompt=ask.prompt, secret=ask.secret, values=(("name", name),)
    )


def allowed(state: State, role: str, by: str) -> dict[str, str]:
    """Every command with why it is not possible now, '' when it is."""
    return dict(possible(state, role, by))  # type: ignore[arg-type]  # a role as the door knows it


def over(state: State, name: str) -> bool:
    """Whether the run is over for who leaves now: it closes by itself when the last one leaves its debrief."""
    if state.phase == "closed" or state.closed is not None or state.debrief_closed:
        return True
    return state.phase == "debrief" and all(person.name == name for person in state.present)


#: What the last line offers, the most urgent first, in words that are short enough for it.
_OFFERED = {
    "unpause": "Go on",
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
    by_name = {deed.name: deed for deed in DEEDS}
    possible_now = [
        (by_name[name].key, label) for name, label in _OFFERED.items() if not reasons.get(by_name[name].rule)
    ]
    waits = next_deed(state).label
    return [("enter", waits), *possible_now] if waits else possible_now
