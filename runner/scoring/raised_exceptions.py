"""What a load's users raised, out of the event that tells it."""

from __future__ import annotations

from runner.engine.events import LoadEnded
from runner.scoring.scorecard import RaisedFigures


def raised_in(event: LoadEnded) -> tuple[RaisedFigures, ...]:
    """The errors in the order of the event; of one that is not as this release writes it, what can be read."""
    return tuple(
        RaisedFigures(where=_text(each.get("where")), what=_text(each.get("what")), count=_number(each.get("count")))
        for each in event.exceptions
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
