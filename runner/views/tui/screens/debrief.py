"""The debrief: what the run came to, with the evidence, and a place for what people have to say of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import Screen

from runner.engine.command_lookup import ACTIONS, actions_on, command_for
from runner.engine.command_spec import Action
from runner.engine.commands import RATED, Command
from runner.engine.state import State
from runner.errors import GamedayError
from runner.specs.catalogue import Catalogue
from runner.transcript.run_folder import REPORT
from runner.views.actions import allowed, over
from runner.views.report import QUESTIONS, Debrief, debrief
from runner.views.tui.paint import line, lines
from runner.views.tui.run_client import RunClient, Visitor
from runner.views.tui.screens.ask import AskChoice, Asker, AskText
from runner.views.tui.screens.help import Help
from runner.views.tui.widgets.debriefing import debrief_lines
from runner.views.tui.widgets.keys import Keys
from runner.views.tui.widgets.panel import Panel

#: Seconds between two looks at whether there is something new.
_LOOK = 0.25
#: From 1 to 5, each at its own digit.
_RATINGS = ("not at all", "a little", "somewhat", "quite", "very")


class DebriefScreen(Screen[None]):
    """Of a run in its debrief when there is a `client` of it, and a `state` to see it by; else of one that is over."""

    BINDINGS = [
        # A footer of 80 columns holds no longer words; help has them.
        *(Binding(each.key, f"perform('{each.name}')", each.short or each.label) for each in actions_on("debrief")),
        Binding("escape,d", "app.pop_screen", "Board", key_display="d"),
        Binding("question_mark", "help", "Help"),
        Binding("q", "leave", "Leave"),
    ]

    def __init__(
        self,
        folder: Path,
        visitor: Visitor,
        *,
        client: RunClient | None = None,
        state: Callable[[], State] | None = None,
    ) -> None:
        super().__init__()
        self._folder = folder
        self._visitor = visitor
        self._client = client
        self._state = state
        self._asker = Asker(self)
        self._seen = -1
        self._told: Debrief | None = None
        self._told_closed = False

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="debrief-scroll"):
            yield Panel(id="debrief")
        yield Keys()

    def on_mount(self) -> None:
        scroll = self.query_one("#debrief-scroll")
        scroll.border_title = "Debrief"
        scroll.focus()
        self._look()
        if self._state is not None:
            self.set_interval(_LOOK, self._look)

    def _look(self) -> None:
        """Judge the run anew when something was said; a long one takes seconds, and not the event loop's."""
        self._asker.look()
        seq = self._state().seq if self._state is not None else 0
        if self._state is not None and self._state().closed is not None and not self._told_closed:
            self._told_closed = True
            self.notify("The debrief is closed. q leaves.")
        if seq != self._seen:
            self._seen = seq
            self.run_worker(self._judge, thread=True, exclusive=True, group="judge")

    def _judge(self) -> None:
        try:
            told = debrief(self._folder, _root())
        except GamedayError as error:
            self.app.call_from_thread(self._fail, str(error))
            return
        self.app.call_from_thread(self._show, told)

    def _fail(self, why: str) -> None:
        if self.is_attached:
            self.query_one("#debrief", Panel).show(line(why))

    def _show(self, told: Debrief) -> None:
        if not self.is_attached:
            return
        self._told = told
        near = self._folder / REPORT
        shown = near.relative_to(Path.cwd()) if near.is_relative_to(Path.cwd()) else near
        width = max(40, self.query_one("#debrief-scroll").scrollable_content_region.width - 2)
        asks = not self._why_not("note")
        self.query_one("#debrief", Panel).show(lines(debrief_lines(told, shown, width, asks=asks)))

    def on_resize(self) -> None:
        if self._told is not None:
            self._show(self._told)

    # -- what a person may do ------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's own
        """Of a run that is long over nothing is asked."""
        return action != "perform" or self._client is not None

    def action_perform(self, name: str) -> None:
        """Do the action of this name, after what it asks; refused when it is not possible now, or is none."""
        if self._asker.busy or self._refused(name):
            return
        action = ACTIONS[name]
        if name == "rate":
            self._rate(RATED)
        elif action.asks:
            question = AskText(action.prompt, yes="write")
            self._asker.put(question, partial(self._write, action), why_not=partial(self._why_not, name))
        else:
            self.run_worker(self._ask(command_for(action)))

    def _write(self, action: Action, text: str) -> None:
        self.run_worker(self._ask(command_for(action, **{action.asks: text})))

    def _rate(self, left: tuple[str, ...]) -> None:
        """One question after another; escape leaves one out."""
        if not left or self._refused("rate"):
            return
        about, *rest = left
        # In the middle, so that an enter pressed in haste praises nothing.
        question = AskChoice(QUESTIONS[about], _RATINGS, start=len(_RATINGS) // 2, yes="rate", no="leaves this one out")
        self._asker.put(
            question,
            partial(self._rated, about, tuple(rest)),
            why_not=partial(self._why_not, "rate"),
            left=partial(self._rate, tuple(rest)),
        )

    def _rated(self, about: str, rest: tuple[str, ...], words: str) -> None:
        stars = str(_RATINGS.index(words) + 1)
        self.run_worker(self._ask(command_for(ACTIONS["rate"], text=stars, about=about)))
        self._rate(rest)

    def action_leave(self) -> None:
        self.app.exit(self._state is not None and over(self._state(), self._visitor.name))

    def action_help(self) -> None:
        self.app.push_screen(Help(self._help()))

    def _help(self) -> Iterator[tuple[str, str, str]]:
        for each in actions_on("debrief"):
            yield each.key, each.label, self._why_not(each.name)
        yield "↑ ↓", "Scroll", ""
        yield "d", "Back to the board", ""
        yield "q", "Leave", ""

    def _why_not(self, name: str) -> str:
        if self._state is None or self._client is None:
            return "the run is over"
        return allowed(self._state(), self._visitor.role, self._visitor.name).why_not(name)

    def _refused(self, name: str) -> bool:
        why = self._why_not(name)
        if why:
            self.notify(why, title="Not now", severity="warning", markup=False)
        return bool(why)

    async def _ask(self, command: Command) -> None:
        if self._client is not None and (why := await self._client.ask(command)):
            self.notify(why, severity="warning", markup=False)


def _root() -> Path:
    """The project that this terminal stands in: a patch is made of the runbooks there."""
    try:
        return Catalogue.find(Path.cwd()).root
    except GamedayError:
        return Path.cwd()
