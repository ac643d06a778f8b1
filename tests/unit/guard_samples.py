"""Plans with one experiment in them, for the rules of the guard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner.engine.plan import Experiment, RunPlan, Target
from runner.guard.policies import judge_plan
from runner.testing import sample_plan

FILE = "experiments/e.yaml"
STAGING = Target(
    name="stage",
    file="drills/targets.yaml",
    kind="http",
    environment="staging",
    url="https://shop.stage.example.com",
    vars={"proxy": "http://proxy.stage.example.com:8474"},
)
LOCAL = Target(name="local", kind="local", environment="sandbox")


def cluster(**allow: Any) -> Target:
    """A Kubernetes target; `max_pods=2` stands for `max-pods: 2`. By default two pods and a third of them, in `shop`."""
    bounds = {"namespaces": ["shop"], "max-pods": 2, "max-share": 0.3}
    given = {key.replace("_", "-"): value for key, value in allow.items()}
    return Target(
        name="eu",
        file="drills/targets.yaml",
        kind="kubernetes",
        environment="staging",
        context="eu",
        cluster_uid="5b9cf7a0",
        allow={key: value for key, value in (bounds | given).items() if value is not None},
    )


def activity(provider: Mapping[str, Any], name: str = "break it", sort: str = "action") -> dict[str, Any]:
    return {"type": sort, "name": name, "provider": dict(provider)}


def kube(function: str, /, **arguments: Any) -> dict[str, Any]:
    """A call of Chaos Toolkit's extension, such as `pod.actions.terminate_pods`."""
    module, _, func = f"chaosk8s.{function}".rpartition(".")
    return {"type": "python", "module": module, "func": func, "arguments": arguments}


def command(*words: str) -> dict[str, Any]:
    return {"type": "process", "path": words[0], "arguments": list(words[1:])}


def plan_of(
    target: Target,
    *method: Mapping[str, Any],
    rollbacks: Sequence[Mapping[str, Any]] = ({"type": "process", "path": "true"},),
    document: Mapping[str, Any] | None = None,
    **changes: Any,
) -> RunPlan:
    """A plan whose experiment does this and is undone by that; providers, or whole activities."""
    whole = {
        "method": [each if "provider" in each else activity(each) for each in method],
        "rollbacks": [each if "provider" in each else activity(each, "mend it") for each in rollbacks],
        **(document or {}),
    }
    experiment = Experiment(
        slug="e", file=FILE, document=whole, document_hash="", actions=len(method), rollbacks=len(whole["rollbacks"])
    )
    more: dict[str, Any] = {"file": "drills/d/drill.yaml", "load": None, "indicators": (), **changes}
    return sample_plan(target=target, experiments=(experiment,), **more)


def said(plan: RunPlan, **more: Any) -> str:
    """Everything the guard says against it."""
    return "\n".join(str(refusal) for refusal in judge_plan(plan, attended=True, **more))
