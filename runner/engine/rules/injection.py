"""When the word is given: each experiment waits, armed, for its own moment."""

from __future__ import annotations

from typing import assert_never

from runner.engine.commands import IllegalCommand, Inject, Order
from runner.engine.events import Event, InjectionOrdered
from runner.engine.plan import Experiment
from runner.engine.rules.rule import DueEvents, earliest
from runner.engine.state import ExperimentView, State
from runner.specs.injection_moment import AfterWarmUp, AtStep, Between, OnCommand, comes_by_itself


def injections(state: State) -> DueEvents | None:
    """The next word that is due; none while the run is paused: the team is not playing."""
    if state.paused:
        return None
    return earliest(*(_word(state, experiment) for experiment in state.plan.experiments))


def _word(state: State, experiment: Experiment) -> DueEvents | None:
    if state.experiments[experiment.slug].status != "armed":
        return None
    due = _due(state, experiment)
    return None if due is None else DueEvents((InjectionOrdered(experiment=experiment.slug),), due)


def _due(state: State, experiment: Experiment) -> float | None:
    """When its moment comes (s of the run's clock); None while nobody can say."""
    if state.plan.bare:
        return 0.0
    match experiment.inject:
        case AfterWarmUp():
            return 0.0
        case Between():
            return state.experiments[experiment.slug].due
        case AtStep(step=step):
            return 0.0 if _began(state, step) else None
        case OnCommand():
            return None
        case moment:
            assert_never(moment)


def _began(state: State, step: str) -> bool:
    view = state.steps.get(step)
    return view is not None and view.visits > 0


def pending(state: State) -> bool:
    """Something will still be injected by itself: the end waits for it."""
    return any(_pending(state, experiment) for experiment in state.plan.experiments)


def _pending(state: State, experiment: Experiment) -> bool:
    view = state.experiments[experiment.slug]
    if view.status == "armed":
        return comes_by_itself(experiment.inject) or _due(state, experiment) is not None
    return view.status in ("ordered", "injected") and not _applied(experiment, view)


def _applied(experiment: Experiment, view: ExperimentView) -> bool:
    """Each of its actions has begun; one that lasts as long as the fault does never returns."""
    if view.returned_t is not None:
        return True
    return view.injected_t is not None and view.actions_started >= experiment.actions


def inject(state: State, order: Order, command: Inject) -> tuple[Event, ...]:
    """A facilitator gives the word. Raises IllegalCommand."""
    if state.paused:
        raise IllegalCommand("the run is paused: resume it first")
    slug = command.experiment or _the_waiting_one(state)
    view = state.experiments.get(slug)
    if view is None:
        raise IllegalCommand(f"this run has no experiment {slug!r}: {', '.join(state.experiments) or 'none at all'}")
    if view.status != "armed":
        raise IllegalCommand(f"{slug} is {view.status}, not armed")
    return (InjectionOrdered(experiment=slug),)


def _the_waiting_one(state: State) -> str:
    waiting = [slug for slug, view in state.experiments.items() if view.status == "armed"]
    if not waiting:
        raise IllegalCommand("no experiment waits to be injected")
    if len(waiting) > 1:
        raise IllegalCommand(f"several experiments wait: name one ({', '.join(waiting)})")
    return waiting[0]
