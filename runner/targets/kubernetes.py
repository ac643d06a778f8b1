"""A Kubernetes cluster: reached through a context of the one kubeconfig, known by the uid of its `kube-system` namespace."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from runner.errors import Refused
from runner.targets.driver import CLUSTER_FIELDS, DeclaredTarget, IdentityCheck, TargetDriver, Unreachable

#: Runs in the child that answers probes: nothing else of a run ever imports a Kubernetes client.
_ASKER = "runner.actuators.shims.kube"
#: What Chaos Toolkit's extension reads besides KUBECONFIG and its context, and what would lead it elsewhere.
_LEADING = ("KUBECONFIG", "CHAOSTOOLKIT_IN_POD", "HTTP_PROXY", "HTTPS_PROXY")
_LEADING_PREFIX = "KUBERNETES_"


class KubernetesDriver(TargetDriver):
    kind = "kubernetes"
    noun = "cluster"
    needs = CLUSTER_FIELDS
    attributes = ("context", "kubeconfig")
    found_attributes = ("kubeconfig",)
    is_cluster = True
    #: It may begin with a command that fetches a token.
    answers_within = 5.0

    def variables(self, target: DeclaredTarget) -> dict[str, str]:
        return super().variables(target) | {"context": target.context}

    def found_variables(self, target: DeclaredTarget) -> dict[str, str]:
        """By what it is reached, from now until the undo is done. Raises Refused."""
        path, why = kubeconfig()
        if why:
            raise Refused(why)
        return {"context": target.context, "kubeconfig": path}

    def child_environment(self, found: Mapping[str, str]) -> dict[str, str]:
        """Every Kubernetes client is led to it, also those that would go where the terminal's own KUBECONFIG points."""
        if "context" not in found or "kubeconfig" not in found:
            return {}
        return {"KUBECONFIG": found["kubeconfig"], "KUBERNETES_CONTEXT": found["context"]}

    def unreachable(self, target: DeclaredTarget) -> Unreachable | None:
        _, why = kubeconfig()
        if not why:
            return None
        cure = "set KUBECONFIG to the one file that has the context"
        return Unreachable(key="context", what=f"context {target.context!r}: {why}", cure=cure)

    def misleads(self, variable: str) -> bool:
        return variable in _LEADING or variable.startswith(_LEADING_PREFIX)

    def identity_checks(self, target: DeclaredTarget) -> tuple[IdentityCheck, ...]:
        name = f"target {target.name} is cluster {target.cluster_uid}"
        own = IdentityCheck(name=name, probe=_uid_probe(target, name), key="cluster-uid", permanent=True)
        return (*super().identity_checks(target), own)

    def details(self, target: DeclaredTarget) -> Iterable[tuple[str, str]]:
        return (("context", target.context),)

    def addresses(self, target: DeclaredTarget) -> dict[str, str]:
        return {"cluster": target.cluster_uid}


def kubeconfig(env: Mapping[str, str] | None = None) -> tuple[str, str]:
    """The one file that says where clusters are, as an absolute path; and why there is none, '' when there is.

    Chaos Toolkit's extension takes a list of files for the name of a file, and one that is not there for a cluster on
    this machine.
    """
    env = os.environ if env is None else env
    said = env.get("KUBECONFIG", "")
    written = said or str(Path.home() / ".kube" / "config")
    origin = "KUBECONFIG" if said else "without KUBECONFIG,"
    if os.pathsep in written:
        return "", f"KUBECONFIG names several files ({written})"
    path = Path(written).expanduser().absolute()
    return (str(path), "") if path.is_file() else ("", f"{origin} {written} is not a file")


def _uid_probe(target: DeclaredTarget, name: str) -> Mapping[str, Any]:
    arguments = {"context": target.context}
    provider = {"type": "python", "module": _ASKER, "func": "cluster_uid", "arguments": arguments, "timeout": 10}
    return {"type": "probe", "name": name, "provider": provider, "tolerance": target.cluster_uid}
