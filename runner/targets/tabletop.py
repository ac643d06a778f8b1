"""No target: a runbook alone is walked through, and nothing is touched. No file can declare it."""

from __future__ import annotations

from runner.targets.driver import TargetDriver


class TabletopDriver(TargetDriver):
    kind = "none"
