"""The runbook: every step with its state, its time against its target, who did it, and how the last run did."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from runner.engine.plan import Step
from runner.engine.state import State, StepView
from runner.views.text import duration
from runner.views.tui.paint import line, lines

_SIGNS = {
    "pending": (" ", "dim"),
    "asking": ("?", "warn"),
    "ready": ("▶", "note"),
    "running": ("$", "note"),
    "ran": ("$", "note"),
    "retry-wait": ("↻", "warn"),
    "done": ("…", "note"),
    "verifying": ("…", "note"),
    "verified": ("✓", "good"),
    "failing": ("✗", "bad"),
}
_OUTCOMES = {"succeeded": ("✓", "good"), "failed": ("✗", "bad"), "timed-out": ("✗", "bad"), "skipped": ("»", "dim")}
#: Seconds in which a running step's time goes on.
_EVERY = 10.0
_WORDS = {
    "asking": "waits for an answer",
    "running": "running",
    "retry-wait": "tries again soon",
    "done": "verifying",
    "verifying": "verifying",
    "failing": "FAILED: what now?",
}


class Runbook(OptionList):
    """One option a step; the highlighted one is what `go to` means."""

    BORDER_TITLE = "Runbook"

    def __init__(self) -> None:
        super().__init__(id="runbook", markup=False)
        self._shown: dict[str, Content] = {}
        self._current = ""

    @property
    def chosen(self) -> str:
        """The id of the highlighted step; '' when none is."""
        option = self.highlighted_option
        return option.id or "" if option is not None else ""

    def show(self, state: State, now: float, ghost: Mapping[str, float]) -> None:
        """`ghost`: how long each step took in the last run (s)."""
        width = max(20, self.scrollable_content_region.width - 2)
        rows = {step.id: _row(state, step, now, ghost.get(step.id), width) for step in state.plan.steps}
        if sum(1 + row.plain.count("\n") for row in rows.values()) > self.size.height:
            # Where not every step would be seen, only the current one says more.
            rows = {step: row if step == state.current else row.split("\n")[0] for step, row in rows.items()}
        if rows.keys() != self._shown.keys():
            self.clear_options()
            self.add_options(Option(content, id=step) for step, content in rows.items())
        else:
            for step, content in rows.items():
                if content != self._shown[step]:
                    self.replace_option_prompt(step, content)
        self._shown = rows
        self._follow(state.current)

    def _follow(self, current: str) -> None:
        if current and current != self._current and current in self._shown:
            self.highlighted = self.get_option_index(current)
        self._current = current


def _row(state: State, step: Step, now: float, ghost: float | None, width: int) -> Content:
    view = state.steps.get(step.id) or StepView(id=step.id)
    sign, style = _OUTCOMES.get(view.outcome, _SIGNS.get(view.status, (" ", "")))
    current = step.id == state.current
    spent = state.step_seconds(step.id, now) if view.started_t is not None else None
    if spent is not None and not view.outcome:
        # The step that is open counts its own seconds; here the whole list is sent again with each change.
        spent -= spent % _EVERY
    times, late = _times(step, spent)
    room = max(8, width - 2 - len(times) - 1)
    name = step.name if len(step.name) <= room else step.name[: room - 1] + "…"
    gap = " " * max(1, width - 2 - len(name) - len(times))
    kind = "bold" if current else "dim" if view.outcome or step.anytime else ""
    first = line((f"{sign} ", style), (name, kind), gap, (times, "warn" if late else "dim"))
    under = _under(step, view, current, spent, ghost)
    return lines([first, line(("  " + under, "dim"))]) if under else first


def _times(step: Step, spent: float | None) -> tuple[str, bool]:
    if spent is None:
        return (f"≤ {_short(step.target_time)}" if step.target_time is not None else ""), False
    if step.target_time is None:
        return _short(spent), False
    late = spent > step.target_time
    return f"{'! ' if late else ''}{_short(spent)} / {_short(step.target_time)}", late


def _short(seconds: float) -> str:
    """Whole seconds: a tenth that runs would be painted ten times a second."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _under(step: Step, view: StepView, current: bool, spent: float | None, ghost: float | None) -> str:
    words = []
    if current and view.status in _WORDS:
        words.append(_WORDS[view.status])
    if view.outcome and view.outcome != "succeeded":
        words.append(f"{view.outcome}{': ' + view.why if view.why else ''}")
    if who := view.who if view.outcome else view.holder:
        words.append(who)
    if step.anytime:
        words.append(f"at any time{f', done {view.visits}×' if view.visits else ''}")
    if view.disputes:
        words.append("disputed")
    if ghost is not None and not view.outcome and (spent is None or spent <= ghost):
        # Who has not finished is not ahead yet.
        words.append(f"last time {duration(ghost)}")
    elif ghost is not None and spent is not None:
        ahead = ghost - spent
        words.append(f"{'ahead' if ahead >= 0 else 'behind'} of last time by {duration(abs(ahead))}")
    return " · ".join(words)
