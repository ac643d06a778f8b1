"""Groups of fields of targets.yaml that kinds take or leave together, and the hosts of this machine."""

from __future__ import annotations

ADDRESS_FIELDS = ("url", "vars", "headers", "identity")
CLUSTER_FIELDS = ("context", "cluster-uid")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
