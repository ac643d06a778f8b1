"""How events of experiments, faults and their undo change the state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runner.engine.events import (
    ActivityEnded,
    ActivityStarted,
    ArmingBegun,
    ControlBroke,
    ExperimentArmed,
    ExperimentEnded,
    ExperimentFailed,
    ExperimentLoaded,
    FaultIntended,
    FaultRefused,
    FaultUndone,
    HypothesisChecked,
    InjectionOrdered,
    InjectionScheduled,
    MethodBegun,
    MethodEnded,
    Recorded,
    RollbackStarted,
    UndoEnded,
    UndoFailed,
    UndoStarted,
)
from runner.engine.reducers.reducer_table import ReducerTable
from runner.engine.state import ExperimentView, State
from runner.engine.wording import broken_control

reduces = ReducerTable()

_OVER = ("ended", "failed", "undoing", "undone", "left")


def change_experiment(state: State, slug: str, **changes: Any) -> State:
    """The state with that experiment's view changed; unchanged when the plan has no such experiment."""
    view = state.experiments.get(slug)
    if view is None:
        return state
    return _with(state, replace(view, **changes))


def _with(state: State, view: ExperimentView) -> State:
    return state.but(experiments={**state.experiments, view.slug: view})


@reduces(ExperimentLoaded)
def experiment_loaded(state: State, event: ExperimentLoaded, record: Recorded) -> State:
    view = state.experiments.get(event.experiment)
    if view is None or view.status != "waiting":
        return state
    return _with(state, replace(view, status="loaded"))


@reduces(ArmingBegun)
def arming_begun(state: State, event: ArmingBegun, record: Recorded) -> State:
    return change_experiment(state, event.experiment, status="arming", arming_t=record.t)


@reduces(HypothesisChecked)
def hypothesis_checked(state: State, event: HypothesisChecked, record: Recorded) -> State:
    view = state.experiments.get(event.experiment)
    if view is None:
        return state
    why = view.why if event.met else _unmet(event)
    return _with(state, replace(view, hypothesis={**view.hypothesis, event.when: event.met}, why=why))


def _unmet(event: HypothesisChecked) -> str:
    """The first probe that was out of tolerance, in a line."""
    for probe in event.probes:
        if not probe.get("met", True):
            gave = probe.get("error") or f"it gave {probe.get('value')}"
            return f"{probe.get('name', 'a probe')}: {gave}"
    return ""


@reduces(ExperimentArmed)
def experiment_armed(state: State, event: ExperimentArmed, record: Recorded) -> State:
    return change_experiment(state, event.experiment, status="armed")


@reduces(InjectionScheduled)
def injection_scheduled(state: State, event: InjectionScheduled, record: Recorded) -> State:
    return change_experiment(state, event.experiment, due=event.due)


@reduces(InjectionOrdered)
def injection_ordered(state: State, event: InjectionOrdered, record: Recorded) -> State:
    return change_experiment(state, event.experiment, status="ordered", ordered_t=record.t)


@reduces(MethodBegun)
def method_begun(state: State, event: MethodBegun, record: Recorded) -> State:
    return change_experiment(state, event.experiment, begun=True)


@reduces(FaultIntended)
def fault_intended(state: State, event: FaultIntended, record: Recorded) -> State:
    view = state.experiments.get(event.experiment)
    return state if view is None else _with(state, replace(view, intents=view.intents + 1))


@reduces(FaultRefused)
def fault_refused(state: State, event: FaultRefused, record: Recorded) -> State:
    return change_experiment(state, event.experiment, refused=f"{event.name}: {event.why}")


@reduces(ControlBroke)
def control_broke(state: State, event: ControlBroke, record: Recorded) -> State:
    """One that stands before something and cannot say yes has said no."""
    if not event.stops:
        return state
    return change_experiment(state, event.experiment, refused=broken_control(event))


@reduces(ActivityStarted)
def activity_started(state: State, event: ActivityStarted, record: Recorded) -> State:
    view = state.experiments.get(event.experiment)
    if view is None:
        return state
    view = replace(view, activity=event.name)
    if event.type == "action":
        first = view.injected_t is None
        view = replace(
            view,
            status="injected" if first and view.status not in _OVER else view.status,
            injected_t=record.t if first else view.injected_t,
            actions_started=view.actions_started + 1,
        )
    return _with(state, view)


@reduces(ActivityEnded)
def activity_ended(state: State, event: ActivityEnded, record: Recorded) -> State:
    view = state.experiments.get(event.experiment)
    if view is None:
        return state
    failed = event.type == "action" and event.status != "succeeded"
    activity = "" if view.activity == event.name else view.activity
    return _with(state, replace(view, activity=activity, actions_failed=view.actions_failed + failed))


@reduces(MethodEnded)
def method_ended(state: State, event: MethodEnded, record: Recorded) -> State:
    return change_experiment(state, event.experiment, returned_t=record.t, activity="")


@reduces(ExperimentEnded)
def experiment_ended(state: State, event: ExperimentEnded, record: Recorded) -> State:
    view = state.experiments.get(event.experiment)
    if view is None:
        return state
    status = view.status if view.status in _OVER else "ended"
    return _with(
        state,
        replace(view, status=status, ended_t=record.t, verdict=event.status, deviated=event.deviated, activity=""),
    )


@reduces(ExperimentFailed)
def experiment_failed(state: State, event: ExperimentFailed, record: Recorded) -> State:
    view = state.experiments.get(event.experiment)
    if view is None:
        return state
    status = view.status if view.status in _OVER[2:] else "failed"
    return _with(state, replace(view, status=status, why=event.why, ended_t=record.t, activity=""))


@reduces(UndoStarted)
def undo_started(state: State, event: UndoStarted, record: Recorded) -> State:
    for slug in event.experiments:
        state = change_experiment(state, slug, status="undoing")
    return state


@reduces(RollbackStarted)
def rollback_started(state: State, event: RollbackStarted, record: Recorded) -> State:
    return change_experiment(state, event.experiment, status="undoing")


@reduces(FaultUndone)
def fault_undone(state: State, event: FaultUndone, record: Recorded) -> State:
    left = tuple(slug for slug in state.left if slug != event.experiment)
    state = state.but(left=left)
    return change_experiment(state, event.experiment, status="undone", undone=event.how)


@reduces(UndoFailed)
def undo_failed(state: State, event: UndoFailed, record: Recorded) -> State:
    left = state.left if event.experiment in state.left else (*state.left, event.experiment)
    return change_experiment(state.but(left=left), event.experiment, status="left", why=event.why)


@reduces(UndoEnded)
def undo_ended(state: State, event: UndoEnded, record: Recorded) -> State:
    return state.but(undo_ended=True)
