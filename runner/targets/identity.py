"""How a target is asked whether it is the declared one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.engine.plan import Check, Target

#: Runs in the child that answers probes: nothing else of a run ever imports a Kubernetes client.
_ASKER = "runner.actuators.shims.kube"


def identity_checks(target: Target) -> tuple[Check, ...]:
    """What must hold for the target to be the declared one, none where nothing is declared.

    A cluster is asked for the uid of its `kube-system` namespace, through its context.
    """
    checks = []
    if target.identity:
        checks.append(Check(name=f"target {target.name} is what was declared", probe=target.identity))
    if target.kind == "kubernetes":
        name = f"target {target.name} is cluster {target.cluster_uid}"
        checks.append(Check(name=name, probe=_cluster_probe(target, name)))
    return tuple(checks)


def _cluster_probe(target: Target, name: str) -> Mapping[str, Any]:
    arguments = {"context": target.context}
    provider = {"type": "python", "module": _ASKER, "func": "cluster_uid", "arguments": arguments, "timeout": 10}
    return {"type": "probe", "name": name, "provider": provider, "tolerance": target.cluster_uid}
