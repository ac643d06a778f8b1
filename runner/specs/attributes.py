"""What `${target.NAME}` may stand for besides what is declared: it is there once the target was found."""

from __future__ import annotations

SANDBOX_VARS = ("admin", "monitor", "proxy")
#: What a cluster is reached by: children get them as KUBERNETES_CONTEXT and KUBECONFIG too.
CLUSTER_VARS = ("context", "kubeconfig")
