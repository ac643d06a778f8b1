"""Who may give which command. The first table that a command meets; what the run's phase makes of it comes after.

A role is what a person joined as; one who never joined has the one that the command came with. It is said, not proven:
whoever gets through the door is trusted, and every command is recorded with account, name and role.
"""

from __future__ import annotations

from collections.abc import Mapping

from runner.engine import commands as c
from runner.engine.commands import Command, IllegalCommand, Order, Role
from runner.engine.state import State

_ALL: frozenset[Role] = frozenset({"facilitator", "participant", "observer"})
_TEAM: frozenset[Role] = _ALL - {"observer"}
_FACILITATOR: frozenset[Role] = frozenset({"facilitator"})
_NOBODY: frozenset[Role] = frozenset()

#: People's roles; the system may give every command.
MAY: Mapping[type[Command], frozenset[Role]] = {
    c.Observed: _NOBODY,
    c.Tick: _NOBODY,
    c.PassPreflight: _NOBODY,
    c.Stop: _NOBODY,
    # Whoever sees that it has to stop may stop it.
    c.Abort: _ALL,
    c.Halt: _ALL,
    c.Join: _ALL,
    c.Leave: _ALL,
    # An observer writes notes, no actions or marks: see below.
    c.Note: _ALL,
    c.Inject: _FACILITATOR,
    # A participant too, where there is no facilitator: see below.
    c.Close: _TEAM,
    c.Complete: _TEAM,
    c.RunCommand: _TEAM,
    c.Confirm: _TEAM,
    c.Answer: _TEAM,
    c.Approve: _TEAM,
    c.Choose: _TEAM,
    c.Fail: _TEAM,
    c.Skip: _TEAM,
    c.Retry: _TEAM,
    c.GoTo: _TEAM,
    c.ShowHint: _TEAM,
    c.Dispute: _TEAM,
    c.HandOver: _TEAM,
    c.Milestone: _TEAM,
    c.Pause: _TEAM,
    c.Resume: _TEAM,
}


def permit(state: State, order: Order) -> None:
    """Raises IllegalCommand when this person may not give this command, whatever the run does now."""
    if order.role == "system":
        return
    command = order.command
    allowed = MAY[type(command)]
    if not allowed:
        raise IllegalCommand("only the system may do that")
    role = role_of(state, order)
    note = not isinstance(command, c.Note) or command.type == "note"
    if role == "observer" and (role not in allowed or not note):
        raise IllegalCommand("an observer watches: notes and an abort are all an observer may do")
    if role not in allowed and not _alone(state, order):
        raise IllegalCommand(f"the facilitator does that, and you are a {role}")
    led = any(person.role == "facilitator" for person in state.present)
    if isinstance(command, c.Close) and role == "participant" and led:
        raise IllegalCommand("the facilitator closes the debrief")


def _alone(state: State, order: Order) -> bool:
    """Solo, one person is everything; one who never joined is not known to be alone."""
    return [person.name for person in state.present] == [order.by]


def role_of(state: State, order: Order) -> Role:
    """What somebody who gives a command is in this run. Raises IllegalCommand when somebody speaks in the name of another account's person."""
    here = next((person for person in state.present if person.name == order.by), None)
    if here is None or isinstance(order.command, c.Join):
        return order.role
    if order.uid not in (here.uid, -1):
        raise IllegalCommand(f"{order.by} is here from another account (uid {here.uid}): say who you are with --name")
    return here.role  # type: ignore[return-value]  # from an order's role, through the transcript
