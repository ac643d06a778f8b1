"""The engine's one decision: what follows from a command, or why it is not possible.

    state, order ──▶ decide ──▶ events ──▶ (written to the transcript) ──▶ apply ──▶ state

`decide` changes nothing. It folds the events it decides into a draft of the state, so that everything that follows at
once is decided with them, and returns them all in order.
"""

from __future__ import annotations

from collections.abc import Iterable

from runner.engine.apply import apply
from runner.engine.commands import IllegalCommand, Order
from runner.engine.dispatch import handler
from runner.engine.episodes import news
from runner.engine.events import Event, Recorded
from runner.engine.rules.schedule import next_deadline, next_reaction
from runner.engine.state import State

__all__ = ["IllegalCommand", "decide", "next_deadline"]


def decide(state: State, order: Order) -> tuple[Event, ...]:
    """The events that follow; an observed one comes first. Raises IllegalCommand, and then nothing has happened."""
    draft = _Draft(state, order)
    draft.add(handler(state, order)(state, order, order.command))
    draft.settle()
    return tuple(draft.events)


class _Draft:
    """The state as it will be once the events decided so far are on the transcript."""

    def __init__(self, state: State, order: Order) -> None:
        self.events: list[Event] = []
        self._state = state
        self._order = order
        # A child's stamp may be a moment older than what was heard of another child before.
        self._now = max(order.t, state.t)

    def add(self, events: Iterable[Event]) -> None:
        for event in events:
            before = self._state.episodes
            self._fold(event)
            for told in news(before, self._state.episodes):
                self._fold(told)

    def settle(self) -> None:
        """Go on until nothing more is due."""
        while (reaction := next_reaction(self._state)) and reaction.due <= self._now:
            self.add(reaction.events)

    def _fold(self, event: Event) -> None:
        recorded = Recorded(self._state.seq + 1, "", self._order.t, self._order.by, event)
        self._state = apply(self._state, recorded)
        self.events.append(event)
