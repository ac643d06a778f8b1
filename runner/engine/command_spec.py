"""What is declared of a command: its word, who may give it, when, what it takes, and how a screen offers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, Literal, get_args, get_origin

from runner.engine.commands import Command, Order, Role
from runner.engine.events import Event
from runner.engine.phases import Phase
from runner.engine.state import State
from runner.lazy_dataclass import hints, lazy_dataclass

Handler = Callable[[State, Order, Any], tuple[Event, ...]]
Screen = Literal["room", "debrief"]
#: What a screen asks before it sends a command: one of several, a yes, or a text for the parameter of this name.
CHOICE = "choice"
YES = "yes"
TEXT = "text"
REASON = "why"


def _nothing(_state: State) -> Mapping[str, object]:
    return {}


def _no_objection(_state: State, _order: Order, _role: Role) -> str:
    return ""


@lazy_dataclass(frozen=True, kw_only=True)
class Action:
    """One thing that people do by a command; most commands are one, `milestone` is four.

    `name`: of its own among all actions. `values`: what the command then holds whatever else is asked. `example`: the
    other values, as they would be accepted in this state if any were. `key`: '' for what `enter` does when the current
    step waits for it. `short`: the label where there is little room. `asks`: what a screen asks first, with `prompt`:
    CHOICE, YES, or the parameter that a text is for. `of_step`: it means the step that is current when the question is
    put, and no later one.
    """

    name: str
    example: Callable[[State], Mapping[str, object]] = _nothing
    values: tuple[tuple[str, str], ...] = ()
    key: str = ""
    label: str = ""
    short: str = ""
    screens: tuple[Screen, ...] = ("room",)
    asks: str = ""
    prompt: str = ""
    of_step: bool = False


@lazy_dataclass(frozen=True, kw_only=True)
class Parameter:
    """One value that a command takes: a text, one of `choices`, or yes or no."""

    name: str
    required: bool
    choices: tuple[str, ...] = ()
    yes_or_no: bool = False

    def fits(self, value: object) -> bool:
        """Whether a message may give this value."""
        if self.choices:
            return value in self.choices
        if self.yes_or_no:
            return isinstance(value, bool)
        # No environment, and so no command, can take a NUL.
        return isinstance(value, str) and "\0" not in value

    @property
    def typed(self) -> tuple[str, ...]:
        """The values as people type them; empty for a text of their own."""
        return ("yes", "no") if self.yes_or_no else self.choices

    @property
    def usage(self) -> str:
        """As it is typed, in brackets when it may be left out."""
        word = f"{self.name}={'|'.join(filter(None, self.typed)) or '…'}"
        return word if self.required else f"[{word}]"


@lazy_dataclass(frozen=True, kw_only=True)
class CommandSpec:
    """`word`: as it is typed, sent and recorded. `about`: what it does, for people.

    `roles`: who may give it; empty for the system's own, which no message can name. `phases`: who decides it, by the
    run's phase; it is refused in the others. `objects`: why a person whose role allows it may not give it all the same;
    '' when they may.
    """

    command: type[Command]
    word: str
    about: str = ""
    roles: frozenset[Role]
    phases: Mapping[Phase, Handler]
    objects: Callable[[State, Order, Role], str] = _no_objection
    actions: tuple[Action, ...] = ()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What it takes, in order: its fields."""
        kinds = hints(self.command)
        return tuple(
            Parameter(
                name=field.name,
                required=field.default is MISSING,
                choices=get_args(kinds[field.name]) if get_origin(kinds[field.name]) is Literal else (),
                yes_or_no=kinds[field.name] is bool,
            )
            for field in fields(self.command)
        )

    @property
    def usage(self) -> str:
        """As it is typed: `note text=… [type=note|action|mark|rating] [about=confidence|runbook|realism]`."""
        return " ".join([self.word, *(each.usage for each in self.parameters)])
