"""What people and the system may do with the run as a whole."""

from __future__ import annotations

from typing import get_args

from runner.engine import events as e
from runner.engine.commands import (
    RATED,
    Abort,
    AbortReason,
    Command,
    Halt,
    IllegalCommand,
    Join,
    Leave,
    Milestone,
    Note,
    Observed,
    Order,
    PassPreflight,
    Pause,
    Resume,
    Stop,
    Tick,
)
from runner.engine.plan import MILESTONES
from runner.engine.roles import role_of
from runner.engine.state import ExperimentView, Reached, State
from runner.engine.step_commands import said
from runner.engine.wording import clock
from runner.people import NOTICES, not_a_name
from runner.specs.injection_moment import Between

Events = tuple[e.Event, ...]

_REASONS = get_args(AbortReason)
_RATINGS = ("1", "2", "3", "4", "5")

# -- the world ---------------------------------------------------------------------------------------------------------


def begin(state: State, order: Order, command: Observed) -> Events:
    """The first event of all."""
    event = command.event
    if not isinstance(event, e.RunStarted):
        raise IllegalCommand(f"{event.kind}: the run has not started")
    return (event, e.PhaseEntered(phase="preflight"))


def observe(state: State, order: Order, command: Observed) -> Events:
    """Something happened. Raises IllegalCommand for what cannot have, and for what must not."""
    event = command.event
    if event.decided or isinstance(event, e.RunStarted):
        raise IllegalCommand(f"{event.kind} is decided, not observed")
    _refuse_unknown(state, event)
    if isinstance(event, e.MethodBegun):
        _let_in(state, state.experiments[event.experiment])
    if isinstance(event, e.InjectionScheduled):
        _let_schedule(state, event)
    if isinstance(event, e.VerifyEnded) and not _probed(state, event.step):
        raise IllegalCommand(f"step {event.step} is not verified by a probe")
    if isinstance(event, e.RunClosed):
        raise IllegalCommand("the run is closed after its debrief")
    return (event,)


def close(state: State, order: Order, command: Observed) -> Events:
    """In the debrief the last line may be observed too."""
    event = command.event
    if isinstance(event, e.RunClosed):
        return (e.PhaseEntered(phase="closed"), event)
    return observe(state, order, command)


def _refuse_unknown(state: State, event: e.Event) -> None:
    step = getattr(event, "step", "")
    experiment = getattr(event, "experiment", "")
    if step and step not in state.steps:
        raise IllegalCommand(f"{event.kind}: this run has no step {step!r}")
    if experiment and experiment not in state.experiments:
        raise IllegalCommand(f"{event.kind}: this run has no experiment {experiment!r}")


def _let_in(state: State, view: ExperimentView) -> None:
    """The gate: no fault without the word, and none once the end is decided."""
    if state.ending:
        raise IllegalCommand(f"no fault goes in: {ending_words(state)}")
    if why := not_ordered(view):
        raise IllegalCommand(f"no fault goes in: {why}")


def not_ordered(view: ExperimentView) -> str:
    """Why the experiment may not begin, '' when it may; an action that started without an order lets no other in."""
    if view.ordered_t is not None and view.status in ("ordered", "injected"):
        return ""
    return f"{view.slug} is {view.status}, its injection was not ordered"


def view_of(state: State, slug: str) -> ExperimentView:
    """The experiment called `slug`. Raises IllegalCommand when the run has none."""
    view = state.experiments.get(slug)
    if view is None:
        raise IllegalCommand(f"this run has no experiment {slug!r}")
    return view


def _let_schedule(state: State, event: e.InjectionScheduled) -> None:
    rules = {experiment.slug: experiment.inject for experiment in state.plan.experiments}
    if not isinstance(rules[event.experiment], Between):
        raise IllegalCommand(f"{event.experiment} is not injected at a random moment")
    if state.experiments[event.experiment].due is not None:
        raise IllegalCommand(f"the moment of {event.experiment} has already been drawn")


def _probed(state: State, step_id: str) -> bool:
    verify = state.plan.step(step_id).verify
    return verify is not None and verify.probe is not None


def tick(state: State, order: Order, command: Tick) -> Events:
    """Nothing but time: what is due follows."""
    return ()


def pass_preflight(state: State, order: Order, command: PassPreflight) -> Events:
    return (e.PhaseEntered(phase="warm-up"),)


