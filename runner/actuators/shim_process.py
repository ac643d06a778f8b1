"""A child that runs one of the shims: JSON lines over a private socket, its output kept in a log.

Starting one needs no event loop, so that it can warm up while the parent is still reading its files.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from runner.actuators.drain import read_on
from runner.actuators.kept import KeptOutput
from runner.actuators.lines import Lines
from runner.actuators.processes import Origin, fence
from runner.actuators.spawn import Spawned, spawn
from runner.redact import RedactedStream, Redaction, Redactor

Message = dict[str, Any]

_CHUNK = 1 << 16
_KEPT_LINES = 20
_LAST_CHUNKS = 32
_KILL_WITHIN = 0.5
#: Of what nobody needs: it did nothing yet, and dies as soon as it gets the processor.
_DISCARD_WITHIN = 5.0


class ShimProcess:
    """One child. `spawn` it anywhere; `attach` it, send and stop it in one event loop.

    With `outlived` what it leaves running is meant to go on, and may print after its end.
    """

    def __init__(self, spawned: Spawned, log: Path | None = None, *, outlived: bool = False) -> None:
        self._process = spawned.process
        self._socket = spawned.socket
        self._output = spawned.output
        #: What tells it, and everything that came out of it.
        self.origin = Origin.of(self._process.pid, spawned.mark)
        self._log = log
        self._outlived = outlived
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_message: Callable[[Message], None] = lambda _: None
        self._on_gone: Callable[[int], None] = lambda _: None
        self._received = Lines()
        self._outbox = bytearray()
        self._printed = RedactedStream(Redaction(Redactor()))
        self._handle = -1
        self._log_file: KeptOutput | None = None
        self._gone = asyncio.Event()
        self.tail: deque[str] = deque(maxlen=_KEPT_LINES)

    @classmethod
    def spawn(cls, shim: str, *, log: Path | None = None, outlived: bool = False) -> ShimProcess:
        """Start `runner.actuators.shims.<shim>` in its own session, with a minimal environment and no input.

        `log` gets what it prints, redacted, readable by the owner alone. Raises OSError.
        """
        return cls(spawn(shim), log, outlived=outlived)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def attach(
        self,
        on_message: Callable[[Message], None],
        on_gone: Callable[[int], None],
        redaction: Redaction,
        log: Path | None = None,
    ) -> None:
        """Listen in the running loop. `on_gone` comes last, once, with the return code (negative: the signal).

        What the child says are secrets (`{"kind": "hide"}`) is added to `redaction` before anything it printed is passed on.
        """
        self._loop = asyncio.get_running_loop()
        self._on_message, self._on_gone, self._redaction = on_message, on_gone, redaction
        self._printed = RedactedStream(redaction)
        self._log = log or self._log
        if self._log:
            self._log_file = KeptOutput(self._log)
        os.set_blocking(self._output, False)
        self._handle = os.pidfd_open(self.pid)
        self._loop.add_reader(self._socket, self._read)
        self._loop.add_reader(self._output, self._read_output)
        # The socket's end alone would not do: a process the child forked may hold it open.
        self._loop.add_reader(self._handle, self._ended)
        self._flush()

    def send(self, message: Message) -> None:
        """Fire and forget; may come before `attach`. A child that is gone is reported by `on_gone`, not here."""
        self._outbox += json.dumps(message, separators=(",", ":")).encode() + b"\n"
        self._flush()

    async def gone(self, timeout: float) -> bool:
        """Wait for the child's end; False if it takes longer than `timeout` seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), timeout)
        return self._gone.is_set()

    async def stop(self, grace: float) -> list[int]:
        """Ask it to stop, wait at most `grace` seconds, then kill it and all that came out of it.

        Returns the pids that would not die. Also cleans up after a child that is already dead.
        """
        if self._loop is None:
            return self.discard()
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        await self.gone(grace)
        left = await asyncio.to_thread(self._fence)
        await self.gone(_KILL_WITHIN)
        return left

    def discard(self) -> list[int]:
        """End a child that was never attached; needs no loop. Returns the pids that would not die."""
        left = self._fence(_DISCARD_WITHIN)
        if self.pid not in left:
            self._process.wait()
        self._close()
        return left

    def _fence(self, grace: float = _KILL_WITHIN) -> list[int]:
        return fence(self.origin, grace)

    def kill(self) -> None:
        """End the child alone, leaving what it started."""
        self._process.kill()

    # -- inside the loop

    def _flush(self) -> None:
        while self._outbox:
            try:
                sent = self._socket.send(self._outbox)
            except BlockingIOError:
                break
            except OSError:
                self._outbox.clear()
                break
            del self._outbox[:sent]
        if self._loop and self._socket.fileno() >= 0:
            if self._outbox:
                self._loop.add_writer(self._socket, self._flush)
            else:
                self._loop.remove_writer(self._socket)

    def _read(self) -> bool:
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data and self._loop:
            self._loop.remove_reader(self._socket)
        for line in self._received.take(data):
            self._heard(json.loads(line))
        return bool(data)

    def _heard(self, message: Message) -> None:
        if message.get("kind") == "hide":
            self._redaction.learn(message["secrets"])
        else:
            self._on_message(message)

    def _read_output(self) -> bool:
        try:
            data = os.read(self._output, _CHUNK)
        except BlockingIOError:
            return False
        if not data and self._loop:
            self._loop.remove_reader(self._output)
        # What it names as secret it names before it prints it.
        self._hear_out()
        self._keep(self._printed.take(data) if data else self._printed.end())
        return bool(data)

    def _keep(self, text: str) -> None:
        if not text:
            return
        self.tail.extend(text.removesuffix("\n").split("\n")[-_KEPT_LINES:])
        if self._log_file:
            self._log_file.write(text)

    def _ended(self) -> None:
        code = self._process.poll()
        if code is None:
            return
        self._drain()
        self._close()
        self._gone.set()
        self._on_gone(code)

    def _drain(self) -> None:
        """What it said before its end. Somebody it left behind may hold both ends open, so never wait, nor go on for ever."""
        self._hear_out()
        for _ in range(_LAST_CHUNKS):
            if not self._read_output():
                break
        self._keep(self._printed.end())

    def _hear_out(self) -> None:
        for _ in range(_LAST_CHUNKS):
            if not self._read():
                break

    def _close(self) -> None:
        if self._loop:
            self._loop.remove_writer(self._socket)
            for source in (self._socket, self._output, self._handle):
                self._loop.remove_reader(source)
        self._socket.close()
        if self._outlived:
            read_on(self._output, self.origin.mark)
        else:
            os.close(self._output)
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1
        if self._log_file:
            self._log_file.close()
