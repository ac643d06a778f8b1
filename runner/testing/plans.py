"""The plan of a drill that stands in files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from runner.engine.plan import RunPlan
from runner.planning.compile import compile_drill
from runner.specs.catalogue import Catalogue


def drill_plan(
    root: Path, drill: str, *, target: str | None = None, sets: Mapping[str, str] | None = None, attended: bool = False
) -> RunPlan:
    """The plan that `gameday run DRILL` would make in the folder `root`; `target` and `sets` are its options of that name.

    Raises InputError with everything that is wrong in the files.
    """
    return compile_drill(Catalogue(root).load_drill(drill, target=target, sets=sets), attended=attended)
