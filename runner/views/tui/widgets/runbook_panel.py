"""The runbook: every step with its state, its time against its target, who did it, and how the last run did."""

from __future__ import annotations

from collections.abc import Mapping

from textual.binding import Binding
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
_WORDS = {
    "asking": "waits for an answer",
    "running": "running",
    "retry-wait": "tries again soon",
    "done": "verifying",
    "verifying": "verifying",
    "failing": "FAILED: what now?",
}


class RunbookPanel(OptionList):
    """One option a step; the highlighted one is what `go to` means, and what is shown opened: the current one, until people choose."""

    BORDER_TITLE = "Runbook"
    BINDINGS = [Binding("escape", "follow", "The current step", show=False)]

    def __init__(self) -> None:
        super().__init__(id="runbook", markup=False)
        self._shown: dict[str, Content] = {}
        self._current = ""

    @property
    def chosen(self) -> str:
        """The id of the highlighted step; '' when none is."""
        option = self.highlighted_option
        return option.id or "" if option is not None else ""

    @property
    def looked_at(self) -> str:
        """The id of a step that people chose to look at; '' while it is the current one, or none."""
        return self.chosen if self.chosen != self._current else ""

    def show(self, state: State, now: float, previous: Mapping[str, float]) -> None:
        """`previous`: how long each step took in the last run (s)."""
        width = max(20, self.scrollable_content_region.width - 2)
        rows = {step.id: _row(state, step, now, previous.get(step.id), width) for step in state.plan.steps}
        if sum(1 + row.plain.count("\n") for row in rows.values()) > self.size.height:
            # Where not every step would be seen, only the current one says more.
            rows = {step: row if step == state.current else row.split("\n")[0] for step, row in rows.items()}
        if rows.keys() != self._shown.keys():
            self.clear_options()
            self._current = ""
            self.add_options(Option(content, id=step) for step, content in rows.items())
        else:
            for step, content in rows.items():
                if content != self._shown[step]:
                    self.replace_option_prompt(step, content)
        self._shown = rows
        self._follow(state.current)

    def _follow(self, current: str) -> None:
        if current != self._current:
            # With no step to stand on, whatever people choose then is theirs.
            self.highlighted = self.get_option_index(current) if current in self._shown else None
        self._current = current

    def action_follow(self) -> None:
        """Back to the current step, or to none."""
        self.highlighted = self.get_option_index(self._current) if self._current in self._shown else None


def _row(state: State, step: Step, now: float, previous: float | None, width: int) -> Content:
    view = state.steps.get(step.id) or StepView(id=step.id)
    sign, style = _OUTCOMES.get(view.outcome, _SIGNS.get(view.status, (" ", "")))
    current = step.id == state.current
    spent = state.step_seconds(step.id, now) if view.started_t is not None else None
    times, late = _times(step, spent, bool(view.outcome))
    room = max(8, width - 2 - len(times) - 1)
    name = step.name if len(step.name) <= room else step.name[: room - 1] + "…"
    gap = " " * max(1, width - 2 - len(name) - len(times))
    kind = "bold" if current else "dim" if view.outcome or step.anytime else ""
    first = line((f"{sign} ", style), (name, kind), gap, (times, "warn" if late else "dim"))
    under = _under(step, view, current, spent, previous)
    return lines([first, line(("  " + under, "dim"))]) if under else first


def _times(step: Step, spent: float | None, ended: bool) -> tuple[str, bool]:
    """What the step took, or may take: its seconds run beside its text alone, this list would be sent again each time."""
    target = step.target_time
    late = spent is not None and target is not None and spent > target
    took = _short(spent) if spent is not None and ended else ""
    goal = "" if target is None else f" / {_short(target)}" if took else f"≤ {_short(target)}"
    return f"{'! ' if late else ''}{took}{goal}", late


def _short(seconds: float) -> str:
    """Whole seconds: a tenth that runs would be painted ten times a second."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _under(step: Step, view: StepView, current: bool, spent: float | None, previous: float | None) -> str:
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
    if previous is not None:
        words.append(_against(previous, spent, bool(view.outcome)))
    return " · ".join(words)


def _against(previous: float, spent: float | None, ended: bool) -> str:
    if spent is None or not ended:
        # Who has not finished is not ahead yet.
        behind = spent is not None and spent > previous
        return f"{'behind ' if behind else ''}last time{':' if behind else ''} {duration(previous)}"
    ahead = previous - spent
    return f"{'ahead of' if ahead >= 0 else 'behind'} last time by {duration(abs(ahead))}"
