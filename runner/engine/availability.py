"""What people may do now, and why not the rest: what help lists."""

from __future__ import annotations

from collections.abc import Mapping

from runner.engine.command_lookup import ACTIONS, example
from runner.engine.commands import IllegalCommand, Order, Role
from runner.engine.dispatch import handler
from runner.engine.state import State
from runner.lazy_dataclass import lazy_dataclass


@lazy_dataclass(frozen=True)
class Availability:
    """Why each action, by its name, is not possible at one moment for one person; '' for what is."""

    reasons: Mapping[str, str]

    def why_not(self, action: str) -> str:
        """'' when it is possible. A name that no action has never is."""
        return self.reasons.get(action, f"there is no action {action!r}")

    def but(self, action: str, why: str) -> Availability:
        """The same, with this reason against one action."""
        return Availability({**self.reasons, action: why})

    @property
    def possible(self) -> list[str]:
        """The actions that are possible, by name."""
        return [name for name, why in self.reasons.items() if not why]


def availability(state: State, role: Role, by: str = "") -> Availability:
    """What somebody may do now. `by` asks: not everybody may approve."""
    orders = {
        name: Order(command=example(action, state), t=state.t, by=by, role=role) for name, action in ACTIONS.items()
    }
    return Availability({name: _why_not(state, order) for name, order in orders.items()})


def _why_not(state: State, order: Order) -> str:
    """The command itself is asked, so that help and refusal cannot differ."""
    try:
        handler(state, order)(state, order, order.command)
    except IllegalCommand as illegal:
        return str(illegal)
    return ""
