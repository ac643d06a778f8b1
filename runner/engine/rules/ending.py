"""Why a run ends by itself: it is complete, something went wrong, or a limit is reached."""

from __future__ import annotations

from runner.engine.events import DebriefClosed, PhaseEntered
from runner.engine.plan import StopRule
from runner.engine.rules.injection import pending
from runner.engine.rules.rule import JUDGING_LAG, DueEvents, at_once, ends
from runner.engine.rules.steps import following
from runner.engine.state import ExperimentView, State, Streak
from runner.engine.wording import measured

#: An impact takes two bad seconds to be one.
BREACH = 2.0


def leave(state: State) -> DueEvents | None:
    """Whatever ends a run, undoing follows, even when there is nothing to undo."""
    return at_once(PhaseEntered(phase="undoing")) if state.ending else None


def debrief(state: State) -> DueEvents | None:
    return at_once(PhaseEntered(phase="debrief")) if state.undo_ended else None


def nobody_to_debrief(state: State) -> DueEvents | None:
    """A headless run has nobody who would write anything; people who are here close it, or leave."""
    return None if state.present or state.debrief_closed else at_once(DebriefClosed())


# -- something went wrong ----------------------------------------------------------------------------------------------


def unmet_needs(state: State) -> DueEvents | None:
    """A need that does not hold; once a fault is in, that may be its doing."""
    if state.last_injection is not None:
        return None
    for name, need in state.needs.items():
        if not need.met:
            return ends("refused", f"{name}: {need.why}" if need.why else f"{name} does not hold", reason="need")
    return None


def troubles(state: State) -> DueEvents | None:
    """An experiment or the load cannot go on: refused while nothing has changed, broken after that."""
    cause = "refused" if state.phase == "preflight" else "broken"
    if state.load.failed:
        # One that never began has sent nothing, and a locustfile's own fault is not the tool's: mend it, and begin again.
        if state.load.started_t is None or state.load.fault_of_its_own:
            cause = "refused"
        return ends(cause, f"load: {state.load.failed}", reason="load")
    for view in state.experiments.values():
        reaction = _trouble(state, view, cause)
        if reaction:
            return reaction
    return None


def _trouble(state: State, view: ExperimentView, cause: str) -> DueEvents | None:
    if view.status == "failed":
        return ends(cause, f"{view.slug}: {view.why}", reason="experiment")
    if view.refused:
        return ends("refused", f"{view.slug}: {view.refused}", reason="guard")
    if view.hypothesis.get("before") is False:
        found = f": {view.why}" if view.why else ""
        return ends("refused", f"steady state of {view.slug} not met{found}", reason="steady-state")
    if view.status == "ended" and view.ordered_t is None:
        live = state.phase == "live"
        return ends(
            "broken" if live else "refused",
            f"{view.slug} ended before its method ({view.verdict})",
            reason="experiment",
        )
    return None


# -- limits ------------------------------------------------------------------------------------------------------------


def abandoned(state: State) -> DueEvents | None:
    """There were people in the room, and all of them left."""
    if not state.people or state.present:
        return None
    left = max(person.left_t or 0.0 for person in state.people)
    why = f"nobody was in the room for {state.plan.abandon_after:g} s"
    return ends("aborted", why, reason="logistics", due=left + state.plan.abandon_after)


def target_gone(state: State) -> DueEvents | None:
    """The target has been lost for as long as the drill puts up with."""
    patience = min((rule.lasting for rule in state.plan.stop_when if rule.target), default=None)
    if patience is None or state.target_lost_t is None:
        return None
    why = f"the target is gone{f' for {patience:g} s' if patience else ''}: {state.target_lost_why}"
    own = state.last_injection is not None
    return ends("stopped", why, reason="target-gone", due=state.target_lost_t + patience, own_fault=own)


def stop_rules(state: State) -> DueEvents | None:
    """Collateral damage: an indicator broke a bound for too long."""
    for rule, streak in zip(state.plan.stop_when, state.streaks, strict=True):
        if streak and streak.until - streak.since >= rule.lasting:
            own = state.last_injection is not None
            return ends("stopped", _stopped_by(state, rule, streak), reason="stop-when", own_fault=own)
    return None


def _stopped_by(state: State, rule: StopRule, streak: Streak) -> str:
    indicator = next((each for each in state.plan.indicators if each.name == rule.indicator), None)
    limit = rule.below if rule.below is not None else rule.above
    words = measured(indicator, limit) if indicator else f"{limit}"
    side = "below" if rule.below is not None else "above"
    return f"{rule.indicator} {side} {words} for {streak.until - streak.since:g} s"


def pause_limit(state: State) -> DueEvents | None:
    """A pause with a fault in it must not last for ever."""
    if state.paused_t is None:
        return None
    why = f"paused longer than max-pause ({state.plan.max_pause:g} s)"
    return ends("stopped", why, reason="max-pause", due=state.paused_t + state.plan.max_pause)


def time_box(state: State) -> DueEvents | None:
    """Live time, net of pauses."""
    if state.live_t is None or state.paused:
        return None
    due = state.live_t + state.plan.time_box + state.paused_total
    return ends("time-box", f"the time-box of {state.plan.time_box:g} s is over", due=due)


# -- complete ----------------------------------------------------------------------------------------------------------


def completion(state: State) -> DueEvents | None:
    """The runbook is done and the service has recovered, or will not be hurt any more."""
    if state.plan.bare:
        return _bare(state)
    if state.paused or state.current or following(state) or pending(state):
        return None
    due = _settled(state)
    return None if due is None else ends("complete", _outcome(state), due=due)


def _bare(state: State) -> DueEvents | None:
    """An experiment alone ends when Chaos Toolkit says so."""
    views = state.experiments.values()
    if not all(view.status == "ended" for view in views):
        return None
    bad = [view for view in views if view.deviated or view.verdict != "completed"]
    if not bad:
        return ends("complete", "the method ended")
    words = ", ".join(f"{view.slug}: {'deviated' if view.deviated else view.verdict}" for view in bad)
    return ends("deviated", words)


def _settled(state: State) -> float | None:
    """When nothing more can be learned (s of the run's clock); None while that depends on what happens."""
    done = state.cursor_t if state.cursor_t is not None else state.live_t or 0.0
    last = state.last_injection
    if not state.plan.indicators:
        return 0.0 if all(_returned(view) for view in state.experiments.values()) else None
    if last is None:
        return done + state.plan.hold
    recovered = state.episodes.recovered
    if blind(state) and not (recovered is not None and recovered >= last):
        # What it was to show can never be seen: nobody has to wait for it.
        return done
    if state.episodes.impact is not None:
        if recovered is None:
            return None
        if recovered >= last:
            return 0.0
    # The latest fault has not bitten yet: it may, until its time is over and its last second is judged.
    return last + (state.plan.impact_within or state.plan.hold) + BREACH + JUDGING_LAG


def _returned(view: ExperimentView) -> bool:
    """It has done what it does, or nobody gave it the word."""
    return view.ordered_t is None or view.returned_t is not None or view.status == "ended"


def blind(state: State) -> bool:
    """The load has ended by itself, and an indicator rests on it."""
    return state.load.ended_t is not None and any(each.source == "load" for each in state.plan.indicators)


def _outcome(state: State) -> str:
    if state.episodes.recovered is not None:
        return "recovered"
    if blind(state):
        return f"the load ended ({state.load.why or 'by itself'}): nothing more can be measured"
    if state.last_injection is None or not state.plan.indicators:
        return "the steps are done"
    return f"no impact within {state.plan.impact_within:g} s"
