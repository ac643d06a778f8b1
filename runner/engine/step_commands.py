"""What people may do with the current step: by the step's status, the command, and who asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from runner.engine.commands import (
    Answer,
    Approve,
    Choose,
    Command,
    Complete,
    Confirm,
    Dispute,
    Fail,
    GoTo,
    HandOver,
    IllegalCommand,
    Order,
    Retry,
    RunCommand,
    ShowHint,
    Skip,
)
from runner.engine.events import (
    CommandIntended,
    Event,
    HandedOver,
    HintShown,
    StepAnswered,
    StepApproved,
    StepChosen,
    StepConfirmed,
    StepDisputed,
    StepDone,
    StepEnded,
    StepRetried,
)
from runner.engine.plan import Step
from runner.engine.prompt import (
    ApprovalPrompt,
    ChoicePrompt,
    ConfirmPrompt,
    ManualPrompt,
    Prompt,
    QuestionPrompt,
    RunPrompt,
    pending_prompt,
    wanted,
)
from runner.engine.roles import role_of
from runner.engine.rules.steps import fail, start, succeed
from runner.engine.state import Person, State, StepView

Events = tuple[Event, ...]
Handler = Callable[[State, Order, Any, Step, StepView], Events]


def on_step(state: State, order: Order, command: Command) -> Events:
    """A command for the current step. Raises IllegalCommand."""
    step = _current(state)
    if not state.answered_by_people(step):
        raise IllegalCommand(f"this run is unattended: nobody answers for step {step.id}")
    _refuse_when_paused(state)
    view = state.steps[step.id]
    handler = _TABLE.get((view.status, type(command)))
    if handler is None:
        raise IllegalCommand(_why_not(step, view))
    return handler(state, order, command, step, view)


def _current(state: State) -> Step:
    if state.step is None:
        raise IllegalCommand("no step is current: " + ("the runbook is done" if state.cursor else "none has begun"))
    return state.step


def _refuse_when_paused(state: State) -> None:
    if state.paused:
        raise IllegalCommand("the run is paused: resume it first")


def _why_not(step: Step, view: StepView) -> str:
    """What it waits for instead, or what it does."""
    if waits := wanted(step, view):
        return f"step {step.id} {waits}"
    return {
        "running": f"the command of step {step.id} is running",
        "retry-wait": f"the command of step {step.id} is about to be tried again",
        "verifying": f"step {step.id} is being verified",
    }.get(view.status, f"step {step.id} is {view.status}")


# -- what it asks ------------------------------------------------------------------------------------------------------


def _approve(state: State, order: Order, command: Approve, step: Step, view: StepView) -> Events:
    _expect(ApprovalPrompt, step, view)
    if not command.yes:
        return fail(state, step, f"not approved by {order.by}")
    return (StepApproved(step=step.id, person=order.by, waived=_waiver(state, order, view)),)


def _waiver(state: State, order: Order, view: StepView) -> str:
    """'' when this is a second person, else why it is not: "alone", "same account".

    A name is said, an account is known. Raises IllegalCommand when somebody better placed is there.
    """
    holder = view.holder or state.driver
    able = [person for person in state.people if person.role != "observer"]
    others = [person for person in able if person.present and person.name != order.by]
    if order.by == holder and others:
        raise IllegalCommand(f"you hold this step: another person approves it ({_names(others)})")
    if order.by == holder or len(able) < 2:
        return "alone"
    account = state.accounts.get(holder, -1)
    own = state.accounts.get(order.by, -1) if order.uid == -1 else order.uid
    if -1 in (account, own) or own != account:
        return ""
    elsewhere = [person for person in others if person.uid != account]
    if elsewhere:
        why = f"{holder}, who holds this step, uses the same account as you"
        raise IllegalCommand(f"{why}: somebody with another one approves it ({_names(elsewhere)})")
    return "same account"


def _names(people: Iterable[Person]) -> str:
    return ", ".join(person.name for person in people)


def _confirm(state: State, order: Order, command: Confirm, step: Step, view: StepView) -> Events:
    _expect(ConfirmPrompt, step, view)
    return (StepConfirmed(step=step.id),) if command.yes else fail(state, step, f"not confirmed by {order.by}")


def _answer(state: State, order: Order, command: Answer, step: Step, view: StepView) -> Events:
    _expect(QuestionPrompt, step, view)
    ask = next((ask for ask in step.ask if ask.name == command.name), None)
    if ask is None:
        raise IllegalCommand(f"step {step.id} does not ask for {command.name!r}: {', '.join(a.name for a in step.ask)}")
    value = command.value or ask.default
    # A secret one is not told here: what it must be is looked at by whoever takes it.
    if why := "" if ask.secret and value else ask.why_unfit(value):
        raise IllegalCommand(why)
    return (StepAnswered(step=step.id, name=ask.name, value="" if ask.secret else value, secret=ask.secret),)


def _expect(kind: type[Prompt], step: Step, view: StepView) -> None:
    if not isinstance(pending_prompt(step, view), kind):
        raise IllegalCommand(_why_not(step, view))


# -- what it does ------------------------------------------------------------------------------------------------------


def _do(state: State, order: Order, command: Complete, step: Step, view: StepView) -> Events:
    _expect(ManualPrompt, step, view)
    return (StepDone(step=step.id, role=role_of(state, order)),)


def _run(state: State, order: Order, command: RunCommand, step: Step, view: StepView) -> Events:
    if not isinstance(pending_prompt(step, view), RunPrompt):
        raise IllegalCommand(f"step {step.id} has no command: {wanted(step, view)}")
    return (CommandIntended(step=step.id, attempt=view.attempt + 1),)


def _choose(state: State, order: Order, command: Choose, step: Step, view: StepView) -> Events:
    to = step.choose.get(command.label)
    if not isinstance(pending_prompt(step, view), ChoicePrompt):
        raise IllegalCommand(f"step {step.id} offers no choice")
    if to is None:
        raise IllegalCommand(f"{command.label!r} is no choice of step {step.id}: {', '.join(step.choose)}")
    return (StepChosen(step=step.id, label=command.label, to=to), *succeed(state, step, to, role=role_of(state, order)))


# -- round it ----------------------------------------------------------------------------------------------------------


def _fail(state: State, order: Order, command: Fail, step: Step, view: StepView) -> Events:
    why = said(command.why)
    return fail(state, step, why, timed_out=view.status == "failing" and view.timed_out, ask=False)


def _skip(state: State, order: Order, command: Skip, step: Step, view: StepView) -> Events:
    return (StepEnded(step=step.id, outcome="skipped", why=said(command.why), as_written=False),)


def _retry(state: State, order: Order, command: Retry, step: Step, view: StepView) -> Events:
    if view.status == "retry-wait":
        return (CommandIntended(step=step.id, attempt=view.attempt + 1),)
    return (StepRetried(step=step.id),)


def said(why: str) -> str:
    """A reason that says something. Raises IllegalCommand."""
    if not why.strip():
        raise IllegalCommand("say why")
    return why.strip()


_GATES: dict[type[Command], Handler] = {Approve: _approve, Confirm: _confirm, Answer: _answer}
_READY: dict[type[Command], Handler] = {Complete: _do, RunCommand: _run, Choose: _choose}
_RETRY: dict[type[Command], Handler] = {Retry: _retry}
_ROUND: dict[type[Command], Handler] = {Skip: _skip, Fail: _fail}

_TABLE: dict[tuple[str, type[Command]], Handler] = {
    (status, command): handler
    for status, handlers in {
        "asking": _GATES | _ROUND,
        "ready": _READY | _ROUND,
        "running": _ROUND,
        "retry-wait": _RETRY | _ROUND,
        "verifying": _ROUND,
        "failing": _RETRY | _ROUND,
    }.items()
    for command, handler in handlers.items()
}


# -- beside the table: these hold whatever the step's status -----------------------------------------------------------


def complete(state: State, order: Order, command: Complete) -> Events:
    """The current step is done, or a named one that stands outside the sequence. Raises IllegalCommand."""
    named = command.step
    if not named or named == state.current:
        return on_step(state, order, command)
    step = state.plan.step(named) if named in state.steps else None
    if step is None or not step.anytime:
        raise IllegalCommand(f"step {named} is not current: {state.current or 'no step'} is")
    _refuse_when_paused(state)
    role = role_of(state, order)
    return (StepDone(step=named, role=role), *succeed(state, step, role=role))


def go_to(state: State, order: Order, command: GoTo) -> Events:
    """Leave the current step for another one. Raises IllegalCommand."""
    target = command.step
    step = next((step for step in state.plan.sequence if step.id == target), None)
    if step is None:
        raise IllegalCommand(f"there is no step {target!r} to go to")
    if not state.answered_by_people(step):
        raise IllegalCommand(f"this run is unattended: nobody answers for step {step.id}")
    _refuse_when_paused(state)
    if state.step is None:
        return start(state, step)
    view = state.steps[state.current]
    failed = view.status == "failing"
    outcome, why = (
        ("timed-out" if view.timed_out else "failed", view.why) if failed else ("skipped", f"went to {target}")
    )
    return (StepEnded(step=state.current, outcome=outcome, why=why, to=target, as_written=False),)


def show_hint(state: State, order: Order, command: ShowHint) -> Events:
    """Show the current step's hint; nothing is recorded twice. Raises IllegalCommand."""
    step = _current(state)
    if not step.hint:
        raise IllegalCommand(f"step {step.id} has no hint")
    return () if state.steps[step.id].hint_shown else (HintShown(step=step.id),)


def hand_over(state: State, order: Order, command: HandOver) -> Events:
    """Give the current step to somebody who is here. Raises IllegalCommand."""
    step = _current(state)
    able = [person.name for person in state.present if person.role != "observer"]
    if command.to not in able:
        raise IllegalCommand(f"{command.to or 'nobody'} cannot take over; here are: {', '.join(able) or 'nobody'}")
    return (HandedOver(step=step.id, to=command.to),)


def dispute(state: State, order: Order, command: Dispute) -> Events:
    """Say that the current step, or the one just ended, is wrong. Raises IllegalCommand."""
    step_id = state.current or state.cursor
    if not step_id:
        raise IllegalCommand("no step has begun yet")
    return (StepDisputed(step=step_id, text=said(command.text)),)
