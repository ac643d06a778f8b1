"""What a step waits for from people: the one place that works it out.

`prompts` lists what a step asks as it is written, `open_prompts` what of that has not been given yet, and
`pending_prompt` the one it waits for now. Whoever acts on a prompt matches on the union and ends with `assert_never`,
so that mypy names every place that a new kind of step has to be handled in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from runner.engine.plan import Ask, Step
from runner.engine.state import StepView
from runner.lazy_dataclass import lazy_dataclass


@lazy_dataclass(frozen=True)
class ApprovalPrompt:
    """A second person, of role `approver`, has to approve the step."""

    approver: str


@lazy_dataclass(frozen=True)
class ConfirmPrompt:
    """Whoever does the step has to confirm it, by saying yes to `text`."""

    text: str


@lazy_dataclass(frozen=True)
class QuestionPrompt:
    """A question has to be answered."""

    ask: Ask


@lazy_dataclass(frozen=True)
class ChoicePrompt:
    """One of `labels` has to be chosen; that ends the step."""

    labels: tuple[str, ...]


@lazy_dataclass(frozen=True)
class RunPrompt:
    """The step's command has to be started. `implied`: whatever was asked before it starts it as well."""

    implied: bool


@lazy_dataclass(frozen=True)
class ManualPrompt:
    """A person does the step, and has to say that it is done."""


@lazy_dataclass(frozen=True)
class RetryPrompt:
    """The step failed, and somebody has to decide what comes next: retry it, skip it, let it fail or go elsewhere."""


#: What comes before the step's own work; while one is open the step is `asking`.
GatePrompt = ApprovalPrompt | ConfirmPrompt | QuestionPrompt
#: The step's own work; a step has exactly one, and is `ready` when only that is left.
WorkPrompt = ChoicePrompt | RunPrompt | ManualPrompt
Prompt = GatePrompt | WorkPrompt | RetryPrompt


def prompts(step: Step) -> tuple[GatePrompt | WorkPrompt, ...]:
    """Everything the step asks of people, in the order in which it asks: its gates, then its work."""
    return (*_gates(step), work_prompt(step))


def work_prompt(step: Step) -> WorkPrompt:
    """How the step itself is done, once its gates are passed."""
    if step.choose:
        return ChoicePrompt(tuple(step.choose))
    return RunPrompt(implied=any(_gates(step))) if step.automated else ManualPrompt()


def _gates(step: Step) -> Iterator[GatePrompt]:
    if step.approve:
        yield ApprovalPrompt(step.approve)
    if step.confirm:
        yield ConfirmPrompt(step.confirm)
    yield from (QuestionPrompt(ask) for ask in step.ask)


def open_prompts(step: Step, view: StepView) -> Iterator[GatePrompt | WorkPrompt]:
    """What of it has not been given in this visit, in order."""
    return (prompt for prompt in prompts(step) if not _given(prompt, view))


def _given(prompt: GatePrompt | WorkPrompt, view: StepView) -> bool:
    match prompt:
        case ApprovalPrompt():
            return view.approved
        case ConfirmPrompt():
            return view.confirmed
        case QuestionPrompt(ask=ask):
            return ask.name in view.answered
        case ChoicePrompt():
            return bool(view.choice)
        case RunPrompt() | ManualPrompt():
            # The step's status says that they were given; then it no longer waits.
            return False
        case _:
            assert_never(prompt)


def is_gated(step: Step, view: StepView) -> bool:
    """Whether a gate is still open."""
    return any(isinstance(prompt, GatePrompt) for prompt in open_prompts(step, view))


def open_questions(step: Step, view: StepView) -> tuple[Ask, ...]:
    """The questions that have no answer yet, in order."""
    return tuple(prompt.ask for prompt in open_prompts(step, view) if isinstance(prompt, QuestionPrompt))


def pending_prompt(step: Step, view: StepView) -> Prompt | None:
    """What the step waits for now; None when it waits for nothing that a person could give."""
    if view.status == "failing":
        return RetryPrompt()
    if view.status in ("asking", "ready"):
        return next(open_prompts(step, view), None)
    return None


def needs_people(step: Step) -> frozenset[str]:
    """The fields of the step that ask for what only people can give: an unattended run could not go on."""
    return frozenset(field for prompt in prompts(step) if (field := _people_field(prompt)))


def _people_field(prompt: GatePrompt | WorkPrompt) -> str:
    match prompt:
        case ApprovalPrompt():
            return "approve"
        case QuestionPrompt(ask=ask):
            return "" if ask.default else "ask"
        case ChoicePrompt():
            return "choose"
        case ConfirmPrompt() | RunPrompt() | ManualPrompt():
            # Waived, run at once, or as the step's `unattended` says.
            return ""
        case _:
            assert_never(prompt)


def wanted(step: Step, view: StepView) -> str:
    """What it waits for, in words that follow "step ID"; '' when it waits for nobody."""
    prompt = pending_prompt(step, view)
    match prompt:
        case None:
            return ""
        case ApprovalPrompt():
            return "first needs an approval"
        case ConfirmPrompt():
            return "first needs a confirmation"
        case QuestionPrompt():
            return f"first needs an answer: {', '.join(ask.name for ask in open_questions(step, view))}"
        case ChoicePrompt(labels=labels):
            return f"waits for a choice: {', '.join(labels)}"
        case RunPrompt():
            return "waits for its command to be run"
        case ManualPrompt():
            return "is done by a person: say when it is done"
        case RetryPrompt():
            return "failed: retry it, skip it, let it fail or go to another step"
        case _:
            assert_never(prompt)
