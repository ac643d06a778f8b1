"""The messages of a run's socket: from one JSON object to a command, with everything that is wrong named in one line.

One request a line: `{"command": "milestone", "name": "detected", "by": "ana", "role": "participant"}`; one answer a
line: `{"ok": true}` or `{"ok": false, "why": …}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from runner.engine import commands as cm
from runner.engine.commands import Command, Role
from runner.errors import InputError
from runner.lazy_dataclass import lazy_dataclass
from runner.specs.diagnostics import nearest

#: What every message may hold beside the command's own values.
#: `stay` beside a join: whoever joined leaves when this connection ends.
_ENVELOPE = frozenset({"command", "by", "role", "stay"})
_SYSTEM_ONLY = (cm.Observed, cm.Tick, cm.PassPreflight, cm.Stop)
_ROLES = tuple(role for role in get_args(Role) if role != "system")


def _word(kind: type[Command]) -> str:
    if kind is cm.RunCommand:
        return "run"
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


#: What may be asked over the socket: "complete", "go-to", "run" …
COMMANDS: Mapping[str, type[Command]] = {
    _word(kind): kind for kind in cm.Command.__subclasses__() if kind not in _SYSTEM_ONLY
}


@lazy_dataclass(frozen=True)
class Caller:
    """Who asks: the kernel's word for the uid, the person's own for the name."""

    name: str
    uid: int
    role: Role


def parse_command(message: Mapping[str, Any]) -> Command:
    """The command a message asks for. Raises InputError with what is wrong in one line."""
    name = str(message.get("command", ""))
    kind = COMMANDS.get(name)
    if kind is None:
        raise InputError(f"{name!r} is not a command; {nearest(name, sorted(COMMANDS), noun='these are')}")
    given = {key: value for key, value in message.items() if key not in _ENVELOPE}
    wanted = get_type_hints(kind)
    for key, value in given.items():
        if key not in wanted:
            raise InputError(f"{name} takes no {key!r}; {_usage(kind)}")
        if not _fits(value, wanted[key]):
            raise InputError(f"{name}: {key}={value!r} is not possible; {_usage(kind)}")
    for field in fields(kind):
        if field.default is MISSING and field.name not in given:
            raise InputError(f"{name} lacks {field.name}; {_usage(kind)}")
    return kind(**given)


def _fits(value: object, wanted: Any) -> bool:
    if get_origin(wanted) is Literal:
        return value in get_args(wanted)
    # No environment, and so no command, can take a NUL.
    return isinstance(value, wanted) and not (isinstance(value, str) and "\0" in value)


def _usage(kind: type[Command]) -> str:
    """`write it as: say milestone=…`."""
    hints = get_type_hints(kind)
    words = [f"{field.name}={_values(hints[field.name])}" for field in fields(kind)]
    return f"write it as: {' '.join([_word(kind), *words])}"


def _values(wanted: Any) -> str:
    if wanted is bool:
        return "yes|no"
    return "|".join(get_args(wanted)) if get_origin(wanted) is Literal else "…"


def role_of(word: object) -> Role:
    """The role that a message names. Raises InputError."""
    if word not in _ROLES:
        raise InputError(f"{word!r} is not a role; these are: {', '.join(_ROLES)}")
    return word  # type: ignore[return-value]  # checked against Role's own members one line up
