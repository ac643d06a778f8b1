"""A step's command: run in a session of its own, its output kept and shown, killed as a whole at its timeout."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from runner.actuators.drain import has_writers, read_on
from runner.actuators.ends import on_end
from runner.actuators.kept import KeptOutput
from runner.actuators.processes import MARK, Origin, fence
from runner.actuators.shell_start import ShellStart
from runner.clock import Clock, Stamp
from runner.lazy_dataclass import lazy_dataclass
from runner.redact import RedactedStream, Redaction

_TAIL_LINES = 20
_LINE_LIMIT = 4096
_LONGEST_LINE = 1 << 20
# Small, so that a command that talks without end leaves the loop time for everything else.
_CHUNK = 1 << 13
#: Bytes of what a command prints that are searched for its outputs.
MOST_READ = 4 << 20
#: Seconds a shell gets to say that it begins; then it began when it was started.
_SHELL = 1.0
# A grandchild that keeps the pipe open must not hold up the run; what it prints later is not the step's output.
_DRAIN = 0.2
# What a pipe holds by default: all that the command itself can have printed last.
_LAST_CHUNKS = 8
_SHELLS = {
    "bash": ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c"],
    "sh": ["sh", "-e", "-c"],
}


@lazy_dataclass(frozen=True, kw_only=True)
class CommandPlan:
    """What to run. `shell`: bash (default), sh, or a program that takes the text as its last argument.

    With `reads` what it prints on its standard output is kept apart from its complaints, and given back.
    """

    text: str
    shell: str = ""
    directory: Path
    env: Mapping[str, str]
    timeout: float | None = None
    output: Path
    mark: str = ""
    reads: bool = False


@lazy_dataclass(frozen=True, kw_only=True)
class CommandResult:
    """How it went. `exit_code` is negative for a signal, 127 when it could not be started; `duration` in s.

    `printed`: the beginning of its standard output, secrets included, where the plan asked for it.
    """

    exit_code: int
    duration: float
    ended: Stamp
    timed_out: bool = False
    tail: str = ""
    why: str = ""
    printed: str = ""


class StepCommand:
    """One running command.

    Not asyncio's own subprocess: that one's `wait` lasts until every pipe is closed, so a grandchild that keeps one
    open would hold up the step's end.
    """

    def __init__(self, plan: CommandPlan, clock: Clock, redaction: Redaction) -> None:
        self._plan = plan
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._origin: Origin | None = None
        self._ended: asyncio.Future[Stamp] | None = None
        #: What is read from: standard output first, then the complaints when they are kept apart.
        self._pipes: list[int] = []
        self._open: set[int] = set()
        self._closed = asyncio.Event()
        self._kept = _StepOutput(plan.output, redaction)
        self._printed = bytearray()
        self._start: ShellStart | None = None
        self._before = 0.0

    async def run(self, started: Callable[[int, Stamp], None]) -> CommandResult:
        """Start it, tell `started(pid, stamp)`, wait for its end. Never raises for what the command does."""
        try:
            process, began = self._spawn()
        except OSError as error:
            now = self._clock.stamp()
            return CommandResult(exit_code=127, duration=0.0, ended=now, why=f"cannot start: {error.strerror or error}")
        self._watch(process)
        try:
            began = await self._begun(began)
            started(process.pid, began)
            ended, timed_out = await self._until_ended()
            await self._drain()
        finally:
            await self._unwatch()
        code = process.returncode
        return CommandResult(
            exit_code=-signal.SIGKILL if code is None else code,
            duration=round(ended.t - began.t, 6),
            ended=ended,
            timed_out=timed_out,
            tail="\n".join(self._kept.tail),
            why=f"timed out after {self._plan.timeout:g} s" if timed_out and self._plan.timeout else "",
            printed=self._printed.decode("utf-8", "replace"),
        )

    async def kill(self) -> None:
        """End it and everything it started."""
        if self._origin is not None:
            await asyncio.to_thread(fence, self._origin)

    async def _begun(self, spawned: Stamp) -> Stamp:
        """When its shell began with the text, where that can say so."""
        assert self._ended is not None  # noqa: S101 - _watch made it
        start, loop = self._start, asyncio.get_running_loop()
        if start is None:
            return spawned
        told = asyncio.Event()
        loop.add_reader(start.told, told.set)
        self._ended.add_done_callback(lambda _: told.set())
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SHELL):
                    await told.wait()
        finally:
            loop.remove_reader(start.told)
            began = start.stamp(self._clock, self._before, spawned)
        return began

    def _spawn(self) -> tuple[subprocess.Popen[bytes], Stamp]:
        shell = _SHELLS.get(self._plan.shell or "bash") or self._plan.shell.split()
        env = dict(self._plan.env)
        if self._plan.mark:
            env[MARK] = self._plan.mark
        self._start = ShellStart() if ShellStart.possible(self._plan.shell or "bash", env) else None
        if self._start is not None:
            env |= self._start.env
        pairs = [os.pipe() for _ in range(2 if self._plan.reads else 1)]
        self._pipes, theirs = [ours for ours, _ in pairs], [end for _, end in pairs]
        try:
            self._before = self._clock.now()
            self._process = subprocess.Popen(
                [*shell, self._plan.text],
                stdin=subprocess.DEVNULL,
                stdout=theirs[0],
                stderr=theirs[-1],
                cwd=self._plan.directory,
                env=env,
                start_new_session=True,
                pass_fds=self._start.given if self._start else (),
            )
            began = self._clock.stamp()
        except OSError:
            _close([*self._pipes, *([self._start.told] if self._start else [])])
            raise
        finally:
            _close([*theirs, *(self._start.given if self._start else [])])
        self._origin = Origin.of(self._process.pid, self._plan.mark)
        return self._process, began

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        loop = asyncio.get_running_loop()
        self._ended = loop.create_future()
        on_end(process.pid, self._clock, partial(self._on_end, process))
        self._open = set(self._pipes)
        for pipe in self._pipes:
            os.set_blocking(pipe, False)
            loop.add_reader(pipe, self._on_output, pipe)

    async def _unwatch(self) -> None:
        loop = asyncio.get_running_loop()
        for pipe in self._pipes:
            for _ in range(_LAST_CHUNKS if pipe in self._open else 0):
                self._on_output(pipe)
        for pipe in self._pipes:
            loop.remove_reader(pipe)
        self._kept.close()
        held = [pipe for pipe in self._pipes if has_writers(pipe)]
        _close(set(self._pipes).difference(held))
        for pipe in held:
            # What the step left running goes on, and may print.
            await asyncio.to_thread(read_on, pipe, self._plan.mark)

    def _on_end(self, process: subprocess.Popen[bytes], stamp: Stamp) -> None:
        process.poll()
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(stamp)

    def _on_output(self, pipe: int) -> None:
        try:
            data = os.read(pipe, _CHUNK)
        except BlockingIOError:
            return
        if not data:
            asyncio.get_running_loop().remove_reader(pipe)
            self._open.discard(pipe)
            if not self._open:
                self._closed.set()
        if self._plan.reads and pipe == self._pipes[0]:
            self._printed += data[: MOST_READ - len(self._printed)]
        self._kept.take(data, pipe)

    async def _until_ended(self) -> tuple[Stamp, bool]:
        assert self._ended is not None  # noqa: S101 - _watch made it
        try:
            async with asyncio.timeout(self._plan.timeout):
                return await asyncio.shield(self._ended), False
        except TimeoutError:
            stamp = self._clock.stamp()
            await self.kill()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await asyncio.shield(self._ended)
            return stamp, True

    async def _drain(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN):
                await self._closed.wait()


class _StepOutput:
    """Keeps what a command prints: redacted, its beginning in a file, its last lines at hand."""

    def __init__(self, path: Path, redaction: Redaction) -> None:
        self._redaction = redaction
        #: By the pipe it came through: a secret that comes in pieces is whole in its own pipe only.
        self._streams: dict[int, RedactedStream] = {}
        self._file = KeptOutput(path)
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)

    def take(self, data: bytes, pipe: int) -> None:
        """More of it."""
        if pipe not in self._streams:
            self._streams[pipe] = RedactedStream(self._redaction, _LONGEST_LINE)
        self._keep(self._streams[pipe].take(data))

    def close(self) -> None:
        for stream in self._streams.values():
            self._keep(stream.end())
        self._file.close()

    def _keep(self, text: str) -> None:
        if not text:
            return
        self.tail.extend(line[:_LINE_LIMIT] for line in text.removesuffix("\n").split("\n")[-_TAIL_LINES:])
        self._file.write(text)


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def minimal_env(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a child of a run gets from this process's environment, and `extra`: nothing else, so no secret by accident."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TERM", "TMPDIR", "USER", "LOGNAME", "KUBECONFIG", "SSL_CERT_FILE")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    env.update(extra or {})
    return env
