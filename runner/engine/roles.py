"""Roles: sets of them for declaring who may give a command, and which one somebody has in a run.

A role is what a person joined as; one who never joined has the one that the command came with. It is said, not proven:
whoever may use the run's socket is trusted, and every command is recorded with account, name and role.
"""

from __future__ import annotations

from runner.engine.commands import IllegalCommand, Join, Order, Role
from runner.engine.state import State

EVERYBODY: frozenset[Role] = frozenset({"facilitator", "participant", "observer"})
TEAM: frozenset[Role] = EVERYBODY - {"observer"}
FACILITATOR: frozenset[Role] = frozenset({"facilitator"})
#: No person: the system may give every command.
NOBODY: frozenset[Role] = frozenset()


def role_of(state: State, order: Order) -> Role:
    """What somebody who gives a command is in this run. Raises IllegalCommand when somebody speaks in the name of another account's person."""
    here = next((person for person in state.present if person.name == order.by), None)
    if here is None or isinstance(order.command, Join):
        return order.role
    if order.uid not in (here.uid, -1):
        raise IllegalCommand(f"{order.by} is here from another account (uid {here.uid}): say who you are with --name")
    return here.role  # type: ignore[return-value]  # from an order's role, through the transcript
