"""Who decides an order: the command's own declaration says who may give it and in which phase.

What a step's status makes of it comes after, in `runner.engine.step_commands`.
"""

from __future__ import annotations

from runner.engine.command_lookup import spec_of
from runner.engine.command_registry import OBSERVERS
from runner.engine.command_spec import CommandSpec, Handler
from runner.engine.commands import IllegalCommand, Order
from runner.engine.phases import Phase
from runner.engine.roles import role_of
from runner.engine.state import State

_WHY_NOT: dict[Phase, str] = {
    "": "the run has not started",
    "preflight": "the run is not live yet",
    "warm-up": "the run is not live yet",
    "live": "the run is live",
    "undoing": "the run is ending: its faults are being undone",
    "debrief": "the run is over: this is its debrief",
    "closed": "the run is closed",
}


def handler(state: State, order: Order) -> Handler:
    """Who answers this order. Raises IllegalCommand."""
    spec = spec_of(order.command)
    permit(state, order, spec)
    found = spec.phases.get(state.phase)
    if found is None:
        raise IllegalCommand(_WHY_NOT.get(state.phase, f"the run is in {state.phase}"))
    return found


def permit(state: State, order: Order, spec: CommandSpec) -> None:
    """Raises IllegalCommand when this person may not give this command, whatever the run does now."""
    if order.role == "system":
        return
    if not spec.roles:
        raise IllegalCommand("only the system may do that")
    role = role_of(state, order)
    if role == "observer" and role not in spec.roles:
        raise IllegalCommand(OBSERVERS)
    if role not in spec.roles and not _alone(state, order):
        raise IllegalCommand(f"the facilitator does that, and you are a {role}")
    if why := spec.objects(state, order, role):
        raise IllegalCommand(why)


def _alone(state: State, order: Order) -> bool:
    """Solo, one person is everything; one who never joined is not known to be alone."""
    return [person.name for person in state.present] == [order.by]
