"""What a run was asked for, and how it reaches the process that runs it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Any

from runner.lazy_dataclass import lazy_dataclass


@lazy_dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asked for, as typed; the conductor reads and checks the files. `walk`: `what` is a runbook, to be
    walked through as a tabletop.
    """

    what: str
    cwd: str
    person: str
    walk: bool = False
    headless: bool = True
    detach: bool = False
    attended: bool = False
    operator: str | None = None
    target: str | None = None
    sets: tuple[tuple[str, str], ...] = ()
    variables: tuple[str, ...] = ()
    variable_files: tuple[str, ...] = ()
    settings: str | None = None
    runs_dir: str | None = None
    plan_hash: str | None = None
    consent: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Request:
        lists = {name: tuple(said[name]) for name in ("variables", "variable_files")}
        return cls(**{**said, **lists, "sets": tuple((key, value) for key, value in said["sets"])})


def read_request(descriptor: int) -> Request | None:
    """What is to be run, as soon as it is known; None when nothing is."""
    with os.fdopen(descriptor, "rb") as pipe:
        said = pipe.read()
    return Request.from_json(json.loads(said)) if said else None
