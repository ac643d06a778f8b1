"""The current step, opened: what it says, its command and what that printed, what it verifies."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Markdown

from runner.engine.plan import Step
from runner.engine.prompt import open_prompts
from runner.engine.state import State, StepView
from runner.transcript.run_folder import step_log
from runner.views.prompt_text import card_line, next_action
from runner.views.text import duration, inert, whole
from runner.views.tui.paint import line, lines
from runner.views.tui.widgets.panel import Panel
from runner.views.tui.widgets.runbook_panel import RunbookPanel
from runner.views.view_model import revealed

_TAIL_BYTES = 8192
_TAIL_LINES = 12
_HOW_FAR = {
    "succeeded": "done",
    "failed": "failed",
    "timed-out": "timed out",
    "skipped": "skipped",
    "pending": "not yet",
}


@dataclass(frozen=True, kw_only=True)
class _At:
    """The moment that is shown, to whom; `folder` is the run's."""

    state: State
    now: float
    role: str
    folder: Path


#: `[text](address)`.
_LINK = re.compile(r"(?<!!)\[([^\]\n]+)\]\((https?://[^\s)]+)\)")
#: What is worth more then than what the step says.
_TELLING = frozenset({"running", "ran", "retry-wait", "verifying", "failing"})


class StepCard(VerticalScroll):
    """What is to be done now; before the first step and after the last, what is going on instead."""

    BORDER_TITLE = "Now"

    def __init__(self) -> None:
        super().__init__(id="step")
        self._text = ""
        self._at: _At | None = None
        self._seen = ("", "")

    def compose(self) -> ComposeResult:
        yield Panel(id="step-paused")
        with Horizontal(id="step-title"):
            yield Panel(id="step-head")
            # Apart, because it changes each second.
            yield Panel(id="step-time")
        yield Markdown("", id="step-text", open_links=False)
        yield Panel(id="step-state")
        # Docked: what `enter` does is seen however long the step's text is.
        yield Panel(id="step-action")

    def on_mount(self) -> None:
        self.watch(self.screen.query_one(RunbookPanel), "highlighted", self._turn, init=False)

    async def _turn(self) -> None:
        """Somebody chose a step in the runbook: it is shown at once, not with the next second."""
        if self._at is not None:
            await self._paint(self._at)

    async def show(self, state: State, now: float, role: str, folder: Path) -> None:
        self._at = _At(state=state, now=now, role=role, folder=folder)
        await self._paint(self._at)

    async def _paint(self, at: _At) -> None:
        state, other = at.state, self._other(at)
        self.query_one("#step-paused", Panel).display = state.paused
        self.query_one("#step-paused", Panel).show(lines(_paused(state, at.role)))
        self.query_one("#step-action", Panel).show(_action(state, other))
        step = other or state.step
        view = state.steps.get(step.id) if step is not None else None
        title = _title(state, other, view) if other is not None and view is not None else self.BORDER_TITLE
        if title != self.border_title:
            # Set again, the same words would be sent with the whole card.
            self.border_title = title
        if step is None or view is None or (other is None and state.phase != "live"):
            await self._between(state, at.role)
            return
        self.query_one("#step-head", Panel).show(_head(state, step, view))
        self.query_one("#step-time", Panel).show(_spent(state, step, view, at.now))
        await self._say(step.description)
        self.query_one("#step-state", Panel).show(lines(_state(state, step, view, at)))
        self._turn_to(step.id, view.status)

    def _turn_to(self, step: str, status: str) -> None:
        """A step is shown from its beginning; once its command runs, or it fails, what comes of it is at the end."""
        before, self._seen = self._seen, (step, status)
        if before[0] != step:
            self.scroll_home(animate=False)
        elif before != self._seen and status in _TELLING:
            self.call_after_refresh(self.scroll_end, animate=False)

    def _other(self, at: _At) -> Step | None:
        """The step that somebody looks at instead of the current one. What a step proved may tell what is wrong."""
        chosen = self.screen.query_one(RunbookPanel).looked_at
        return at.state.plan.step(chosen) if chosen in at.state.steps and revealed(at.state, at.role) else None

    async def _between(self, state: State, role: str) -> None:
        plan = state.plan
        self.query_one("#step-head", Panel).show(line((_standing(state), "bold")))
        self.query_one("#step-time", Panel).show(line(""))
        known = revealed(state, role) and plan.description
        await self._say("\n\n".join(filter(None, (plan.briefing, plan.description if known else ""))))
        self.query_one("#step-state", Panel).show(line(""))

    async def _say(self, text: str) -> None:
        if text != self._text:
            self._text = text
            # The renderer takes Markdown, never markup; what would act on a terminal is made visible first.
            shown = "\n".join(inert(each) for each in text.split("\n"))
            # It would hide where a link leads, and nothing here opens one.
            await self.query_one("#step-text", Markdown).update(_LINK.sub(r"\1 (\2)", shown))


def _standing(state: State) -> str:
    match state.phase:
        case "" | "preflight":
            return "Preflight: is the target what it should be?"
        case "warm-up":
            return "Warm-up: load comes, the steady state is measured"
        case "live" if not state.cursor:
            return "Stand by"
        case "live":
            return "Every step is done; the drill goes on until the service has held"
        case "undoing":
            return "Undoing: every fault is taken back"
        case _:
            return "The drill is over"


def _paused(state: State, role: str) -> Iterator[Content]:
    if state.paused:
        yield line(("‖ paused: ", "warn"), (state.paused_why, "bold"), "; ", ("u", "key"), " goes on")
        goes_on = "faults, load and the impact clock go on" if revealed(state, role) else "everything else goes on"
        yield line((f"Step times stand still; {goes_on}.", "dim"))


