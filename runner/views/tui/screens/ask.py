"""Small questions over the room: a text, a choice, an abort with its reason."""

from __future__ import annotations

from collections.abc import Iterable

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from runner.views.tui.paint import line, lines
from runner.views.tui.widgets.panel import Panel


class AskText(ModalScreen[str | None]):
    """One line of text; None when it was put away with escape."""

    BINDINGS = [Binding("escape", "dismiss(None)", "Never mind")]

    def __init__(self, prompt: str, *, secret: bool = False) -> None:
        super().__init__()
        self._prompt = prompt
        self._secret = secret

    def compose(self) -> ComposeResult:
        with Vertical(classes="question"):
            yield Panel(id="prompt")
            yield Input(password=self._secret)

    def on_mount(self) -> None:
        self.query_one("#prompt", Panel).show(line((self._prompt, "bold")))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value)


class AskChoice(ModalScreen[str | None]):
    """One of several; None when it was put away with escape."""

    BINDINGS = [Binding("escape", "dismiss(None)", "Never mind")]

    def __init__(self, prompt: str, choices: Iterable[str], *, notes: Iterable[str] = ()) -> None:
        super().__init__()
        self._prompt = prompt
        self._choices = tuple(choices)
        self._notes = tuple(notes)

    def compose(self) -> ComposeResult:
        with Vertical(classes="question"):
            yield Panel(id="prompt")
            yield OptionList(*(Option(line(each)) for each in self._choices), markup=False)

    def on_mount(self) -> None:
        head = [line((self._prompt, "bold")), *(line((each, "dim")) for each in self._notes)]
        self.query_one("#prompt", Panel).show(lines(head))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index])
