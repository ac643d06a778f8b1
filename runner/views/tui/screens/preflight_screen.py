"""Before anything starts: the plan, the guard's verdict, and the word to begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen

from runner.engine.plan import HASH_SHOWN, RunPlan
from runner.guard.refusal import Refusal
from runner.views.plan_text import WIDTH, Line, Row, plan_lines
from runner.views.text import duration
from runner.views.tui.paint import Part, hanging, line, lines
from runner.views.tui.screens.ask import AskText
from runner.views.tui.widgets.keys import Keys
from runner.views.tui.widgets.panel import Panel

#: (the target's name, as a person typed it) → why the run may not begin; empty when it may.
Judge = Callable[[str], Sequence[Refusal]]

_NAMES = {
    "does": "bad",
    "undoes": "good",
    "no undo": "warn",
    "lasts": "warn",
    "stops when": "warn",
    "asks": "note",
    "objective": "note",
}
_INDENT = 2


@dataclass(frozen=True, kw_only=True)
class Go:
    """The word to begin: `consent` as it was typed ('' where none is needed), for the plan of that hash and no other."""

    consent: str = ""
    plan_hash: str = ""


class PreflightScreen(Screen[Go | None]):
    """Shows what a run would do, and starts nothing. Its result is the word to begin, or None.

    `consent`: what was given on the command line.
    """

    BINDINGS = [
        Binding("enter", "begin", "Begin", priority=True),
        Binding("enter", "refused", "Refused", show=False, priority=True),
        Binding("up,k", "scroll_plan(-1)", "Up", show=False),
        Binding("down,j", "scroll_plan(1)", "Down", show=False),
        Binding("pageup,b", "scroll_plan(-10)", "Page up", show=False),
        Binding("pagedown,space", "scroll_plan(10)", "Scroll", key_display="↑↓"),
        Binding("q,escape", "dismiss(None)", "Leave, nothing was started"),
    ]

    def __init__(self, plan: RunPlan, judge: Judge, consent: str = "") -> None:
        super().__init__()
        self._plan = plan
        self._judge = judge
        self._consent = consent
        #: What stands against it even when the consent is given: that can be done here.
        self._refusals = tuple(judge(plan.target.name) if judge(consent) else ())
        self._asks = bool(judge(consent)) and not self._refusals

    def compose(self) -> ComposeResult:
        yield Panel(id="preflight-head")
        with VerticalScroll(id="plan-scroll"):
            yield Panel(id="plan")
        with VerticalScroll(id="verdict"):
            yield Panel(id="verdict-text")
        yield Keys()

    def on_mount(self) -> None:
        scroll = self.query_one("#plan-scroll")
        scroll.border_title = "What will happen"
        verdict = self.query_one("#verdict")
        verdict.border_title = "The guard"
        if not self._may_begin:
            verdict.add_class("refused")
            verdict.border_subtitle = "tab, then ↑↓"
        self.query_one("#verdict-text", Panel).show(lines(self._verdict()))
        scroll.focus()

    def on_resize(self) -> None:
        self.query_one("#preflight-head", Panel).show(_head(self._plan, self.size.width - 2))
        # A scroll bar may come or go with this text: its cells are left free.
        width = self.query_one("#plan-scroll").size.width - 6
        self.query_one("#plan", Panel).show(lines(_plan(self._plan, max(40, width))))

    # -- the verdict -----------------------------------------------------------------------------------------------------

    @property
    def _may_begin(self) -> bool:
        return self._asks or not self._refusals

    def _verdict(self) -> Iterator[Content]:
        if self._asks:
            name = self._plan.target.name
            yield line(("▲ ", "warn"), (f"{name} is production.", "bold yellow"), " Nothing has been started.")
            yield line(("⏎ ", "key"), ("Begin", "bold"), " asks for the target's name: typing it is the consent.")
        elif not self._refusals:
            yield line(("✓ ", "good"), ("no objection so far.", "bold green"), " Nothing has been started.")
            yield line(("⏎ ", "key"), ("Begin", "bold"), ": identity, needs and steady state are looked at then.")
        else:
            number = f"{len(self._refusals)} reason{'s' if len(self._refusals) > 1 else ''}"
            yield line(("■ ", "bad"), (f"refused, for {number}.", "bad"), " Nothing was started, nothing can be.")
            for refusal in self._refusals:
                yield from _refusal(refusal)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's own signature
        """One of the two meanings of `enter` is there at a time."""
        if action in ("begin", "refused"):
            return self._may_begin == (action == "begin")
        return True

    # -- what a person may do --------------------------------------------------------------------------------------------

    def action_begin(self) -> None:
        if not self._asks:
            self._go(self._consent)
            return
        prompt = f"{self._plan.target.name} is production. Type its name to begin."
        self.app.push_screen(AskText(prompt, yes="begin", no="starts nothing"), self._consented)

    def _consented(self, typed: str | None) -> None:
        if typed is None:
            return
        if refusals := self._judge(typed):
            self.notify(refusals[0].what, title="Not begun", severity="warning", markup=False)
            return
        self._go(typed)

    def _go(self, consent: str) -> None:
        self.dismiss(Go(consent=consent, plan_hash=self._plan.plan_hash))

    def action_refused(self) -> None:
        self.notify("the guard refuses: mend what it names, and look again", severity="warning", timeout=3)

    def action_scroll_plan(self, by: int) -> None:
        """So many lines, wherever the focus is."""
        self.query_one("#plan-scroll").scroll_relative(y=by, animate=False)


def _refusal(refusal: Refusal) -> Iterator[Content]:
    yield line((refusal.where, "bold"), (f"  [{refusal.rule}]", "dim"))
    yield line(f"  {refusal.what}")
    if refusal.cure:
        yield line(("  → ", "key"), refusal.cure)


# -- the plan ------------------------------------------------------------------------------------------------------------


def _head(plan: RunPlan, width: int) -> Content:
    target = plan.target
    shown = f"plan {plan.plan_hash[:HASH_SHOWN]}"
    name = line((plan.name, "title")).truncate(max(10, width - len(shown) - 2), ellipsis=True)
    gap = " " * max(2, width - name.cell_length - len(shown))
    style = "bold yellow" if target.environment == "production" else "bold"
    # The sandbox is of the kind sandbox, in the environment sandbox.
    more = [each for each in dict.fromkeys((target.kind, target.environment)) if each != target.name]
    where = "".join(f"  {each}" for each in (", ".join(more), plan.file or plan.slug) if each)
    return lines(
        [
            Content.assemble(name, line(gap, (shown, "dim"))),
            line("on ", (target.name, style), (where, "dim")),
            line(*_summary(plan)),
        ]
    )


def _summary(plan: RunPlan) -> Iterator[Part]:
    """What matters most, in one line."""
    faults = ", ".join(each.slug for each in plan.experiments if each.actions)
    yield ("↯ ", "fault") if faults else ("· ", "dim")
    yield faults or "no fault"
    yield (f"  ≋ {plan.load.users} users" if plan.load else "  no load", "")
    steps = len(plan.sequence)
    if steps:
        yield f"  ▶ {steps} step{'s' if steps > 1 else ''}"
    yield (f"  at most {duration(plan.time_box)}", "dim")


def _plan(plan: RunPlan, width: int) -> Iterator[Content]:
    """The plan's lines for so many cells; what is longer goes on under its own column."""
    empty = True
    for each in plan_lines(plan):
        # The first heading needs no distance.
        if each != "" or not empty:
            yield from _painted(each, width)
        empty = False


def _painted(each: Line, width: int) -> Iterator[Content]:
    if isinstance(each, Row):
        label = line(" " * _INDENT, (each.label, _NAMES.get(each.name, "dim")))
        yield from hanging(label, line(each.text), width, max(_INDENT, min(label.cell_length, WIDTH + _INDENT)))
    elif each.startswith("  "):
        yield from hanging(line(" " * _INDENT), line(each.strip()), width)
    else:
        style = "warn" if each.startswith("! ") else "bold cyan"
        yield from hanging(line(""), line((each, style)), width, _INDENT)