def _action(state: State, other: Step | None) -> Content:
    action = next_action(state)
    if not action.label:
        return line("")
    # The key is the current step's, whatever is looked at.
    whose = f"  for the current step: {state.step.name}" if other is not None and state.step is not None else ""
    return line(("⏎ ", "key"), (action.label, "bold"), (whose, "dim"))


def _title(state: State, step: Step, view: StepView) -> str:
    """Which step is looked at, and how far it is. No text of a file stands in it: it would be markup."""
    word = _HOW_FAR.get(view.outcome or view.status, "begun")
    order = [each.id for each in state.plan.sequence]
    return f"Step {order.index(step.id) + 1}, {word}" if step.id in order else f"A step at any time, {word}"


def _head(state: State, step: Step, view: StepView) -> Content:
    order = [each.id for each in state.plan.sequence]
    number = f"{order.index(step.id) + 1}/{len(order)}  " if step.id in order else ""
    role = f"  for {step.role}" if step.role else ""
    holder = f"  with {view.holder}" if view.holder else ""
    return line((number, "dim"), (step.name, "bold"), (role + holder, "dim"))


def _spent(state: State, step: Step, view: StepView, now: float) -> Content:
    target = step.target_time
    if view.started_t is None:
        return line((f" ≤ {whole(target)}" if target is not None else "", "dim"))
    spent = state.step_seconds(step.id, now)
    late = target is not None and spent > target
    return line(
        (f" {'! ' if late else ''}{int(spent)} s", "warn" if late else ""),
        f" of {whole(target)}" if target is not None else "",
    )


def _state(state: State, step: Step, view: StepView, at: _At) -> Iterator[Content]:
    if view.outcome:
        yield _outcome(view)
    else:
        yield from _asks(step, view)
    if view.choice:
        yield line("chosen: ", (view.choice, "bold"))
    if step.run:
        yield from (line(("$ ", "key"), each) for each in step.run.rstrip().split("\n"))
        yield from _command(step, view, at)
        if step.by_hand:
            yield line(("not run in a tabletop", "note"))
    if step.verify is not None:
        yield from _verify(state, step, view)
    if step.hint and (view.hint_shown or at.role == "facilitator"):
        yield line(("hint: " if view.hint_shown else "hint, not shown to the team: ", "note"), step.hint)
    # Written out: a terminal makes an address one to click on, and whoever has none can copy it.
    yield from (line(("↗ ", "key"), f"{link.name}  ", (link.url, "dim")) for link in state.plan.links)
    if view.status == "failing":
        yield line(("✗ ", "bad"), (view.why, "bad"))
        yield line(
            ("t", "key"),
            " again  ",
            ("k", "key"),
            " skip  ",
            ("f", "key"),
            " fail  ",
            ("g", "key"),
            " go to another step",
        )


def _asks(step: Step, view: StepView) -> Iterator[Content]:
    yield from (line(*parts) for prompt in open_prompts(step, view) if (parts := card_line(prompt)))


def _outcome(view: StepView) -> Content:
    good = view.outcome == "succeeded"
    who = f" by {view.who}" if view.who else ""
    why = f": {view.why}" if view.why else ""
    return line((_HOW_FAR.get(view.outcome, view.outcome), "good" if good else "warn"), who, why)


def _command(step: Step, view: StepView, at: _At) -> Iterator[Content]:
    if view.status == "running" and view.command_t is not None:
        yield line((f"running for {int(at.now - view.command_t)} s, attempt {view.attempt}", "note"))
        yield from _printed(_live_tail(at.folder, step.id, view.attempt))
    elif view.command_ended_t is not None:
        how = "timed out" if view.timed_out else f"exit code {view.exit_code}"
        yield line((how, "good" if view.exit_code == 0 else "bad"))
        yield from _printed(view.tail)


def _printed(text: str) -> Iterator[Content]:
    for each in text.splitlines()[-_TAIL_LINES:]:
        yield line(("│ ", "dim"), each)


def _live_tail(folder: Path, step: str, attempt: int) -> str:
    """The last lines that a command has printed so far, redacted where it was written; '' when there are none."""
    try:
        with (folder / step_log(step, attempt)).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def _verify(state: State, step: Step, view: StepView) -> Iterator[Content]:
    assert step.verify is not None  # noqa: S101 - the caller looked
    what = (
        "an impact"
        if step.verify.impact
        else step.verify.indicator or str((step.verify.probe or {}).get("name") or "a probe")
    )
    lasting = f" for {duration(step.verify.lasting)}" if step.verify.lasting else ""
    if view.held is not None:
        word, style = ("it held", "good") if view.held else ("it did not hold", "bad")
    elif view.verify_t is not None:
        word, style = f"looking, {_held_for(state, step, view)}", "note"
    else:
        word, style = "not looked at" if view.outcome else "after the step", "dim"
    vacuous = "  (it held before the step, so it proves nothing)" if view.vacuous else ""
    yield line("verifies ", (what + lasting, "bold"), ": ", (word + vacuous, style))


def _held_for(state: State, step: Step, view: StepView) -> str:
    if step.verify is not None and step.verify.impact:
        return "none was measured yet"
    indicator = state.indicators.get(step.verify.indicator) if step.verify else None
    held = indicator.good_since(view.verify_t or 0.0) if indicator is not None else None
    return "it does not hold yet" if held is None or held <= 0 else f"held {duration(held)} so far"
