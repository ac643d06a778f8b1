"""The guard at the gate: one action, its arguments resolved, a moment before it may run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.engine.plan import RunPlan
from runner.guard.rules import host_refused


def judge_action(plan: RunPlan, provider: Mapping[str, Any]) -> str:
    """Why this action may not run; '' when it may."""
    kind = provider.get("type")
    if kind == "http":
        return host_refused(plan, str(provider.get("url", "")))
    if kind == "python" and plan.target.kind == "kubernetes":
        return _namespace(plan, provider)
    return ""


def _namespace(plan: RunPlan, provider: Mapping[str, Any]) -> str:
    if not str(provider.get("module", "")).startswith("chaosk8s"):
        return ""
    allowed = plan.target.allow.get("namespaces", ())
    arguments = provider.get("arguments")
    # chaosk8s falls back on "default" when no namespace is given.
    namespace = arguments.get("ns", "default") if isinstance(arguments, Mapping) else "default"
    if namespace not in allowed:
        return (
            f"namespace {namespace!r} is not among those that target {plan.target.name} allows ({', '.join(allowed)})"
        )
    return ""
