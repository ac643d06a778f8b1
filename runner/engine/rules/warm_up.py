"""The warm-up: the load ramps, the experiments arm, and the steady state is measured before anything may break."""

from __future__ import annotations

import math

from runner.engine.events import ArmingBegun, BaselineTaken, EndDecided, PhaseEntered
from runner.engine.plan import Indicator
from runner.engine.reducers.samples import baseline_from
from runner.engine.rules.ending import blind
from runner.engine.rules.rule import DueEvents, earliest, ends
from runner.engine.state import Bucket, ExperimentView, IndicatorView, State
from runner.engine.wording import bound, measured

#: Long enough for three judged seconds when there is no load whose warm-up says how long.
PROBES_ONLY = 5.0
#: A before-hypothesis that takes longer than this does not end by itself.
ARMING_LIMIT = 120.0
#: A ramp that is not complete this long before the warm-up's end does not hold up the arming.
ARMING_MARGIN = 3.0
#: Names of requests that are told.
_SHOWN = 5
#: A warm-up shorter than this holds two whole seconds after the ramp, not three.
SHORT = 4.0


def length(state: State) -> float:
    """How long the warm-up lasts at least, in s."""
    if state.plan.load is not None:
        return state.plan.load.warm_up
    return PROBES_ONLY if state.plan.indicators else 0.0


def patience(state: State) -> float:
    """Until when the steady state may still be reached (s of the run's clock)."""
    return state.phase_t + 2 * length(state) + (5.0 if length(state) else 0.0)


def load_over(state: State) -> DueEvents | None:
    """A load that ended before the fault measures nothing of it, and what it measured is no baseline any more."""
    if not blind(state):
        return None
    return ends("refused", f"the load ended before the fault: {state.load.why or 'by itself'}", reason="load")


# -- arming ------------------------------------------------------------------------------------------------------------


def arming(state: State) -> DueEvents | None:
    """Begin to arm early enough to be armed when the warm-up ends; give up on one that never is."""
    views = state.experiments.values()
    loaded = [ArmingBegun(experiment=view.slug) for view in views if view.status == "loaded"]
    begin = DueEvents(tuple(loaded), _arming_due(state)) if loaded else None
    return earliest(begin, *(_too_slow(state, view) for view in views))


def _arming_due(state: State) -> float:
    if state.plan.load is None:
        return state.phase_t
    ramped = state.phase_t + length(state) - ARMING_MARGIN
    if state.load.spawned_t is not None:
        ramped = min(ramped, state.load.spawned_t)
    return max(ramped, state.phase_t + 0.6 * length(state))


def _too_slow(state: State, view: ExperimentView) -> DueEvents | None:
    if view.status == "arming" and view.arming_t is not None:
        why = f"{view.slug} was not armed within {ARMING_LIMIT:g} s: its hypothesis does not come to an end"
        return ends("broken", why, reason="not-armed", due=view.arming_t + ARMING_LIMIT)
    if view.status == "waiting":
        why = f"{view.slug} was not loaded within {ARMING_LIMIT:g} s"
        return ends("broken", why, reason="not-loaded", due=state.phase_t + ARMING_LIMIT)
    return None


# -- the baseline ------------------------------------------------------------------------------------------------------


def baseline(state: State) -> DueEvents | None:
    """Take the baseline and go live once it is met and every experiment stands armed; refuse when it is never met."""
    taken = measure(state)
    if not taken.met:
        refused = EndDecided(cause="refused", reason="steady-state", why=f"steady state not met: {taken.why}")
        return DueEvents((taken, refused), patience(state))
    if any(view.status != "armed" for view in state.experiments.values()):
        return None
    return DueEvents((taken, PhaseEntered(phase="live")), state.phase_t + length(state))


def measure(state: State) -> BaselineTaken:
    """The baseline as it stands now."""
    begin = baseline_from(state)
    if begin is None:
        return BaselineTaken(met=False, since=state.phase_t, why=_no_ramp(state))
    windows = {name: _window(state, view) for name, view in state.indicators.items()}
    failed = {
        name: why for name, why in ((name, _unmet(state, name, window)) for name, window in windows.items()) if why
    }
    held = tuple(name for name in windows if name not in failed)
    since = min((window[0].since for window in windows.values() if window), default=begin)
    why = "; ".join(f"{name} {why}" for name, why in failed.items())
    return BaselineTaken(met=not failed, since=since, held=held, failed=tuple(failed), why=why)


def _no_ramp(state: State) -> str:
    if state.load.started_t is None and state.plan.load is not None:
        return f"the load did not start: {state.plan.load.locustfile} is still being imported"
    return "the load's ramp did not complete"


def _window(state: State, view: IndicatorView) -> tuple[Bucket, ...]:
    """The last seconds of the baseline, as many as `hold` asks for or there are."""
    return view.baseline[-max(_needed(state), math.ceil(state.plan.hold)) :]


def _needed(state: State) -> int:
    return 2 if length(state) < SHORT else 3


def _unmet(state: State, name: str, window: tuple[Bucket, ...]) -> str:
    """Why the indicator's baseline is not met; '' when it is."""
    if len(window) < _needed(state):
        return f"was measured for {len(window)} s only"
    bad = next((bucket for bucket in reversed(window) if not bucket.ok), None)
    if bad is None:
        return ""
    indicator = _indicator(state, name)
    if bad.value is None and (never := _never_sent(state, indicator)):
        return never
    return f"{measured(indicator, bad.value)} at {bad.since:g} s, not {bound(indicator)}"


def _never_sent(state: State, indicator: Indicator) -> str:
    """That the load has never asked what the indicator looks at, and what it asks instead; '' when it has."""
    names = state.load.names
    if indicator.source != "load" or indicator.request in names or (names and not indicator.request):
        return ""
    if not names:
        return "was not measured: the load has made no request"
    shown = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
    return f"was not measured: the load has made no request called {indicator.request!r}, but {shown}"


def _indicator(state: State, name: str) -> Indicator:
    return next(indicator for indicator in state.plan.indicators if indicator.name == name)
