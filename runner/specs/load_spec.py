"""The load of a drill."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from runner.specs.duration import Duration
from runner.specs.fields import Model, Name, Number, PositiveCount, VariableName, Word

DEFAULT_LOCUSTFILE = "locustfile.py"


def written_locustfiles(value: Any) -> Any:
    """The names that were written: a list of them, or one text, in which commas part them as `locust -f` has it."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


Locustfiles = Annotated[
    tuple[Name, ...],
    Field(min_length=1),
    BeforeValidator(written_locustfiles),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
            ]
        }
    ),
]


class LoadSpec(Model):
    """Simulated users, by Locust, all through the run."""

    locustfile: Locustfiles = (DEFAULT_LOCUSTFILE,)
    """Beside the drill's file: one, several, or a folder of them."""
    host: Name | None = None
    """The base address of the users; the target's when left out."""
    users: PositiveCount = 1
    """How many users."""
    spawn_rate: Annotated[Number, Field(gt=0, le=100_000)] = 1.0
    """How many users start in a second."""
    processes: Annotated[PositiveCount, Field(le=256)] = 1
    """How many processes share the users."""
    warm_up: Duration = 10.0
    """How long the load runs before the first fault; the baseline is measured in it."""
    env: dict[VariableName, Word] = Field(default_factory=dict)
    """Environment variables for the locustfile."""
    tags: tuple[Name, ...] = ()
    """Only tasks with one of these tags."""
    user_classes: tuple[Name, ...] = ()
    """Only these classes of the locustfile."""
