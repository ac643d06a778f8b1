"""A step's command: run in a session of its own, its output kept and shown, killed as a whole at its timeout."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runner.actuators.processes import MARK, fence
from runner.clock import Clock, Stamp
from runner.redact import Redactor

_TAIL_LINES = 20
_LINE_LIMIT = 4096
# A grandchild that keeps the pipe open must not hold up the story; what it says later is not the step's output.
_DRAIN = 0.2
_SHELLS = {
    "bash": ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c"],
    "sh": ["sh", "-e", "-c"],
}


@dataclass(frozen=True, kw_only=True)
class CommandPlan:
    """What to run. `shell`: bash (default), sh, or a program that takes the text as its last argument."""

    text: str
    shell: str = ""
    directory: Path
    env: Mapping[str, str]
    timeout: float | None = None
    output: Path
    mark: str = ""


@dataclass(frozen=True, kw_only=True)
class CommandResult:
    """How it went. `exit_code` is negative for a signal, 127 when it could not be started; `duration` in s."""

    exit_code: int
    duration: float
    ended: Stamp
    timed_out: bool = False
    tail: str = ""
    why: str = ""


@dataclass
class StepCommand:
    """One running command."""

    plan: CommandPlan
    clock: Clock
    redactor: Redactor
    pid: int = 0
    _process: asyncio.subprocess.Process | None = None
    _tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL_LINES))

    async def run(self, started: Callable[[int, Stamp], None]) -> CommandResult:
        """Start it, tell `started(pid, stamp)`, wait for its end. Never raises for what the command does."""
        try:
            await self._spawn()
        except OSError as error:
            now = self.clock.stamp()
            return CommandResult(exit_code=127, duration=0.0, ended=now, why=f"cannot start: {error.strerror or error}")
        began = self.clock.stamp()
        started(self.pid, began)
        assert self._process is not None  # noqa: S101 - _spawn sets it or raises
        reader = asyncio.create_task(self._keep_output())
        timed_out = False
        try:
            async with asyncio.timeout(self.plan.timeout):
                await self._process.wait()
            ended = self.clock.stamp()
        except TimeoutError:
            timed_out = True
            ended = self.clock.stamp()
            await self.kill()
        await self._drain(reader)
        code = self._process.returncode
        return CommandResult(
            exit_code=-signal.SIGKILL if code is None else code,
            duration=round(ended.t - began.t, 6),
            ended=ended,
            timed_out=timed_out,
            tail="\n".join(self._tail),
            why=f"timed out after {self.plan.timeout:g} s" if timed_out and self.plan.timeout else "",
        )

    async def kill(self) -> None:
        """End it and everything it started."""
        if self._process is None:
            return
        await asyncio.to_thread(fence, self.pid, 1.0, self.plan.mark or None)
        with contextlib.suppress(ProcessLookupError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._process.wait()

    async def _spawn(self) -> None:
        shell = _SHELLS.get(self.plan.shell or "bash") or self.plan.shell.split()
        env = dict(self.plan.env)
        if self.plan.mark:
            env[MARK] = self.plan.mark
        self._process = await asyncio.create_subprocess_exec(
            *shell,
            self.plan.text,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self.plan.directory,
            env=env,
            start_new_session=True,
        )
        self.pid = self._process.pid

    async def _keep_output(self) -> None:
        assert self._process is not None  # noqa: S101
        assert self._process.stdout is not None  # noqa: S101
        stream = self._process.stdout
        descriptor = os.open(self.plan.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            while True:
                try:
                    raw = await stream.readuntil(b"\n")
                except asyncio.IncompleteReadError as rest:
                    raw = rest.partial
                except asyncio.LimitOverrunError as overrun:
                    raw = await stream.readexactly(overrun.consumed)
                if not raw:
                    return
                line = self.redactor.text(raw.decode("utf-8", "replace"))
                file.write(line)
                file.flush()
                self._tail.append(line.rstrip("\n")[:_LINE_LIMIT])

    async def _drain(self, reader: asyncio.Task[None]) -> None:
        done, _ = await asyncio.wait({reader}, timeout=_DRAIN)
        if not done:
            reader.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await reader


def minimal_env(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a child of a run gets from this process's environment, and `extra`: nothing else, so no secret by accident."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TERM", "TMPDIR", "USER", "LOGNAME", "KUBECONFIG", "SSL_CERT_FILE")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    env.update(extra or {})
    return env
