"""The load of a drill."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from runner.specs.duration import Duration
from runner.specs.fields import Model, Name, Number, PositiveCount, VariableName, Word


class LoadSpec(Model):
    """Simulated users, by Locust, all through the run."""

    locustfile: Name = "locustfile.py"
    """Beside the drill's file."""
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
