"""How load, indicators and alerts change the state: the events that come every second."""

from __future__ import annotations

from dataclasses import replace

from runner.engine.events import (
    AlertCleared,
    AlertFired,
    IndicatorJudged,
    LoadEnded,
    LoadFailed,
    LoadSampled,
    LoadSpawned,
    LoadStarted,
    Recorded,
)
from runner.engine.plan import StopRule
from runner.engine.reducers.reducer_table import ReducerTable
from runner.engine.state import BASELINE_BUCKETS, AlertView, Bucket, IndicatorView, LoadView, State, Streak
from runner.lazy_dataclass import but

reduces = ReducerTable()

#: Names of requests remembered.
_NAMES = 50

#: The first second after the ramp still holds requests that began during it.
SETTLING = 1.0


@reduces(LoadStarted)
def load_started(state: State, event: LoadStarted, record: Recorded) -> State:
    return state.but(load=replace(state.load, started_t=record.t))


@reduces(LoadSpawned)
def load_spawned(state: State, event: LoadSpawned, record: Recorded) -> State:
    return state.but(load=replace(state.load, spawned_t=record.t, users=event.users))


@reduces(LoadSampled)
def load_sampled(state: State, event: LoadSampled, record: Recorded) -> State:
    sent = sum(int(window.get("n") or 0) for window in event.requests.values())
    failed = sum(int(window.get("failures") or 0) for window in event.requests.values())
    load = state.load
    counts = {"requests": load.requests + sent, "failures": load.failures + failed}
    return state.but(load=but(load, users=event.users, names=_names(load, event), last=event, **counts))


def _names(load: LoadView, event: LoadSampled) -> tuple[str, ...]:
    """With the new ones of this window; a load may make up as many names as it sends requests."""
    if event.requests.keys() <= set(load.names) or len(load.names) >= _NAMES:
        return load.names
    return tuple(dict.fromkeys((*load.names, *event.requests)))[:_NAMES]


@reduces(LoadEnded)
def load_ended(state: State, event: LoadEnded, record: Recorded) -> State:
    return state.but(load=replace(state.load, users=0, ended_t=record.t, why=event.why))


@reduces(LoadFailed)
def load_failed(state: State, event: LoadFailed, record: Recorded) -> State:
    return state.but(
        load=replace(
            state.load,
            users=0,
            ended_t=record.t,
            failed=event.why or "the load failed",
            fault_of_its_own=event.locustfile,
        )
    )


def baseline_from(state: State) -> float | None:
    """From when on the steady state can be measured (s): the ramp is over; None while it is not."""
    if state.plan.load is None:
        return state.phase_t if state.phase == "warm-up" else None
    return None if state.load.spawned_t is None else state.load.spawned_t + SETTLING


@reduces(IndicatorJudged)
def indicator_judged(state: State, event: IndicatorJudged, record: Recorded) -> State:
    view = state.indicators.get(event.indicator)
    if view is None:
        return state
    good_from = view.ok_since if view.ok_since is not None else event.since
    view = but(
        view,
        value=event.value,
        ok=event.ok,
        degraded_ok=event.degraded_ok,
        n=event.n,
        since=event.since,
        ok_since=good_from if event.ok else None,
        baseline=_baseline(state, view, event),
    )
    state = state.but(indicators={**state.indicators, view.name: view}, streaks=_streaks(state, event))
    return state if event.ok else _discriminates(state, event.indicator)


def _discriminates(state: State, indicator: str) -> State:
    """A step may become current before the fault bites: a bad second before it is done shows that the check is no sham."""
    step = state.step
    view = state.steps.get(state.current)
    if step is None or view is None or view.primed is not True or view.verify_t is not None:
        return state
    if step.verify is None or step.verify.indicator != indicator:
        return state
    return state.but(steps={**state.steps, view.id: replace(view, primed=False)})


def _baseline(state: State, view: IndicatorView, event: IndicatorJudged) -> tuple[Bucket, ...]:
    begin = baseline_from(state) if state.phase == "warm-up" else None
    if begin is None or event.since < begin:
        return view.baseline
    return (*view.baseline, Bucket(event.since, event.ok, event.value))[-BASELINE_BUCKETS:]


def _streaks(state: State, event: IndicatorJudged) -> tuple[Streak | None, ...]:
    return tuple(
        _streak(rule, streak, event) if rule.indicator == event.indicator else streak
        for rule, streak in zip(state.plan.stop_when, state.streaks, strict=True)
    )


def _streak(rule: StopRule, streak: Streak | None, event: IndicatorJudged) -> Streak | None:
    """An empty second cannot begin a streak, but neither does silence prove that the harm is over."""
    if event.value is None:
        return streak and Streak(streak.since, event.since + 1.0)
    low = rule.below is not None and event.value < rule.below
    high = rule.above is not None and event.value > rule.above
    if not (low or high):
        return None
    return Streak(streak.since if streak else event.since, event.since + 1.0)


@reduces(AlertFired)
def alert_fired(state: State, event: AlertFired, record: Recorded) -> State:
    view = state.alerts.get(event.alert, AlertView(name=event.alert))
    counts = view.fired_t is None and not event.before
    view = replace(view, firing=True, before=view.before or event.before, fired_t=record.t if counts else view.fired_t)
    return state.but(alerts={**state.alerts, view.name: view})


@reduces(AlertCleared)
def alert_cleared(state: State, event: AlertCleared, record: Recorded) -> State:
    view = state.alerts.get(event.alert, AlertView(name=event.alert))
    return state.but(alerts={**state.alerts, view.name: replace(view, firing=False)})
