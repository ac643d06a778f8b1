"""The guard at the gate: one action, its arguments resolved, a moment before it may run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.engine.plan import RunPlan
from runner.guard.calls import gated_calls
from runner.guard.leaks import judge_masked
from runner.guard.refusal import Refusal
from runner.guard.rules import judge_call


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
    calls = gated_calls(experiment, index=index, name=name, provider=provider, configuration=configuration or {})
    return tuple(refusal for call in calls for refusal in (*judge_call(plan, call), *judge_masked(call)))
