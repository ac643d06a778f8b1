"""All reducers together: a state and the next line of a transcript make the next state.

It is total. Whatever a transcript holds, of an older release or a newer one, in whatever order, it is taken for a
fact; what the state has no place for is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runner.engine import events as e
from runner.engine.reducers import faults, run_state, samples, step_states
from runner.engine.state import State

_REDUCERS: dict[type[e.Event], Callable[[State, Any, e.Recorded], State]] = {
    e.RunStarted: run_state.run_started,
    e.PhaseEntered: run_state.phase_entered,
    e.NeedChecked: run_state.need_checked,
    e.TargetReady: run_state.target_ready,
    e.TargetLost: run_state.target_lost,
    e.TargetFound: run_state.target_found,
    e.BaselineTaken: run_state.baseline_taken,
    e.EndDecided: run_state.end_decided,
    e.DebriefClosed: run_state.debrief_closed,
    e.RunClosed: run_state.run_closed,
    e.Paused: run_state.paused,
    e.Resumed: run_state.resumed,
    e.SuspendSeen: run_state.suspend_seen,
    e.Warned: run_state.warned,
    e.CommandGiven: run_state.command_given,
    e.PersonJoined: run_state.person_joined,
    e.PersonLeft: run_state.person_left,
    e.MilestoneReached: run_state.milestone_reached,
    e.NoteWritten: run_state.note_written,
    e.StepStarted: step_states.step_started,
    e.StepConfirmed: step_states.step_confirmed,
    e.StepApproved: step_states.step_approved,
    e.StepAnswered: step_states.step_answered,
    e.StepChosen: step_states.step_chosen,
    e.StepDone: step_states.step_done,
    e.CommandIntended: step_states.command_intended,
    e.CommandStarted: step_states.command_started,
    e.CommandEnded: step_states.command_ended,
    e.RetryScheduled: step_states.retry_scheduled,
    e.VerifyPrimed: step_states.verify_primed,
    e.VerifyStarted: step_states.verify_started,
    e.VerifyEnded: step_states.verify_ended,
    e.StepFailing: step_states.step_failing,
    e.StepRetried: step_states.step_retried,
    e.StepEnded: step_states.step_ended,
    e.StepReminded: step_states.step_reminded,
    e.HintShown: step_states.hint_shown,
    e.HandedOver: step_states.handed_over,
    e.StepDisputed: step_states.step_disputed,
    e.ExperimentLoaded: faults.experiment_loaded,
    e.ArmingBegun: faults.arming_begun,
    e.HypothesisChecked: faults.hypothesis_checked,
    e.ExperimentArmed: faults.experiment_armed,
    e.InjectionScheduled: faults.injection_scheduled,
    e.InjectionOrdered: faults.injection_ordered,
    e.MethodBegun: faults.method_begun,
    e.FaultIntended: faults.fault_intended,
    e.FaultRefused: faults.fault_refused,
    e.ControlBroke: faults.control_broke,
    e.ActivityStarted: faults.activity_started,
    e.ActivityEnded: faults.activity_ended,
    e.MethodEnded: faults.method_ended,
    e.ExperimentEnded: faults.experiment_ended,
    e.ExperimentFailed: faults.experiment_failed,
    e.UndoStarted: faults.undo_started,
    e.RollbackStarted: faults.rollback_started,
    e.FaultUndone: faults.fault_undone,
    e.UndoFailed: faults.undo_failed,
    e.UndoEnded: faults.undo_ended,
    e.LoadStarted: samples.load_started,
    e.LoadSpawned: samples.load_spawned,
    e.LoadSampled: samples.load_sampled,
    e.LoadEnded: samples.load_ended,
    e.LoadFailed: samples.load_failed,
    e.IndicatorJudged: samples.indicator_judged,
    e.AlertFired: samples.alert_fired,
    e.AlertCleared: samples.alert_cleared,
}


def apply(state: State, recorded: e.Recorded) -> State:
    """The state after this line."""
    reduce = _REDUCERS.get(type(recorded.event))
    if reduce is not None:
        state = reduce(state, recorded.event, recorded)
    return state.but(
        seq=recorded.seq,
        t=max(state.t, recorded.t),
        episodes=state.episodes.fold(recorded),
    )
