"""The clock of the drill, and where we are: to be read from two metres away."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Digits

from runner.views.run_clock import RunClock
from runner.views.tui.paint import line
from runner.views.tui.widgets.panel import Panel
from runner.views.view_model import ViewModel


class Head(Horizontal):
    """Time, phase, objective; the drill, its target, who is here."""

    def compose(self) -> ComposeResult:
        # Apart, because they change apart: a slow line is sent no minutes each second.
        with Horizontal(id="clock"):
            yield Digits("00:", id="clock-minutes")
            yield Digits("00", id="clock-seconds")
        with Vertical(id="clock-text"):
            yield Panel(id="phase")
            yield Panel(id="clock-label")
            yield Panel(id="clock-state")
        with Vertical(id="where"):
            yield Panel(id="drill")
            yield Panel(id="target-name")
            yield Panel(id="people")

    def show(self, model: ViewModel, clock: RunClock, role: str, name: str, trouble: str = "") -> None:
        """`trouble`: why this room may not show what is so."""
        minutes, colon, seconds = clock.digits.rpartition(":")
        for digits, value in (("#clock-minutes", minutes + colon), ("#clock-seconds", seconds)):
            shown = self.query_one(digits, Digits)
            if shown.value != value:
                shown.update(value)
        self.query_one("#clock").set_classes(clock.level)
        self._say("phase", (clock.phase.upper(), "title"))
        self._say("clock-label", clock.label)
        self._say("clock-state", (f"{clock.sign} {clock.word}" if clock.word else "", clock.level))
        plan = model.state.plan
        self._say("drill", (plan.name, "bold"))
        self._say("target-name", f"on {plan.target.name}", ("  " + model.state.run.rpartition("-")[2], "dim"))
        here = ", ".join(f"{p.name}{_mark(p.role)}" for p in model.state.present) or name
        if trouble:
            self._say("people", (f"✗ {trouble}", "bad"))
        else:
            # First what the role may: names fill the rest of the line, and are cut where it ends.
            self._say("people", (f"you: {role}  ", "dim"), (here, "dim"))

    def _say(self, where: str, *parts: str | tuple[str, str]) -> None:
        self.query_one(f"#{where}", Panel).show(line(*parts))


def _mark(role: str) -> str:
    return {"facilitator": "*", "observer": " (watching)"}.get(role, "")
