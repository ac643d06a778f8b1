"""The command server of a run: a unix socket that takes commands as JSON lines and answers each: accepted or refused.

Who speaks is known from the kernel (SO_PEERCRED) and from the name the person gives; the socket's mode says who may.
The messages are in `runner.control.protocol`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from runner.control.peer_socket import MOST_LEARNT
from runner.control.protocol import Caller, parse_command, role_of
from runner.engine import commands as cm
from runner.engine.commands import Answer, Command, Role
from runner.engine.plan import Ask, RunPlan
from runner.engine.state import State
from runner.errors import InputError
from runner.people import not_a_name
from runner.private import socket_mode
from runner.redact import MASK

_LONGEST_LINE = 64 * 1024
#: Bytes of an answer, as JSON: several fit into what the guardian keeps.
_LONGEST_SECRET = MOST_LEARNT // 4


class Decides(Protocol):
    """Whoever accepts or refuses a command."""

    def submit(self, command: Command, *, by: str, uid: int, role: Role) -> str | None:
        """Why not; None when it was accepted."""


class ServedRun(Protocol):
    """What the server needs of the run that it takes commands for."""

    secret_answers: dict[str, str]

    @property
    def plan(self) -> RunPlan: ...

    @property
    def state(self) -> State: ...

    def protect(self, secret: str) -> None: ...


class CommandServer:
    """Listens while the run lives."""

    def __init__(self, run: ServedRun, conductor: Decides, path: Path) -> None:
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
            caller = Caller(str(message.get("by") or self._uid), self._uid, role_of(message.get("role", "participant")))
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


def submit_for(run: ServedRun, conductor: Decides, command: Command, caller: Caller) -> str | None:
    """A person's command. A secret answer goes into memory, and only its name into the transcript."""
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


def _secret_question(run: ServedRun, name: str) -> Ask | None:
    """The question of this name whose answer nobody may read: the current step's, else any step's."""
    steps = [*filter(None, [run.state.step]), *run.plan.steps]
    asked = next((ask for step in steps for ask in step.ask if ask.name == name), None)
    return asked if asked is not None and asked.secret else None


async def _say(writer: asyncio.StreamWriter, answer: Mapping[str, Any]) -> None:
    writer.write(json.dumps(answer).encode() + b"\n")
    await writer.drain()


def _peer_uid(sock: socket.socket) -> int:
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])
