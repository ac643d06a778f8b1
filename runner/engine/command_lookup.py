"""What is declared of commands, looked up: by a command, by the word that people type, by what a screen offers."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from runner.engine.command_registry import COMMANDS
from runner.engine.command_spec import Action, CommandSpec, Screen
from runner.engine.commands import Command, IllegalCommand
from runner.engine.state import State

_BY_TYPE = {spec.command: spec for spec in COMMANDS}
#: What people may send and type.
BY_WORD: Mapping[str, CommandSpec] = {spec.word: spec for spec in COMMANDS if spec.roles}
#: The command that does an action, by the action's name.
COMMAND_OF: Mapping[str, CommandSpec] = {action.name: spec for spec in COMMANDS for action in spec.actions}
ACTIONS: Mapping[str, Action] = {action.name: action for spec in COMMANDS for action in spec.actions}


def spec_of(command: Command) -> CommandSpec:
    """What is declared of a command. Raises IllegalCommand for one that is not declared."""
    spec = _BY_TYPE.get(type(command))
    if spec is None:
        raise IllegalCommand(f"{type(command).__name__} is not a command of a run")
    return spec


def actions_on(screen: Screen) -> tuple[Action, ...]:
    """What this screen has a key for."""
    return tuple(action for action in ACTIONS.values() if action.key and screen in action.screens)


def command_for(action: Action, **given: object) -> Command:
    """The command of an action, with what was given beside its own values."""
    return COMMAND_OF[action.name].command(**{**dict(action.values), **given})


def example(action: Action, state: State) -> Command:
    """The command of an action, with values that would do now if any would."""
    return command_for(action, **action.example(state))


def given(command: Command) -> dict[str, Any]:
    """The values of a command that differ from the default, by name."""
    values = {field.name: (getattr(command, field.name), field.default) for field in fields(command)}
    return {name: value for name, (value, default) in values.items() if value != default}


def typed(command: Command) -> str:
    """What is typed behind `gameday tell` for a command: its word, and the values that differ from the default."""
    words = (f"{name}={_as_typed(value)}" for name, value in given(command).items())
    return shlex.join([spec_of(command).word, *words])


def _as_typed(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
