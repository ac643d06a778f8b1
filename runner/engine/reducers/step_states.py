"""How step events change the state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runner.engine.events import (
    CommandEnded,
    CommandIntended,
    CommandStarted,
    HandedOver,
    HintShown,
    Recorded,
    RetryScheduled,
    StepAnswered,
    StepApproved,
    StepChosen,
    StepConfirmed,
    StepDisputed,
    StepDone,
    StepEnded,
    StepFailing,
    StepReminded,
    StepRetried,
    StepStarted,
    VerifyEnded,
    VerifyPrimed,
    VerifyStarted,
)
from runner.engine.plan import Step
from runner.engine.prompt import is_gated
from runner.engine.reducers.reducer_table import ReducerTable
from runner.engine.state import State, StepStatus, StepView
from runner.people import PROCESSES

reduces = ReducerTable()


def change_step(state: State, step_id: str, **changes: Any) -> State:
    """The state with that step's view changed; unchanged when the plan has no such step."""
    view = state.steps.get(step_id)
    if view is None:
        return state
    return state.but(steps={**state.steps, step_id: replace(view, **changes)})


@reduces(StepStarted)
def step_started(state: State, event: StepStarted, record: Recorded) -> State:
    if event.step not in state.steps:
        return state
    step = state.plan.step(event.step)
    view = StepView(
        id=event.step,
        visits=event.visit,
        started_t=record.t,
        paused_before=state.paused_seconds(record.t),
        primed=_held_already(state, step),
        disputes=state.steps[event.step].disputes,
    )
    view = replace(view, status=_waiting_status(step, view))
    return state.but(steps={**state.steps, event.step: view}, current=event.step, jump="")


def _held_already(state: State, step: Step) -> bool | None:
    """Whether the step's indicator had already held as long as its verification asks."""
    if step.verify is None or not step.verify.indicator:
        return None
    view = state.indicators.get(step.verify.indicator)
    if view is None or view.ok is None:
        return None
    good = view.good_since(0.0)
    return good is not None and good >= step.verify.lasting


def _waiting_status(step: Step, view: StepView) -> StepStatus:
    return "asking" if is_gated(step, view) else "ready"


@reduces(StepConfirmed)
def step_confirmed(state: State, event: StepConfirmed, record: Recorded) -> State:
    driven = state if event.waived else _driven(state, record)
    return _gate_passed(driven, event.step, record.by, confirmed=True)


@reduces(StepApproved)
def step_approved(state: State, event: StepApproved, record: Recorded) -> State:
    return _gate_passed(state, event.step, record.by, approved=True)


@reduces(StepAnswered)
def step_answered(state: State, event: StepAnswered, record: Recorded) -> State:
    view = state.steps.get(event.step)
    if view is None:
        return state
    state = state if event.waived else _driven(state, record)
    state = state.but(answers={**state.answers, event.name: event.value})
    return _gate_passed(state, event.step, record.by, answered=view.answered | {event.name})


def _gate_passed(state: State, step_id: str, who: str, **passed: Any) -> State:
    state = change_step(state, step_id, who=who, **passed)
    view = state.steps.get(step_id)
    if view is None or view.status != "asking":
        return state
    return change_step(state, step_id, status=_waiting_status(state.plan.step(step_id), view))


def _driven(state: State, record: Recorded) -> State:
    return state.but(driver=record.by)


@reduces(StepChosen)
def step_chosen(state: State, event: StepChosen, record: Recorded) -> State:
    return change_step(_driven(state, record), event.step, choice=event.label, who=record.by)


@reduces(StepDone)
def step_done(state: State, event: StepDone, record: Recorded) -> State:
    return change_step(_driven(state, record), event.step, status="done", who=record.by, role=event.role)


@reduces(CommandIntended)
def command_intended(state: State, event: CommandIntended, record: Recorded) -> State:
    if record.by not in PROCESSES:
        # By somebody's word; else a retry, or a step that runs by itself.
        state = change_step(_driven(state, record), event.step, who=record.by)
    return change_step(
        state,
        event.step,
        status="running",
        attempt=event.attempt,
        retried=False,
        pid=0,
        command_t=record.t,
        command_ended_t=None,
        exit_code=None,
        timed_out=False,
        retry_due=None,
    )


@reduces(CommandStarted)
def command_started(state: State, event: CommandStarted, record: Recorded) -> State:
    if not _is_running(state, event.step, event.attempt):
        return state
    return change_step(state, event.step, pid=event.pid, command_t=record.t)


