"""Small questions over a screen: a text, a choice, a yes; and whoever puts them, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from runner.views.tui.below import Below
from runner.views.tui.paint import line, lines
from runner.views.tui.widgets.panel import Panel

_DIGITS = range(1, 10)


class Question(ModalScreen[str | None]):
    """A box with its keys in the last line; None when it was put away with escape.

    `about` names what it is about, a step for instance; `notes` stand under the prompt; `yes` and `no` say what enter and
    escape do.
    """

    BINDINGS = [Binding("escape", "put_away", "Never mind")]

    def __init__(
        self, prompt: str, *, about: str = "", notes: Iterable[str] = (), yes: str = "ok", no: str = "never mind"
    ) -> None:
        super().__init__()
        self._prompt = prompt
        self._about = about
        self._notes = tuple(notes)
        self._yes = yes
        self._no = no

    def render(self) -> Any:
        below = super().render()
        return Below(below.screen) if isinstance(below, BackgroundScreen) else below

    def compose(self) -> ComposeResult:
        with Vertical(classes="question"):
            with VerticalScroll(classes="asked"):
                yield Panel(id="prompt")
            yield from self.answers()

    def answers(self) -> Iterable[Widget]:
        """Where the answer is given; nowhere, when enter alone is one."""
        return ()

    def on_mount(self) -> None:
        self.query_one("#prompt", Panel).show(lines(self._head()))
        self.say()

    def _head(self) -> Iterable[Content]:
        if self._about:
            yield line((self._about, "dim"))
        yield from (line((each, "bold")) for each in self._prompt.splitlines())
        yield from (line(each) for each in self._notes)

    def say(self, why: str = "") -> None:
        """The last line: the keys, or why enter does nothing."""
        words = (why, "warn") if why else (f"{self.enter} {self._yes}", "dim")
        # On the frame, where nothing that is asked can push it out of sight.
        self.query_one(".question").border_subtitle = line(words, (f" · esc {self._no}", "dim"))

    @property
    def enter(self) -> str:
        """The keys that answer."""
        return "⏎"

    def answer(self, text: str | None) -> None:
        """Once: of a screen that is gone already, dismissing would take away the one below."""
        if self.app.screen is self:
            self.dismiss(text)

    def action_put_away(self) -> None:
        self.answer(None)

    def withdraw(self, why: str) -> None:
        """What it asks cannot be done any more."""
        self.app.notify(why, title="No longer asked", severity="warning", markup=False)
        self.answer(None)


class AskText(Question):
    """One line of text; an empty one only where it means something.

    `given` stands there already; `unfit` says why a text cannot be the answer.
    """

    AUTO_FOCUS = "Input"

    def __init__(
        self,
        prompt: str,
        *,
        secret: bool = False,
        may_be_empty: bool = False,
        given: str = "",
        unfit: Callable[[str], str] = lambda _: "",
        **more: Any,
    ) -> None:
        super().__init__(prompt, **more)
        self._secret = secret
        self._may_be_empty = may_be_empty
        self._given = given
        self._unfit = unfit
        self._gone = ""

    def answers(self) -> Iterable[Widget]:
        yield Input(self._given, password=self._secret)

    def on_input_changed(self) -> None:
        self.say(self._gone)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if not (self._may_be_empty or event.value.strip()):
            self.say("a few words are needed")
        elif why := self._unfit(event.value):
            self.say(why)
        elif not self._gone:
            self.answer(event.value)

    def withdraw(self, why: str) -> None:
        """Words that somebody typed are not taken away: they may be copied."""
        if any(each.value.strip() != self._given for each in self.query(Input)):
            self._gone = why
            self.say(why)
        else:
            super().withdraw(why)


class AskChoice(Question):
    """One of several, by its digit or with the arrows; `start`: the one that is highlighted first."""

    AUTO_FOCUS = "OptionList"
    BINDINGS = [Binding(str(digit), f"pick({digit})", show=False) for digit in _DIGITS]

    def __init__(self, prompt: str, choices: Iterable[str], *, start: int = 0, **more: Any) -> None:
        super().__init__(prompt, **more)
        self._choices = tuple(choices)
        self._start = start

    def answers(self) -> Iterable[Widget]:
        signs = [str(digit) for digit in _DIGITS] + [" "] * len(self._choices)
        options = (Option(line((f"{sign}  ", "key"), each)) for sign, each in zip(signs, self._choices, strict=False))
        yield OptionList(*options, markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(OptionList).highlighted = self._start

    @property
    def enter(self) -> str:
        last = min(len(self._choices), _DIGITS[-1])
        return f"1–{last} or ↑ ↓ ⏎" if last > 1 else "⏎"

    def action_pick(self, digit: int) -> None:
        if digit <= len(self._choices):
            self.answer(self._choices[digit - 1])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.answer(self._choices[event.option_index])


class AskYes(Question):
    """Enter says yes; what is longer than the box scrolls."""

    AUTO_FOCUS = ".asked"
    BINDINGS = [Binding("enter", "yes", "Yes")]

    def action_yes(self) -> None:
        self.answer("yes")


class Asker:
    """Puts one question at a time over a screen, and takes back the one that can no longer be answered."""

    def __init__(self, screen: Screen[None]) -> None:
        self._screen = screen
        self._open: tuple[Question, Callable[[], str]] | None = None

    @property
    def busy(self) -> bool:
        """Something else is on the screen: what is pressed now is not meant for the one below."""
        return self._screen.app.screen is not self._screen

    def put(
        self,
        question: Question,
        answered: Callable[[str], None],
        *,
        why_not: Callable[[], str] = str,
        left: Callable[[], None] = lambda: None,
    ) -> None:
        """`why_not`: why it can no longer be answered, '' while it can; `left`: what comes when it was put away."""
        if self.busy:
            return
        self._open = (question, why_not)

        def done(text: str | None) -> None:
            if self._open is not None and self._open[0] is question:
                self._open = None
            if text is None:
                left()
            elif why := why_not():
                self._screen.notify(why, title="Not now", severity="warning", markup=False)
            else:
                answered(text)

        # At once, not in a worker: a second key would open a second question meanwhile.
        self._screen.app.push_screen(question, done)

    def look(self) -> None:
        """Take the question back when what it asks is no longer possible."""
        if self._open is None:
            return
        question, why_not = self._open
        if self._screen.app.screen is question and question.is_mounted and (why := why_not()):
            question.withdraw(why)
