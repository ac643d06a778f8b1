"""Where secrets come from: the environment, a file, or a command. They are read once, and kept in memory only."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from runner.engine.plan import RunPlan
from runner.errors import InputError, Problem
from runner.guard.refusal import Refusal
from runner.guard.secret_exposure import declared_at
from runner.planning.secret_values import unfit
from runner.specs.files import read_bytes

#: Seconds for all commands together: they run side by side.
_WITHIN = 15.0
#: Bytes. Any environment takes that much, and no key is longer.
_LONGEST = 64 * 1024
_CHUNK = 1 << 14

_CURE = "set it, or declare where it comes from: {file: PATH} or {command: LINE}"


def resolve_secrets(
    sources: Mapping[str, Mapping[str, str]], root: Path, *, where: Callable[[str], str] = lambda _: "gameday"
) -> dict[str, str]:
    """name → value, from `RunPlan.secret_sources`; `where` says in which line a secret is asked for.

    Raises InputError naming every one that cannot be had or not be kept, and never a value.
    """
    until = time.monotonic() + _WITHIN
    commands = {
        name: _SecretCommand(source["command"], root) for name, source in sources.items() if source.get("command")
    }
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for name, source in sources.items():
        value, why = commands[name].answer(until) if name in commands else _read(name, source, root)
        if why := why or unfit(value):
            problems.append(_problem(name, source, why, where))
        values[name] = value
    if problems:
        raise InputError(*problems)
    return values


def lacking_secrets(plan: RunPlan, root: Path) -> tuple[Refusal, ...]:
    """Those of a plan that are not there, as far as that is known without running a command."""
    found = []
    for name, source in plan.secret_sources.items():
        why = "" if source.get("command") else _read(name, source, root)[1]
        if why:
            file, at = declared_at(plan, name)
            found.append(
                Refusal(rule="environment", what=f"secret {name}: {why}", where=file, at=at, cure=_cure(name, source))
            )
    return tuple(found)


def _problem(name: str, source: Mapping[str, str], why: str, where: Callable[[str], str]) -> Problem:
    return Problem(file=where(name), what=f"secret {name}: {why}", meant=_cure(name, source))


def _cure(name: str, source: Mapping[str, str]) -> str:
    return "" if source or name in os.environ else _CURE


def _read(name: str, source: Mapping[str, str], root: Path) -> tuple[str, str]:
    if given := source.get("var-file"):
        from runner.specs.variables import secret_of  # few runs have one

        return secret_of(given, source.get("entry", ""))
    if file := source.get("file"):
        try:
            return _text(read_bytes(root / file, file), file)
        except InputError as error:
            return "", f"{file} {error.problems[0].what}"
    value = os.environ.get(name)
    return (value, "") if value else ("", f"the environment variable {name} is not set")


def _text(data: bytes, what: str) -> tuple[str, str]:
    """The value, and why it is none."""
    if len(data) > _LONGEST:
        return "", f"{what} holds more than {_LONGEST:,} bytes"
    try:
        value = data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        return "", f"{what} is not UTF-8 text; give it in base64"
    return (value, "") if value else ("", f"{what} is empty")


class _SecretCommand:
    """A command that prints a secret, in the environment it was called for: it has its own to look for.

    It runs at once; `answer` waits for it.
    """

    def __init__(self, line: str, root: Path) -> None:
        self._why = ""
        try:
            self._process = subprocess.Popen(
                ["sh", "-c", line],
                cwd=root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                # It could hold half a secret.
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            self._why = f"its command cannot be started: {error}"

    def answer(self, until: float) -> tuple[str, str]:
        """The value, and why there is none."""
        if self._why:
            return "", self._why
        try:
            data = self._output(until)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            code = self._process.wait()
        if data is None:
            return "", f"its command did not answer within {_WITHIN:g} s"
        if len(data) <= _LONGEST and code:
            return "", f"its command ended with exit code {code}"
        return _text(data, "what its command prints")

    def _output(self, until: float) -> bytes | None:
        """What it printed when it ended, or too much; None when it did not end."""
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        data, ended = b"", os.pidfd_open(self._process.pid)
        with self._process.stdout as pipe, os.fdopen(ended):
            waiting = {pipe.fileno(), ended}
            while len(data) <= _LONGEST:
                ready, _, _ = select.select(list(waiting), [], [], max(until - time.monotonic(), 0))
                if pipe.fileno() in ready:
                    chunk = os.read(pipe.fileno(), _CHUNK)
                    data += chunk
                    if not chunk:
                        waiting.discard(pipe.fileno())
                elif ended in ready:
                    # Somebody it left behind may keep its output open; what counts is that it ended.
                    return data
                else:
                    return None
        return data
