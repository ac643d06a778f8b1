"""The commands of Chaos Toolkit's process provider, started and awaited our way.

The toolkit waits until every holder of the outputs is gone, so an action or a rollback that starts a service in the
background never ends, and it keeps all that is printed in memory. Here a command is over when it has ended itself.
"""

from __future__ import annotations

import logging
import os
import select
import subprocess
import time
from types import SimpleNamespace
from typing import Any

from runner.actuators.drain import read_on
from runner.actuators.processes import MARK
from runner.actuators.shims.toolkit import process_provider

#: Bytes of each output that are kept.
MOST_BYTES = 1 << 24

_CHUNK = 1 << 16
#: Seconds that outputs may stay open after a command has ended, held by something it left behind.
_LINGER = 0.1
# As much as a pipe holds by default, several times: what was printed before the end is in it.
_LAST_CHUNKS = 16
_MOST_CONTINUED = 3

logger = logging.getLogger("chaostoolkit")


def take_commands() -> None:
    """From here on a process provider is over when its own command is."""
    process_provider.subprocess = SimpleNamespace(
        run=run, PIPE=subprocess.PIPE, TimeoutExpired=subprocess.TimeoutExpired
    )


def run(
    arguments: str | list[str], *, timeout: float | None = None, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """As `subprocess.run` with both outputs piped, but over when the command itself is.

    What it leaves running may go on to print, into nothing. Raises subprocess.TimeoutExpired, and what
    subprocess.Popen does.
    """
    command = _RunningCommand(subprocess.Popen(arguments, **options))
    try:
        ended = command.ends_within(timeout)
        code = command.end()
        # Not where the wait was interrupted: then whatever is left is ended with the experiment, and that at once.
        command.let_print()
    finally:
        command.close()
    if not ended:
        raise subprocess.TimeoutExpired(arguments, timeout or 0)
    return subprocess.CompletedProcess(arguments, code, *command.printed())


class _RunningCommand:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - the toolkit pipes both
        self._outputs = [_KeptBeginning(process.stdout.fileno()), _KeptBeginning(process.stderr.fileno())]
        self._handle = os.pidfd_open(process.pid)

    def ends_within(self, seconds: float | None) -> bool:
        """Keep what it prints until it has ended; False when it takes longer."""
        until = None if seconds is None else time.monotonic() + seconds
        while not self._take(until, self._handle):
            if until is not None and time.monotonic() >= until:
                return False
        for output in self._outputs:
            output.drain()
        until = time.monotonic() + _LINGER
        while any(output.open for output in self._outputs) and time.monotonic() < until:
            self._take(until)
        return True

    def end(self) -> int:
        """End the command itself, if it lives; its exit code."""
        self._process.kill()
        return self._process.wait()

    def let_print(self) -> None:
        """What it left running keeps its outputs."""
        for output in self._outputs:
            if output.open:
                read_on(os.dup(output.pipe), os.environ.get(MARK, ""))

    def printed(self) -> list[bytes]:
        """stdout and stderr."""
        return [output.text() for output in self._outputs]

    def close(self) -> None:
        """For good."""
        self.end()
        os.close(self._handle)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _take(self, until: float | None, *others: int) -> bool:
        """Wait for more and keep it; True when one of the others is ready."""
        poll = select.poll()
        reading = {output.pipe: output for output in self._outputs if output.open}
        for descriptor in (*reading, *others):
            poll.register(descriptor, select.POLLIN)
        wait = None if until is None else max(0.0, until - time.monotonic()) * 1000
        ready = {descriptor for descriptor, _ in poll.poll(wait)}
        for descriptor in ready & reading.keys():
            reading[descriptor].take()
        return bool(ready.intersection(others))


class _KeptBeginning:
    """The beginning of what is printed; what is beyond that is read and dropped."""

    def __init__(self, pipe: int) -> None:
        self.pipe = pipe
        self.open = True
        self._kept = bytearray()
        self._dropped = 0
        os.set_blocking(pipe, False)

    def take(self) -> bool:
        """Read once; False when there is nothing now."""
        try:
            data = os.read(self.pipe, _CHUNK)
        except BlockingIOError:
            return False
        self.open = bool(data)
        kept = data[: MOST_BYTES - len(self._kept)]
        self._kept += kept
        self._dropped += len(data) - len(kept)
        return self.open

    def drain(self) -> None:
        """What is there already. Somebody left behind may print for ever, so not for ever."""
        for _ in range(_LAST_CHUNKS):
            if not (self.open and self.take()):
                break

    def text(self) -> bytes:
        if not self._dropped:
            return bytes(self._kept)
        logger.warning("%d bytes of output beyond the first %d are left out", self._dropped, MOST_BYTES)
        return _whole_characters(bytes(self._kept))


def _whole_characters(data: bytes) -> bytes:
    """Without the beginning of a UTF-8 character whose end was cut off."""
    for count in range(1, min(_MOST_CONTINUED, len(data)) + 1):
        if data[-count] >= 0xC0:
            return data[:-count]
        if data[-count] < 0x80:
            break
    return data
