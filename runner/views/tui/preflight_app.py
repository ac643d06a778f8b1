"""The preflight as an application: `Preflight(plan, judge).run()` is the word to begin, or None."""

from __future__ import annotations

from runner.engine.plan import RunPlan
from runner.views.tui.base_app import BaseApp
from runner.views.tui.screens.preflight_screen import Go, Judge, PreflightScreen


class Preflight(BaseApp[Go | None]):
    """Before `gameday run` starts anything at a terminal."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, plan: RunPlan, judge: Judge, consent: str = "") -> None:
        super().__init__()
        self._first = PreflightScreen(plan, judge, consent)

    def on_mount(self) -> None:
        self.push_screen(self._first, self.exit)
