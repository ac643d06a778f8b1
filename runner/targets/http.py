"""A service that is known by its address."""

from __future__ import annotations

from runner.targets.driver import CLUSTER_FIELDS, TargetDriver


class HttpDriver(TargetDriver):
    kind = "http"
    noun = "service"
    needs = ("url",)
    refuses = CLUSTER_FIELDS
