"""How events of the run and its people change the state."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from runner.engine.episodes import Episodes
from runner.engine.events import (
    BaselineTaken,
    CommandGiven,
    DebriefClosed,
    EndDecided,
    MilestoneReached,
    NeedChecked,
    NoteWritten,
    Paused,
    PersonJoined,
    PersonLeft,
    PhaseEntered,
    Recorded,
    Resumed,
    RunClosed,
    RunStarted,
    SuspendSeen,
    TargetFound,
    TargetLost,
    TargetReady,
    Warned,
)
from runner.engine.phases import Phase
from runner.engine.plan_json import plan_from_json
from runner.engine.reducers.reducer_table import ReducerTable
from runner.engine.state import (
    AlertView,
    ExperimentView,
    IndicatorView,
    Need,
    NoteView,
    Person,
    Reached,
    State,
    StepView,
)
from runner.people import NOTICES

reduces = ReducerTable()

#: Warnings come from machines as well as from people: the latest are kept.
_WARNINGS_KEPT = 100


@reduces(RunStarted)
def run_started(state: State, event: RunStarted, record: Recorded) -> State:
    if state.run:
        return state
    plan = plan_from_json(event.plan)
    return replace(
        State.empty(),
        run=event.run,
        plan=plan,
        attended=event.attended,
        scripted=frozenset(event.scripted),
        person=event.person,
        driver=event.person,
        accounts={event.person: event.uid} if event.person else {},
        started_at=record.at,
        steps={step.id: StepView(id=step.id) for step in plan.steps},
        experiments={experiment.slug: ExperimentView(slug=experiment.slug) for experiment in plan.experiments},
        indicators={indicator.name: IndicatorView(name=indicator.name) for indicator in plan.indicators},
        alerts={alert.name: AlertView(name=alert.name) for alert in plan.alerts},
        streaks=(None,) * len(plan.stop_when),
        episodes=Episodes.empty(plan),
    )


@reduces(PhaseEntered)
def phase_entered(state: State, event: PhaseEntered, record: Recorded) -> State:
    state = state.but(phase=cast(Phase, event.phase), phase_t=record.t)
    if event.phase == "live":
        cleared = {name: replace(view, baseline=()) for name, view in state.indicators.items()}
        return state.but(live_t=record.t, indicators=cleared)
    if event.phase == "undoing":
        state = _unpause(state, record.t)
        return state.but(live_ended_t=None if state.live_t is None else record.t)
    return state


@reduces(NeedChecked)
def need_checked(state: State, event: NeedChecked, record: Recorded) -> State:
    return state.but(needs={**state.needs, event.name: Need(event.met, event.why)})


@reduces(TargetReady)
def target_ready(state: State, event: TargetReady, record: Recorded) -> State:
    return state.but(target_url=event.url, target_vars=event.vars)


@reduces(TargetLost)
def target_lost(state: State, event: TargetLost, record: Recorded) -> State:
    """The first time counts until it is found again."""
    return state if state.target_lost_t is not None else state.but(target_lost_t=record.t, target_lost_why=event.why)


@reduces(TargetFound)
def target_found(state: State, event: TargetFound, record: Recorded) -> State:
    return state.but(target_lost_t=None, target_lost_why="")


@reduces(BaselineTaken)
def baseline_taken(state: State, event: BaselineTaken, record: Recorded) -> State:
    return state.but(baseline=event)


@reduces(EndDecided)
def end_decided(state: State, event: EndDecided, record: Recorded) -> State:
    """The first one wins."""
    return state if state.end else state.but(end=event, end_t=record.t)


@reduces(DebriefClosed)
def debrief_closed(state: State, event: DebriefClosed, record: Recorded) -> State:
    return state.but(debrief_closed=True)


@reduces(RunClosed)
def run_closed(state: State, event: RunClosed, record: Recorded) -> State:
    return state.but(closed=event)


@reduces(Paused)
def paused(state: State, event: Paused, record: Recorded) -> State:
    return state if state.paused else state.but(paused_t=record.t, paused_why=event.why)


@reduces(Resumed)
def resumed(state: State, event: Resumed, record: Recorded) -> State:
    return _unpause(state, record.t)


def _unpause(state: State, t: float) -> State:
    return state.but(paused_total=state.paused_seconds(t), paused_t=None, paused_why="")


@reduces(SuspendSeen)
def suspend_seen(state: State, event: SuspendSeen, record: Recorded) -> State:
    return _warn(state, record, f"the machine slept for {event.seconds:g} s")


@reduces(Warned)
def warned(state: State, event: Warned, record: Recorded) -> State:
    return _warn(state, record, event.text)


def _warn(state: State, record: Recorded, text: str) -> State:
    note = NoteView(record.t, record.by, "warning", text)
    return state.but(warnings=(*state.warnings, note)[-_WARNINGS_KEPT:])


@reduces(PersonJoined)
def person_joined(state: State, event: PersonJoined, record: Recorded) -> State:
    others = tuple(person for person in state.people if person.name != event.person)
    joined = Person(name=event.person, uid=event.uid, role=event.role)
    return state.but(
        people=(*others, joined),
        accounts={**state.accounts, event.person: event.uid},
        roles={**state.roles, event.person: event.role},
    )


@reduces(CommandGiven)
def command_given(state: State, event: CommandGiven, record: Recorded) -> State:
    """From which account and in which role a name was used, also by somebody who never joined."""
    joined = any(person.name == record.by for person in state.people)
    roles = state.roles if joined else {**state.roles, record.by: event.role}
    return state.but(accounts={**state.accounts, record.by: event.uid}, roles=roles)


@reduces(PersonLeft)
def person_left(state: State, event: PersonLeft, record: Recorded) -> State:
    people = tuple(
        replace(person, left_t=record.t) if person.name == event.person and person.present else person
        for person in state.people
    )
    return state.but(people=people)


@reduces(MilestoneReached)
def milestone_reached(state: State, event: MilestoneReached, record: Recorded) -> State:
    known = state.milestones.get(event.milestone)
    if known is not None and (event.milestone != "detected" or known.role in NOTICES or event.role not in NOTICES):
        return state
    reached = Reached(record.t, record.by, event.step, event.role)
    return state.but(milestones={**state.milestones, event.milestone: reached})


@reduces(NoteWritten)
def note_written(state: State, event: NoteWritten, record: Recorded) -> State:
    return state.but(notes=(*state.notes, NoteView(record.t, record.by, event.type, event.text)))
