"""The outcomes of trials in a file, each as it comes, so that several parts make one table and none is lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from outcome import Outcome


class Results:
    """Adds to a file, one JSON object a line: the outcome, and the seed that its lots were drawn from."""

    def __init__(self, path: Path, seed: str) -> None:
        self.path = path
        self._seed = seed
        self._file = path.open("a")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, outcome: Outcome) -> None:
        """One more."""
        self._file.write(json.dumps({"seed": self._seed, **asdict(outcome)}) + "\n")
        self._file.flush()


def joined(paths: Sequence[Path]) -> list[Outcome]:
    """What stands in all of them; of a trial that was played again, the last. Raises OSError, ValueError."""
    found: dict[tuple[str, str, str, int], Outcome] = {}
    for path in paths:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            try:
                fields = json.loads(line)
                seed, outcome = fields.pop("seed"), Outcome(**fields)
            except (ValueError, TypeError, KeyError, AttributeError) as why:
                raise ValueError(f"{path}:{number}: {why}") from why
            found[seed, outcome.cell, outcome.subject, outcome.index] = outcome
    return list(found.values())
