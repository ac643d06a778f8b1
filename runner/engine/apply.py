"""The fold: a state and the next line of a transcript make the next state.

It is total. Whatever a transcript holds, of an older release or a newer one, in whatever order, it is taken for a
fact; what the state has no place for is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runner.engine import events as e
from runner.engine import fold_faults, fold_run, fold_samples, fold_steps
from runner.engine.state import State

_FOLDS: dict[type[e.Event], Callable[[State, Any, e.Recorded], State]] = {
    e.RunStarted: fold_run.run_started,
    e.PhaseEntered: fold_run.phase_entered,
    e.NeedChecked: fold_run.need_checked,
    e.TargetReady: fold_run.target_ready,
    e.TargetLost: fold_run.target_lost,
    e.TargetFound: fold_run.target_found,
    e.BaselineTaken: fold_run.baseline_taken,
    e.EndDecided: fold_run.end_decided,
    e.DebriefClosed: fold_run.debrief_closed,
    e.RunClosed: fold_run.run_closed,
    e.Paused: fold_run.paused,
    e.Unpaused: fold_run.unpaused,
    e.SuspendSeen: fold_run.suspend_seen,
    e.Warned: fold_run.warned,
    e.CommandGiven: fold_run.command_given,
    e.PersonJoined: fold_run.person_joined,
    e.PersonLeft: fold_run.person_left,
    e.MilestoneReached: fold_run.milestone_reached,
    e.NoteWritten: fold_run.note_written,
    e.StepStarted: fold_steps.step_started,
    e.StepConfirmed: fold_steps.step_confirmed,
    e.StepApproved: fold_steps.step_approved,
    e.StepAnswered: fold_steps.step_answered,
    e.StepChosen: fold_steps.step_chosen,
    e.StepDone: fold_steps.step_done,
    e.CommandIntended: fold_steps.command_intended,
    e.CommandStarted: fold_steps.command_started,
    e.CommandEnded: fold_steps.command_ended,
    e.RetryScheduled: fold_steps.retry_scheduled,
    e.VerifyPrimed: fold_steps.verify_primed,
    e.VerifyStarted: fold_steps.verify_started,
    e.VerifyEnded: fold_steps.verify_ended,
    e.StepFailing: fold_steps.step_failing,
    e.StepRetried: fold_steps.step_retried,
    e.StepEnded: fold_steps.step_ended,
    e.StepReminded: fold_steps.step_reminded,
    e.HintShown: fold_steps.hint_shown,
    e.HandedOver: fold_steps.handed_over,
    e.StepDisputed: fold_steps.step_disputed,
    e.ExperimentLoaded: fold_faults.experiment_loaded,
    e.ArmingBegun: fold_faults.arming_begun,
    e.HypothesisChecked: fold_faults.hypothesis_checked,
    e.ExperimentArmed: fold_faults.experiment_armed,
    e.InjectionScheduled: fold_faults.injection_scheduled,
    e.InjectionOrdered: fold_faults.injection_ordered,
    e.MethodBegun: fold_faults.method_begun,
    e.FaultIntended: fold_faults.fault_intended,
    e.FaultRefused: fold_faults.fault_refused,
    e.ControlBroke: fold_faults.control_broke,
    e.ActivityStarted: fold_faults.activity_started,
    e.ActivityEnded: fold_faults.activity_ended,
    e.MethodEnded: fold_faults.method_ended,
    e.ExperimentEnded: fold_faults.experiment_ended,
    e.ExperimentFailed: fold_faults.experiment_failed,
    e.UndoStarted: fold_faults.undo_started,
    e.RollbackStarted: fold_faults.rollback_started,
    e.FaultUndone: fold_faults.fault_undone,
    e.FaultLeft: fold_faults.fault_left,
    e.UndoEnded: fold_faults.undo_ended,
    e.LoadStarted: fold_samples.load_started,
    e.LoadSpawned: fold_samples.load_spawned,
    e.LoadSampled: fold_samples.load_sampled,
    e.LoadEnded: fold_samples.load_ended,
    e.LoadFailed: fold_samples.load_failed,
    e.IndicatorJudged: fold_samples.indicator_judged,
    e.AlertFired: fold_samples.alert_fired,
    e.AlertCleared: fold_samples.alert_cleared,
}


def apply(state: State, recorded: e.Recorded) -> State:
    """The state after this line."""
    fold = _FOLDS.get(type(recorded.event))
    if fold is not None:
        state = fold(state, recorded.event, recorded)
    return state.but(
        seq=recorded.seq,
        t=max(state.t, recorded.t),
        episodes=state.episodes.fold(recorded),
    )