@reduces(CommandEnded)
def command_ended(state: State, event: CommandEnded, record: Recorded) -> State:
    if not _is_running(state, event.step, event.attempt):
        return state
    return change_step(
        state.but(outputs={**state.outputs, **event.outputs}) if event.outputs else state,
        event.step,
        status="ran",
        pid=0,
        command_ended_t=record.t,
        exit_code=event.exit_code,
        timed_out=event.timed_out,
        output=event.output,
        tail=event.tail,
        why=event.why,
    )


def _is_running(state: State, step_id: str, attempt: int) -> bool:
    """A command may outlive its step by a moment: what it says then is on the transcript, and changes nothing."""
    view = state.steps.get(step_id)
    return view is not None and view.status == "running" and view.attempt == attempt


@reduces(RetryScheduled)
def retry_scheduled(state: State, event: RetryScheduled, record: Recorded) -> State:
    return change_step(state, event.step, status="retry-wait", retry_due=event.due)


@reduces(VerifyPrimed)
def verify_primed(state: State, event: VerifyPrimed, record: Recorded) -> State:
    return change_step(state, event.step, primed=event.held)


@reduces(VerifyStarted)
def verify_started(state: State, event: VerifyStarted, record: Recorded) -> State:
    return change_step(
        state,
        event.step,
        status="verifying",
        verify_t=record.t,
        verify_paused=state.paused_seconds(record.t),
        held=None,
        vacuous=event.vacuous,
    )


@reduces(VerifyEnded)
def verify_ended(state: State, event: VerifyEnded, record: Recorded) -> State:
    view = state.steps.get(event.step)
    if view is None or view.status != "verifying":
        return state
    return change_step(
        state, event.step, status="verified", held=event.held, why=event.why, vacuous=view.vacuous or event.vacuous
    )


@reduces(StepFailing)
def step_failing(state: State, event: StepFailing, record: Recorded) -> State:
    return change_step(state, event.step, status="failing", why=event.why)


@reduces(StepRetried)
def step_retried(state: State, event: StepRetried, record: Recorded) -> State:
    view = state.steps.get(event.step)
    if view is None:
        return state
    status = _waiting_status(state.plan.step(event.step), view)
    state = _driven(state, record)
    return change_step(state, event.step, status=status, retried=True, forgiven=view.attempt, why="", who=record.by)


@reduces(StepEnded)
def step_ended(state: State, event: StepEnded, record: Recorded) -> State:
    view = state.steps.get(event.step)
    if view is None:
        return state
    if state.plan.step(event.step).anytime:
        return _anytime_ended(state, view, event, record)
    if event.step == state.current or not view.visits:
        state = state.but(steps={**state.steps, event.step: _ended(state, view, event, record)})
    current = "" if event.step == state.current else state.current
    return state.but(current=current, cursor=event.step, cursor_t=record.t, jump=event.to)


def _ended(state: State, view: StepView, event: StepEnded, record: Recorded) -> StepView:
    return replace(
        view,
        status="ended",
        ended_t=record.t,
        net_seconds=None if view.started_t is None else state.step_seconds(view.id, record.t),
        outcome=event.outcome,
        why=event.why,
        as_written=event.as_written,
    )


def _anytime_ended(state: State, view: StepView, event: StepEnded, record: Recorded) -> State:
    ended = replace(
        _ended(state, view, event, record),
        visits=view.visits + 1,
        reminded_t=record.t,
        reminded_paused=state.paused_seconds(record.t),
    )
    return state.but(steps={**state.steps, event.step: ended})


@reduces(StepReminded)
def step_reminded(state: State, event: StepReminded, record: Recorded) -> State:
    return change_step(state, event.step, reminded_t=record.t, reminded_paused=state.paused_seconds(record.t))


@reduces(HintShown)
def hint_shown(state: State, event: HintShown, record: Recorded) -> State:
    return change_step(state, event.step, hint_shown=True)


@reduces(HandedOver)
def handed_over(state: State, event: HandedOver, record: Recorded) -> State:
    return change_step(state.but(driver=event.to), event.step, holder=event.to)


@reduces(StepDisputed)
def step_disputed(state: State, event: StepDisputed, record: Recorded) -> State:
    view = state.steps.get(event.step)
    return state if view is None else change_step(state, event.step, disputes=view.disputes + 1)
