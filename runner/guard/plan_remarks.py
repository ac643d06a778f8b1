"""What the plan says in warning of what the guard cannot see or would not undo; it refuses nothing."""

from __future__ import annotations

from collections.abc import Iterator

from runner.engine.plan import RunPlan
from runner.guard.hosts import unseen_hosts
from runner.guard.irreversible import lasting_action
from runner.targets.registry import discarded_kinds


def plan_remarks(plan: RunPlan) -> Iterator[str]:
    """One line each."""
    for experiment in plan.experiments:
        if lasting_action(plan, experiment) is not None:
            goes = f"it goes only with a target of kind {discarded_kinds()}, which is thrown away"
            yield f"{experiment.file}: nothing undoes its fault; {goes}"
    yield from unseen_hosts(plan)
