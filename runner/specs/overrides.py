"""What a run is given beside the files of its repository: values on the command line, and Chaos Toolkit's settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from runner.lazy_dataclass import lazy_dataclass
from runner.specs.settings import Settings, read_settings
from runner.specs.variables import Variables, read_variables


@lazy_dataclass(frozen=True)
class Beside:
    """Nothing, unless it was given."""

    variables: Variables = field(default_factory=Variables)
    settings: Settings = field(default_factory=Settings)


def read_beside(variables: Sequence[str] = (), files: Sequence[str] = (), settings: str | None = None) -> Beside:
    """From `--var`, `--var-file` and `--settings`, paths absolute. Raises InputError."""
    return Beside(read_variables(variables, files), read_settings(settings))
