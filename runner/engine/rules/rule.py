"""What follows from a state, now or later, when nobody does anything.

A rule is a function of the state alone. It says which events come next and when they are due; deciding, waiting for
the next deadline and going on after an interruption are then the same thing.
"""

from __future__ import annotations

from collections.abc import Callable

from runner.engine.events import EndDecided, Event
from runner.engine.state import State
from runner.lazy_dataclass import lazy_dataclass

#: How long after its end the judgement of a second may arrive: the load's window, its transport, the probe's timeout.
JUDGING_LAG = 2.0


@lazy_dataclass(frozen=True)
class DueEvents:
    """These events follow at `due` (s of the run's clock; 0 is at once) unless something else happens first."""

    events: tuple[Event, ...]
    due: float = 0.0


Rule = Callable[[State], DueEvents | None]


def at_once(*events: Event) -> DueEvents:
    return DueEvents(events)


def ends(cause: str, why: str, *, reason: str = "", due: float = 0.0, own_fault: bool = False) -> DueEvents:
    """The run ends."""
    return DueEvents((EndDecided(cause=cause, reason=reason, why=why, own_fault=own_fault),), due)


def earliest(*reactions: DueEvents | None) -> DueEvents | None:
    """The first that is due; of two at the same time, the one named first."""
    return min((reaction for reaction in reactions if reaction), key=lambda reaction: reaction.due, default=None)
