"""What `gameday check` says beside what is wrong in the files: what they ask of a machine, and this one has not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from runner.guard.compile import compile_drill
from runner.guard.environment import judge_environment, missing
from runner.guard.refusal import Refusal, placed
from runner.guard.secrets import lacking_secrets
from runner.specs.catalogue import Catalogue, LoadedDrill
from runner.specs.experiment import Experiment


def remarks_on(catalogue: Catalogue, paths: Iterable[Path]) -> tuple[str, ...]:
    """One line each, of the files that are right in themselves; each once."""
    drills: list[LoadedDrill] = []
    alone: dict[str, Experiment] = {}
    for found in catalogue.readable(paths):
        if isinstance(found, LoadedDrill):
            drills.append(found)
        else:
            alone[found.file] = found
    said: list[str] = []
    for drill in drills:
        said += _of_drill(drill, catalogue)
        for each in drill.experiments:
            # What it lacks when it is run alone its drill may give it.
            alone.pop(each.experiment.file, None)
            said += each.experiment.warnings
    for experiment in alone.values():
        said += [*_of_experiment(experiment, catalogue), *experiment.warnings]
    return tuple(dict.fromkeys(said))


def _of_drill(drill: LoadedDrill, catalogue: Catalogue) -> Iterator[str]:
    plan = compile_drill(drill)
    yield from _lines((*lacking_secrets(plan, catalogue.root), *judge_environment(plan)), catalogue)


def _of_experiment(experiment: Experiment, catalogue: Catalogue) -> Iterator[str]:
    found = missing(experiment.document, (), os.environ)
    yield from _lines(
        (
            Refusal(rule="environment", what=what, where=experiment.file, at=at, cure=cure)
            for at, _, what, cure in found
        ),
        catalogue,
    )


def _lines(refusals: Iterable[Refusal], catalogue: Catalogue) -> Iterator[str]:
    for each in placed(refusals, catalogue.where):
        yield f"{each.where}: {each.what}" + (f"; {each.cure}" if each.cure else "")
