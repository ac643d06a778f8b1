"""This machine."""

from __future__ import annotations

from runner.targets.driver import CLUSTER_FIELDS, LOOPBACK, DeclaredTarget, TargetDriver


class LocalDriver(TargetDriver):
    kind = "local"
    noun = "machine"
    refuses = CLUSTER_FIELDS
    allowed_hosts = LOOPBACK
    never_gone = "is this machine, which cannot be gone while the drill runs on it"

    def lock_key(self, target: DeclaredTarget) -> str:
        """There is one of them: without addresses it has no other name."""
        return super().lock_key(target) if self.addresses(target) else self.kind