# -- the end -----------------------------------------------------------------------------------------------------------


def stop(state: State, order: Order, command: Stop) -> Events:
    return (e.EndDecided(cause=command.cause, why=command.why, own_fault=command.own_fault),)


def abort(state: State, order: Order, command: Abort) -> Events:
    if command.reason not in _REASONS:
        raise IllegalCommand(f"{command.reason!r} is no reason: {', '.join(_REASONS)}")
    return (e.EndDecided(cause="aborted", reason=command.reason, why=said(command.why)),)


def halt(state: State, order: Order, command: Halt) -> Events:
    why = said(command.why)
    return (e.Halted(why=why, uid=order.uid), e.EndDecided(cause="aborted", reason="halted", why=why))


def already_ending(state: State, order: Order, command: Command) -> Events:
    raise IllegalCommand(ending_words(state))


def ending_words(state: State) -> str:
    end = state.end
    if end is None:
        return "the run is over"
    return f"already ending: {end.cause}" + (f" ({end.why})" if end.why else "")


def close_debrief(state: State, order: Order, command: Command) -> Events:
    """The scorecard's last word comes as an observed `RunClosed`."""
    if state.debrief_closed:
        raise IllegalCommand("the debrief is closed")
    return (e.DebriefClosed(),)


# -- people ------------------------------------------------------------------------------------------------------------


def join(state: State, order: Order, command: Join) -> Events:
    name = command.person.strip()
    if why := not_a_name(name):
        raise IllegalCommand(why)
    here = next((person for person in state.present if person.name == name), None)
    if here and (here.uid, here.role) == (order.uid, order.role):
        return ()
    if here and here.uid != order.uid:
        raise IllegalCommand(f"somebody called {name} is here already: choose another name")
    return (e.PersonJoined(person=name, uid=order.uid, role=order.role),)


def leave(state: State, order: Order, command: Leave) -> Events:
    if command.person not in {person.name for person in state.present}:
        raise IllegalCommand(f"{command.person} is not here")
    gone = e.PersonLeft(person=command.person, uid=order.uid)
    if len(state.present) > 1 or state.ending:
        return (gone,)
    limit = f"{state.plan.abandon_after:g} s"
    back = f"gameday attach {state.run.rpartition('-')[2]}"
    return (
        gone,
        e.Warned(text=f"nobody is in the room; the run is aborted in {limit} unless somebody comes back: {back}"),
    )


def note(state: State, order: Order, command: Note) -> Events:
    if command.type == "rating" or command.about:
        return _rate(state, command)
    if command.type != "mark" and not command.text.strip():
        raise IllegalCommand(f"an empty {command.type} says nothing")
    return (e.NoteWritten(text=command.text.strip(), type=command.type),)


def _rate(state: State, command: Note) -> Events:
    if command.type != "rating" or command.about not in RATED:
        raise IllegalCommand(f"a rating is about one of: {', '.join(RATED)}")
    if command.text not in _RATINGS:
        raise IllegalCommand(f"a rating is one of {', '.join(_RATINGS)}")
    if state.phase != "debrief":
        raise IllegalCommand("ratings are given in the debrief")
    return (e.NoteWritten(text=command.text, type="rating", about=command.about),)


def milestone(state: State, order: Order, command: Milestone) -> Events:
    if command.name not in MILESTONES:
        raise IllegalCommand(f"{command.name!r} is no milestone: {', '.join(MILESTONES)}")
    role = role_of(state, order)
    reached = state.milestones.get(command.name)
    if reached and not _first_notice(command.name, reached, role):
        by = f"came with the step {reached.step}" if reached.step else f"was said by {reached.by}"
        raise IllegalCommand(f"{command.name} {by} at {clock(reached.t)}")
    return (e.MilestoneReached(milestone=command.name, role=role),)


def _first_notice(milestone: str, reached: Reached, role: str) -> bool:
    """A participant notices what only a facilitator or a script has said so far."""
    return milestone == "detected" and role in NOTICES and reached.role not in NOTICES


def pause(state: State, order: Order, command: Pause) -> Events:
    if state.paused:
        raise IllegalCommand(f"the run is paused already: {state.paused_why}")
    return (e.Paused(why=said(command.why)),)


def resume(state: State, order: Order, command: Resume) -> Events:
    if not state.paused:
        raise IllegalCommand("the run is not paused")
    return (e.Resumed(),)
