"""The door of a run: a unix socket that takes commands as JSON lines and answers each with accepted or refused.

Who speaks is known from the kernel (SO_PEERCRED) and from the name the person gives; the socket's mode says who may.

One request a line: `{"command": "say", "milestone": "detected", "name": "ana", "role": "participant"}`; one answer a
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
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args

from runner.conductor.loop import Conductor
from runner.conductor.run import Run
from runner.engine import commands as cm
from runner.engine.commands import Answer, Command, Role
from runner.errors import InputError

_LONGEST_LINE = 64 * 1024
_SYSTEM_ONLY = (cm.Observed, cm.Tick, cm.PassPreflight, cm.Stop)
_ROLES = tuple(role for role in get_args(Role) if role != "system")


def _word(kind: type[Command]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


#: What may be asked over the socket: "say", "go-to", "run-command" …
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
        raise InputError(f"{name!r} is not a command; these are: {', '.join(sorted(COMMANDS))}")
    known = {field.name: field for field in fields(kind)}
    values = {key: value for key, value in message.items() if key in known}
    try:
        return kind(**values)
    except TypeError as error:
        raise InputError(f"{name}: {str(error).replace(kind.__name__ + '.__init__() ', '')}") from error


class CommandServer:
    """Listens while the run lives."""

    def __init__(self, run: Run, conductor: Conductor, path: Path) -> None:
        self._run = run
        self._conductor = conductor
        self._path = path
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen; the socket appears with its final mode."""
        before = os.umask(0o177)
        try:
            self._path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._serve, path=str(self._path), limit=_LONGEST_LINE)
        finally:
            os.umask(before)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server.close_clients() if hasattr(self._server, "close_clients") else None
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uid = _peer_uid(writer.get_extra_info("socket"))
        with contextlib.suppress(ConnectionError, ValueError, asyncio.LimitOverrunError):
            while line := await reader.readline():
                writer.write(json.dumps(self._answer(line, uid)).encode() + b"\n")
                await writer.drain()
        writer.close()

    def _answer(self, line: bytes, uid: int) -> dict[str, Any]:
        try:
            message = json.loads(line)
            caller = Caller(str(message.get("name", uid)), uid, _role(message.get("role", "participant")))
            command = parse_command(message)
        except (ValueError, AttributeError):
            return {"ok": False, "why": "not a JSON object on one line"}
        except InputError as error:
            return {"ok": False, "why": str(error)}
        why = self.submit(command, caller)
        return {"ok": True} if why is None else {"ok": False, "why": why}

    def submit(self, command: Command, caller: Caller) -> str | None:
        """Ask the conductor on somebody's behalf."""
        return submit_for(self._run, self._conductor, command, caller)


def submit_for(run: Run, conductor: Conductor, command: Command, caller: Caller) -> str | None:
    """A person's command. A secret answer goes into memory, and only its name into the story."""
    if isinstance(command, Answer):
        secret = next((ask.secret for step in run.plan.steps for ask in step.ask if ask.name == command.name), False)
        if secret and command.value:
            run.protect(command.value)
            run.secret_answers[command.name] = command.value
            command = Answer(name=command.name, value="")
    return conductor.submit(command, by=caller.name, uid=caller.uid, role=caller.role)


def _role(word: object) -> Role:
    if word not in _ROLES:
        raise InputError(f"{word!r} is not a role; these are: {', '.join(_ROLES)}")
    return word  # type: ignore[return-value]  # checked against Role's own members one line up


def _peer_uid(sock: socket.socket) -> int:
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


def ask(path: Path, message: Mapping[str, Any], *, timeout: float = 5.0) -> dict[str, Any]:
    """Send one command to a run's socket and wait for its answer. Raises InputError when nobody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(timeout)
        try:
            client.connect(str(path))
            client.sendall(json.dumps(dict(message)).encode() + b"\n")
            data = b""
            while not data.endswith(b"\n") and (piece := client.recv(_LONGEST_LINE)):
                data += piece
        except OSError as error:
            raise InputError(f"the run does not answer at {path}: {error.strerror or error}") from error
    if not data:
        raise InputError("the run ended before it answered")
    answer: dict[str, Any] = json.loads(data)
    return answer
