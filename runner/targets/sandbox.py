"""The embedded staging stack, started for the run and thrown away with it."""

from __future__ import annotations

from runner.targets.driver import ADDRESS_FIELDS, CLUSTER_FIELDS, LOOPBACK, TargetDriver


class SandboxDriver(TargetDriver):
    kind = "sandbox"
    noun = "sandbox"
    refuses = (*ADDRESS_FIELDS, *CLUSTER_FIELDS)
    environment = "sandbox"
    attributes = ("url", "admin", "monitor", "proxy")
    found_attributes = attributes
    allowed_hosts = LOOPBACK
    started_as = "sandbox"
    #: It was just started, and may still settle.
    settles_within = 5.0
