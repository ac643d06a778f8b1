"""A service that is known by its address."""

from __future__ import annotations

from runner.targets.driver import TargetDriver
from runner.targets.field_groups import CLUSTER_FIELDS


class HttpDriver(TargetDriver):
    kind = "http"
    noun = "service"
    needs = ("url",)
    refuses = CLUSTER_FIELDS
