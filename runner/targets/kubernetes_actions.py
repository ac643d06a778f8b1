"""What the actions of Chaos Toolkit's Kubernetes extension do, as far as the guard knows: two frozen tables.

What is in neither table is refused: an argument of unknown meaning could widen an action, and so could a new action.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from runner.lazy_dataclass import lazy_dataclass

#: How many an action takes is said by: `qty` and `mode`; nothing, it is one; the number of replicas; Chaos Mesh's
#: `mode` and `mode_value`; the name or the `count` of nodes. '' when no argument says it.
Counted = Literal["", "pods", "one", "replicas", "mesh", "nodes"]

#: Meaning → the arguments that have it.
NAMESPACES = ("ns", "pod_namespace", "namespaces_selectors", "target_namespaces_selectors")
SELECTORS = ("label_selector", "label_selectors", "pod_label_selector", "target_label_selectors")
PATTERNS = ("name_pattern",)
HOSTS = ("external_targets",)
COUNTS: dict[Counted, tuple[str, ...]] = {
    "": (),
    "one": (),
    "pods": ("all", "mode", "qty"),
    "replicas": ("replicas",),
    "mesh": ("mode", "mode_value"),
    "nodes": (),
}


@lazy_dataclass(frozen=True, kw_only=True)
class KubernetesAction:
    """One action. `by`: the arguments of which at least one must narrow it down; none when it touches one thing only.

    `needs`: arguments that must be given because their default is wider than anybody means. `free`: arguments that
    widen nothing. `heals`: a controller brings back what it takes. `undoes`: it is for rollbacks alone. `opaque`: what it
    does is in an argument that nobody can judge.
    """

    by: tuple[str, ...] = ()
    needs: tuple[str, ...] = ("ns",)
    counted: Counted = ""
    free: tuple[str, ...] = ()
    heals: bool = False
    undoes: bool = False
    opaque: bool = False

    @property
    def arguments(self) -> frozenset[str]:
        """All that it may be given."""
        return frozenset((*self.by, *self.needs, *COUNTS[self.counted], *self.free))


_PODS = ("rand", "order")
_LABELLED = KubernetesAction(by=("name", "label_selector"))
_NAMED = KubernetesAction(by=("name",))
_MADE = KubernetesAction(free=("spec_path",), undoes=True)
_POLICY = KubernetesAction(by=("label_selectors",))
_POLICY_OUT = KubernetesAction()
_MESH = ("name", "direction", "annotations_selectors")
_MESH_TARGET = (
    "external_targets",
    "target_mode",
    "target_mode_value",
    "target_namespaces_selectors",
    "target_label_selectors",
    "target_annotations_selectors",
)


def _mesh(*own: str) -> KubernetesAction:
    """Its `name` is that of the fault, not of what it touches."""
    return KubernetesAction(
        by=("label_selectors",), needs=("ns", "namespaces_selectors"), counted="mesh", free=(*_MESH, *own)
    )


#: Function, below `chaosk8s` → what it does.
DEEDS: dict[str, KubernetesAction] = {
    "pod.actions.terminate_pods": KubernetesAction(
        by=("label_selector", "name_pattern"), counted="pods", free=(*_PODS, "grace_period"), heals=True
    ),
    "pod.actions.delete_pods": KubernetesAction(by=("label_selector", "name"), counted="one", heals=True),
    "pod.actions.exec_in_pods": KubernetesAction(
        by=("label_selector", "name_pattern"),
        counted="pods",
        free=(*_PODS, "cmd", "container_name", "request_timeout"),
        opaque=True,
    ),
    "deployment.actions.scale_deployment": KubernetesAction(by=("name",), counted="replicas"),
    "deployment.actions.rollout_deployment": KubernetesAction(by=("name",), heals=True),
    "deployment.actions.delete_deployment": _LABELLED,
    "deployment.actions.create_deployment": _MADE,
    "statefulset.actions.scale_statefulset": KubernetesAction(by=("name",), counted="replicas"),
    "statefulset.actions.remove_statefulset": _LABELLED,
    "statefulset.actions.create_statefulset": _MADE,
    "daemonset.actions.delete_daemon_set": _LABELLED,
    "daemonset.actions.update_daemon_set": KubernetesAction(by=("name",), free=("spec",)),
    "daemonset.actions.create_daemon_set": _MADE,
    "replicaset.actions.delete_replica_set": _LABELLED,
    "service.actions.delete_service": _NAMED,
    "service.actions.create_service_endpoint": _MADE,
    "secret.actions.delete_secret": _NAMED,
    "secret.actions.create_secret": _MADE,
    "networking.actions.delete_ingress": _NAMED,
    "networking.actions.update_ingress": KubernetesAction(by=("name",), free=("spec",)),
    "networking.actions.create_ingress": _MADE,
    "networking.actions.create_network_policy": KubernetesAction(free=("spec", "spec_path"), undoes=True),
    "networking.actions.remove_network_policy": _NAMED,
    "networking.actions.deny_all_ingress": _POLICY,
    "networking.actions.deny_all_egress": _POLICY,
    "networking.actions.allow_dns_access": _POLICY,
    "networking.actions.remove_deny_all_ingress": _POLICY_OUT,
    "networking.actions.remove_deny_all_egress": _POLICY_OUT,
    "networking.actions.remove_allow_dns_access": _POLICY_OUT,
    "node.actions.cordon_node": KubernetesAction(by=("name", "label_selector"), needs=(), counted="nodes"),
    "node.actions.uncordon_node": KubernetesAction(by=("name", "label_selector"), needs=(), counted="nodes"),
    "node.actions.drain_nodes": KubernetesAction(
        by=("name", "label_selector", "pod_label_selector"),
        needs=(),
        counted="nodes",
        free=("count", "pod_namespace", "timeout", "delete_pods_with_local_storage"),
    ),
    "chaosmesh.network.actions.add_latency": _mesh("latency", "correlation", "jitter", *_MESH_TARGET),
    "chaosmesh.network.actions.set_loss": _mesh("loss", "correlation", *_MESH_TARGET),
    "chaosmesh.network.actions.duplicate_packets": _mesh("duplicate", "correlation", *_MESH_TARGET),
    "chaosmesh.network.actions.reorder_packets": _mesh("reorder", "correlation", "gap", *_MESH_TARGET),
    "chaosmesh.network.actions.corrupt_packets": _mesh("corrupt", "correlation", *_MESH_TARGET),
    "chaosmesh.network.actions.set_bandwidth": _mesh("rate", "limit", "buffer", "peakrate", "minburst", *_MESH_TARGET),
    "chaosmesh.network.actions.delete_network_fault": _NAMED,
    "chaosmesh.stress.actions.stress_cpu": _mesh(
        "workers", "load", "duration", "container_names", "stressng_stressors"
    ),
    "chaosmesh.stress.actions.stress_memory": _mesh(
        "workers", "size", "oom_score", "time_to_get_to_size", "duration", "container_names", "stressng_stressors"
    ),
    "chaosmesh.stress.actions.delete_stressor": _NAMED,
}

#: Function or module, below `chaosk8s` → why no target can allow it.
NEVER: dict[str, str] = {
    "node.actions.delete_nodes": "a node that was deleted does not come back",
    "node.actions.create_node": "a node is added to the whole cluster",
    "namespace.actions": "a namespace is all that is in it",
    "crd.actions": "what a resource of any kind does cannot be judged",
    "actions": "these are old names of other actions: use those, such as chaosk8s.deployment.actions",
}


def kubernetes_action(provider: Mapping[str, Any]) -> KubernetesAction | None:
    """What the table says of this function; None for an unknown one, and for any other provider."""
    module, _, rest = str(provider.get("module", "")).partition(".")
    return DEEDS.get(f"{rest}.{provider.get('func')}") if module == "chaosk8s" else None
