"""What the prompts of a step look like to people: on the step's card, behind `enter`, and where there is no room."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, assert_never

from runner.engine.command_lookup import BY_WORD, typed
from runner.engine.command_spec import CHOICE, TEXT, YES
from runner.engine.commands import Answer, Approve, Choose, Complete, Confirm, RunCommand
from runner.engine.plan import Ask, Step
from runner.engine.prompt import (
    ApprovalPrompt,
    ChoicePrompt,
    ConfirmPrompt,
    GatePrompt,
    ManualPrompt,
    Prompt,
    QuestionPrompt,
    RetryPrompt,
    RunPrompt,
    WorkPrompt,
    pending_prompt,
    prompts,
    work_prompt,
)
from runner.engine.state import State

_TELL = "→ gameday tell"
#: For a step that failed and waits for a decision.
AFTER_FAILURE = f"{_TELL} {' | '.join(BY_WORD[word].usage for word in ('retry', 'skip', 'fail', 'go-to'))}"
#: Lines of a command that a question repeats.
_COMMAND_LINES = 4


# -- without a room ----------------------------------------------------------------------------------------------------


def asked(step: Step) -> Iterator[str]:
    """The lines, in the order in which the step asks: what it asks, then what to type."""
    for prompt in prompts(step):
        yield from _asked(prompt, step)


def _asked(prompt: GatePrompt | WorkPrompt, step: Step) -> Iterator[str]:
    match prompt:
        case ApprovalPrompt(approver=approver):
            yield f"needs the approval of {approver}"
            yield f"{_TELL} {typed(Approve())}"
        case ConfirmPrompt(text=text):
            yield text
            yield f"{_TELL} {typed(Confirm())}"
        case QuestionPrompt(ask=ask):
            yield from _question(ask)
        case ChoicePrompt(labels=labels):
            yield from (f"{_TELL} {typed(Choose(label=label))}" for label in labels)
        case RunPrompt(implied=implied):
            if not implied:
                yield f"{_TELL} {typed(RunCommand())}"
        case ManualPrompt():
            yield from (f"$ {line}" for line in step.run.strip().splitlines())
            yield f"{_TELL} {typed(Complete())}"
        case _:
            assert_never(prompt)


def _question(ask: Ask) -> Iterator[str]:
    yield ask.prompt or ask.name
    default = typed(Answer(name=ask.name))
    yield from (f"{_TELL} {typed(Answer(name=ask.name, value=choice))}" for choice in ask.choices)
    if not ask.choices:
        yield f"{_TELL} {default} value=…"
    if ask.default:
        yield f"{_TELL} {default}  # means {ask.default}"


# -- in a plan ---------------------------------------------------------------------------------------------------------


def way(step: Step) -> str:
    """How the step is done, in a word."""
    if step.anytime:
        return "anytime"
    match work_prompt(step):
        case RunPrompt():
            return "command"
        case ChoicePrompt():
            return "decision"
        case ManualPrompt():
            return "person"
        case other:
            assert_never(other)


# -- in the room -------------------------------------------------------------------------------------------------------


def card_line(prompt: GatePrompt | WorkPrompt) -> tuple[str | tuple[str, str], ...]:
    """What the step's card says of it: texts, some with a style; nothing for what `enter` says well enough."""
    match prompt:
        case ApprovalPrompt(approver=approver):
            return ("asks a second person: ", "warn"), approver
        case ConfirmPrompt(text=text):
            return ("asks: ", "warn"), text
        case ChoicePrompt(labels=labels):
            return "choose: ", (" | ".join(labels), "bold")
        case QuestionPrompt() | RunPrompt() | ManualPrompt():
            return ()
        case _:
            assert_never(prompt)


@dataclass(frozen=True, kw_only=True)
class Next:
    """What `enter` does for the current step: `label` says it; '' when there is nothing to do.

    `about`: the name of the step that asks. `notes`: what whoever answers must have before their eyes. `ask`: the
    question that it answers.
    """

    label: str = ""
    command: str = ""
    wants: str = ""
    about: str = ""
    prompt: str = ""
    notes: tuple[str, ...] = ()
    values: tuple[tuple[str, Any], ...] = ()
    choices: tuple[str, ...] = ()
    ask: Ask | None = None


def next_action(state: State) -> Next:
    """What answers the prompt of the current step."""
    step, view = state.step, state.steps.get(state.current)
    if state.phase == "debrief":
        return Next(label="Close the debrief", command="close")
    if step is None or view is None or state.phase != "live" or state.paused:
        return Next()
    prompt = pending_prompt(step, view)
    return _reply(prompt, step) if prompt is not None else Next()


def _reply(prompt: Prompt, step: Step) -> Next:
    match prompt:
        case ApprovalPrompt(approver=approver):
            notes = (f"asks a second person: {approver}", *_command(step))
            return _yes("Approve", "approve", step, "Approve it?", notes)
        case ConfirmPrompt(text=text):
            return _yes("Confirm", "confirm", step, text, _command(step))
        case QuestionPrompt(ask=ask):
            return _answer(ask, step)
        case ChoicePrompt(labels=labels):
            return Next(label="Choose", command="choose", wants=CHOICE, prompt=step.name, choices=labels)
        case RunPrompt():
            return Next(label="Run", command="run")
        case ManualPrompt():
            return Next(label="Done", command="complete")
        case RetryPrompt():
            return Next(label="Try again", command="retry")
        case _:
            assert_never(prompt)


def _yes(label: str, command: str, step: Step, prompt: str, notes: tuple[str, ...]) -> Next:
    return Next(label=label, command=command, wants=YES, about=step.name, prompt=prompt, notes=notes)


def _answer(ask: Ask, step: Step) -> Next:
    return Next(
        label="Answer",
        command="answer",
        wants=CHOICE if ask.choices else TEXT,
        about=step.name,
        prompt=ask.prompt or ask.name,
        values=(("name", ask.name),),
        choices=ask.choices,
        ask=ask,
    )


def _command(step: Step) -> tuple[str, ...]:
    """What the step runs, as a question repeats it."""
    lines = [f"$ {each}" for each in step.run.strip().splitlines()]
    more = len(lines) - _COMMAND_LINES
    shown = [*lines[:_COMMAND_LINES], f"… and {more} more"] if more > 0 else lines
    return (*shown, "not run in a tabletop") if lines and step.by_hand else tuple(shown)
