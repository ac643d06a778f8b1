"""Which faults stay until somebody undoes them, and have nobody who would."""

from __future__ import annotations

from runner.engine.plan import Experiment, RunPlan
from runner.guard.cluster import heals
from runner.planning.calls import planned_calls
from runner.specs.place import Path_


def lasting_action(plan: RunPlan, experiment: Experiment) -> Path_ | None:
    """The place of its first action that no rollback, no controller and no stated `no-undo` takes care of."""
    if not experiment.actions or experiment.rollbacks or experiment.no_undo:
        return None
    calls = [each for each in planned_calls(plan) if each.file == experiment.file and each.sort == "action"]
    lasting = next((call.at[:-1] for call in calls if not heals(call)), None)
    return ("method",) if lasting is None and len(calls) < experiment.actions else lasting
