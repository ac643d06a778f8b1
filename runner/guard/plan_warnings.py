"""What the plan says in warning: remarks that refuse nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runner.engine.plan import RunPlan
from runner.guard.hosts import unseen_hosts
from runner.guard.irreversible import lasting_action
from runner.specs.catalogue import LoadedExperiment


def warnings_of(plan: RunPlan, loaded: Iterable[LoadedExperiment]) -> Iterator[str]:
    """One line each; `loaded` are the experiments of the plan, in its order."""
    for compiled, each in zip(plan.experiments, loaded, strict=True):
        yield from each.experiment.warnings
        if lasting_action(plan, compiled) is not None:
            yield f"{compiled.file}: nothing undoes its fault; it goes only with a target of kind sandbox, which is thrown away"
        if compiled.actions and not compiled.undone_when and not plan.undone_when and not plan.bare:
            yield f"{compiled.file}: nothing checks that its fault is really gone; add `undone-when`"
    yield from unseen_hosts(plan)
