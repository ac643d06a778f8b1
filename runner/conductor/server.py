"""The door of a run: a unix socket that takes commands as JSON lines and answers each with accepted or refused.

Who speaks is known from the kernel (SO_PEERCRED) and from the name the person gives; the socket's mode says who may.

One request a line: `{"command": "say", "milestone": "detected", "by": "ana", "role": "participant"}`; one answer a
line: `{"ok": true}` or `{"ok": false, "why": …}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import socket
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from runner.conductor.links import MOST_LEARNT
from runner.conductor.loop import Conductor
from runner.conductor.run import Run
from runner.engine import commands as cm
from runner.engine.commands import Answer, Command, Role
from runner.engine.plan import Ask
from runner.errors import InputError
from runner.lazy_dataclass import dataclass
from runner.people import not_a_name
from runner.private import socket_mode
from runner.redact import MASK
from runner.specs.diagnostics import nearest

_LONGEST_LINE = 64 * 1024
#: Bytes of an answer, as JSON: several fit into what the guardian keeps.
_LONGEST_SECRET = MOST_LEARNT // 4
#: What every message may hold beside the command's own values.
#: `stay` beside a join: whoever joined leaves when this connection ends.
_ENVELOPE = frozenset({"command", "by", "role", "stay"})
_SYSTEM_ONLY = (cm.Observed, cm.Tick, cm.PassPreflight, cm.Stop)
_ROLES = tuple(role for role in get_args(Role) if role != "system")


def _word(kind: type[Command]) -> str:
    if kind is cm.RunCommand:
        return "run"
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


#: What may be asked over the socket: "say", "go-to", "run" …
COMMANDS: Mapping[str, type[Command]] = {
    _word(kind): kind for kind in cm.Command.__subclasses__() if kind not in _SYSTEM_ONLY
}


@dataclass(frozen=True)
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


class CommandServer:
    """Listens while the run lives."""

    def __init__(self, run: Run, conductor: Conductor, path: Path) -> None:
        self._run = run
        self._conductor = conductor
        self._path = path
        self._server: asyncio.Server | None = None
        #: Who joined over which lines that are still there: two rooms may be one person's.
        self._staying: Counter[Caller] = Counter()

    async def open(self) -> None:
        """Listen; until it is the group's, the socket is the owner's alone."""
        before = os.umask(0o177)
        try:
            self._path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._serve, path=str(self._path), limit=_LONGEST_LINE)
            self._path.chmod(socket_mode(self._path.parent))
        finally:
            os.umask(before)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server.close_clients() if hasattr(self._server, "close_clients") else None
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = _Line(self, _peer_uid(writer.get_extra_info("socket")))
        with contextlib.suppress(ConnectionError):
            try:
                while said := await reader.readline():
                    await _say(writer, line.answer(said))
            except ValueError:
                await _say(writer, {"ok": False, "why": f"a line holds at most {_LONGEST_LINE} bytes"})
        line.close()
        writer.close()

    def stays(self, caller: Caller) -> None:
        """He leaves with his last line."""
        self._staying[caller] += 1

    def goes(self, caller: Caller) -> None:
        """One of his lines has ended."""
        self._staying[caller] -= 1
        if self._staying[caller] <= 0:
            del self._staying[caller]
            self.submit(cm.Leave(person=caller.name), caller)

    def submit(self, command: Command, caller: Caller) -> str | None:
        """Ask the conductor on somebody's behalf."""
        return submit_for(self._run, self._conductor, command, caller)


class _Line:
    """One connection, and who joined over it."""

    def __init__(self, server: CommandServer, uid: int) -> None:
        self._server = server
        self._uid = uid
        self._joined: Caller | None = None

    def answer(self, line: bytes) -> dict[str, Any]:
        try:
            message = json.loads(line)
            caller = Caller(str(message.get("by") or self._uid), self._uid, _role(message.get("role", "participant")))
            if why_not := not_a_name(caller.name):
                return {"ok": False, "why": why_not}
            command = parse_command(message)
        except (ValueError, AttributeError, RecursionError):
            return {"ok": False, "why": "not a JSON object on one line"}
        except InputError as error:
            return {"ok": False, "why": "; ".join(problem.what for problem in error.problems)}
        why = self._server.submit(command, caller)
        if why is None and isinstance(command, cm.Join) and message.get("stay") is True and self._joined is None:
            self._joined = Caller(command.person.strip(), self._uid, caller.role)
            self._server.stays(self._joined)
        return {"ok": True} if why is None else {"ok": False, "why": why}

    def close(self) -> None:
        if self._joined is not None:
            self._server.goes(self._joined)


def submit_for(run: Run, conductor: Conductor, command: Command, caller: Caller) -> str | None:
    """A person's command. A secret answer goes into memory, and only its name into the story."""
    if isinstance(command, Answer):
        secret = _secret_question(run, command.name)
        if secret and len(json.dumps(command.value)) > _LONGEST_SECRET:
            return f"{command.name}: a secret answer takes at most {_LONGEST_SECRET:,} bytes"
        if secret and command.value:
            if why := secret.why_unfit(command.value):
                return why
            value, command = command.value, Answer(name=command.name, value=MASK)
            run.protect(value)
            refused = conductor.submit(command, by=caller.name, uid=caller.uid, role=caller.role)
            if refused is None:
                run.secret_answers[command.name] = value
            return refused
    return conductor.submit(command, by=caller.name, uid=caller.uid, role=caller.role)


def _secret_question(run: Run, name: str) -> Ask | None:
    """The question of this name whose answer nobody may read: the current step's, else any step's."""
    steps = [*filter(None, [run.state.step]), *run.plan.steps]
    asked = next((ask for step in steps for ask in step.ask if ask.name == name), None)
    return asked if asked is not None and asked.secret else None


async def _say(writer: asyncio.StreamWriter, answer: Mapping[str, Any]) -> None:
    writer.write(json.dumps(answer).encode() + b"\n")
    await writer.drain()


def _role(word: object) -> Role:
    if word not in _ROLES:
        raise InputError(f"{word!r} is not a role; these are: {', '.join(_ROLES)}")
    return word  # type: ignore[return-value]  # checked against Role's own members one line up


def _peer_uid(sock: socket.socket) -> int:
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])
