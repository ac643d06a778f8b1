"""The guard at the gate: one action, its arguments resolved, a moment before it may run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from runner.engine.plan import Experiment, RunPlan
from runner.guard.policies import judge_call
from runner.guard.refusal import Refusal
from runner.guard.secret_leaks import judge_masked
from runner.planning.calls import Call, gated_calls
from runner.specs.document import has_controls, variables
from runner.specs.substitution import placeholders


def judge_action(
    plan: RunPlan,
    slug: str,
    provider: Mapping[str, Any],
    *,
    index: int = -1,
    name: str = "",
    configuration: Mapping[str, Any] | None = None,
) -> tuple[Refusal, ...]:
    """Why this action of the experiment `slug` may not run; nothing when it may.

    What would undo it is judged with it: with the same configuration, before there is anything to undo. Secrets are
    masked in what comes here.
    """
    experiment = next(each for each in plan.experiments if each.slug == slug)
    known = configuration or {}
    calls = gated_calls(experiment, index=index, name=name, provider=provider, configuration=known)
    return tuple(
        refusal
        for call in calls
        for refusal in (*_unfilled(plan, experiment, call, known), *judge_call(plan, call), *judge_masked(call))
    )


def unresolved(document: Mapping[str, Any], lacking: Collection[str]) -> tuple[str, ...]:
    """Those of the names that lack a value, but are used by the hypothesis, the method or the rollbacks."""
    used = placeholders([document.get(part) for part in ("steady-state-hypothesis", "method", "rollbacks")])
    return tuple(name for name in used if name in lacking)


def _unfilled(plan: RunPlan, experiment: Experiment, call: Call, configuration: Mapping[str, Any]) -> Iterator[Refusal]:
    """A `${…}` that nothing has given a value: the toolkit would take it for a text."""
    if call.sort == "rollback" and (plan.global_controls or has_controls(experiment.document)):
        # What a control learns while the method goes on, it puts in afterwards.
        return
    document = experiment.document
    secrets = {*variables(document)} - {*(document.get("configuration") or {})}
    used = placeholders([document.get("method"), document.get("rollbacks")])
    for name in placeholders(call.provider):
        if name in used and name not in configuration and name not in secrets and not name.startswith("TARGET_"):
            what = f"{call.name}: nothing has given ${{{name}}} a value"
            yield Refusal(rule="configuration", what=what, where=experiment.file, at=call.at)
