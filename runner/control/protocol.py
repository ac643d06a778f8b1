"""The messages of a run's socket: from one JSON object to a command, with everything that is wrong named in one line.

One request a line: `{"command": "milestone", "name": "detected", "by": "ana", "role": "participant"}`; one answer a
line: `{"ok": true}` or `{"ok": false, "why": …}`. Which commands there are, and what each takes, is declared in
`runner.engine.command_registry`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from runner.engine.command_lookup import BY_WORD, given, spec_of
from runner.engine.commands import Command, Role
from runner.errors import InputError
from runner.lazy_dataclass import lazy_dataclass
from runner.specs.diagnostics import nearest

#: What every message may hold beside the command's own values.
#: `stay` beside a join: whoever joined leaves when this connection ends.
_ENVELOPE = frozenset({"command", "by", "role", "stay"})
_ROLES = tuple(role for role in get_args(Role) if role != "system")


@lazy_dataclass(frozen=True)
class Caller:
    """Who asks: the account that the kernel names, and the name that the person gives."""

    name: str
    uid: int
    role: Role


def parse_command(message: Mapping[str, Any]) -> Command:
    """The command a message asks for. Raises InputError with what is wrong in one line."""
    word = str(message.get("command", ""))
    spec = BY_WORD.get(word)
    if spec is None:
        raise InputError(f"{word!r} is not a command; {nearest(word, sorted(BY_WORD), noun='these are')}")
    values = {key: value for key, value in message.items() if key not in _ENVELOPE}
    takes = {each.name: each for each in spec.parameters}
    for key, value in values.items():
        if key not in takes:
            raise InputError(f"{word} takes no {key!r}; write it as: {spec.usage}")
        if not takes[key].fits(value):
            raise InputError(f"{word}: {key}={value!r} is not possible; write it as: {spec.usage}")
    for name, parameter in takes.items():
        if parameter.required and name not in values:
            raise InputError(f"{word} lacks {name}; write it as: {spec.usage}")
    return spec.command(**values)


def message_of(command: Command) -> dict[str, Any]:
    """The message that asks for a command; what has its default is left out."""
    return {"command": spec_of(command).word, **given(command)}


def role_of(word: object) -> Role:
    """The role that a message names. Raises InputError."""
    if word not in _ROLES:
        raise InputError(f"{word!r} is not a role; these are: {', '.join(_ROLES)}")
    return word  # type: ignore[return-value]  # checked against Role's own members one line up
