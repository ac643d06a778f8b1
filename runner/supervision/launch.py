"""The launcher of a run: it forks the guardian, hears how the start went, and hands on what its terminal does.

Called before any heavy import: the guardian is this process forked while it is still small. It may be forked before the
command line is read (`begin`): then everything below imports while this process does that.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import time
from dataclasses import field
from pathlib import Path
from types import FrameType

from runner.control.peer_socket import say
from runner.errors import Broken, ExitCode
from runner.lazy_dataclass import lazy_dataclass
from runner.planning.request import Request

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@lazy_dataclass(frozen=True, kw_only=True)
class Started:
    """A run that has begun."""

    run: str
    folder: Path
    socket: str


@lazy_dataclass(kw_only=True)
class NotStarted:
    """Why nothing was started; `lines` are for the user."""

    exit_code: int
    lines: list[str] = field(default_factory=list)


class RunHandle:
    """The process whose terminal the run belongs to. `guardian` is its child."""

    def __init__(self, guardian: int, status: int, lifeline: int) -> None:
        self.guardian = guardian
        self._pidfd = os.pidfd_open(guardian)
        self._status = status
        self._lifeline = lifeline
        self._exit: int | None = None

    def outcome(self) -> Started | NotStarted:
        """Wait until the run has begun, or was found impossible to begin."""
        line = _read_line(self._status)
        if not line:
            self.wait()
            raise Broken("the run's conductor ended before the run began and gave no reason")
        message = json.loads(line)
        if "run" in message:
            return Started(run=message["run"], folder=Path(message["folder"]), socket=message["socket"])
        return NotStarted(exit_code=message["exit"], lines=message["lines"])

    def last_word(self) -> list[str]:
        """What the guardian said of a run that died before its first line; nothing for any other."""
        os.set_blocking(self._status, False)
        try:
            data = os.read(self._status, 65536)
        except OSError:
            return []
        said = [json.loads(line) for line in data.splitlines()]
        return [line for message in said for line in message.get("lines", ())]

    def forward_signals(self) -> None:
        """From here on INT, TERM, HUP and QUIT abort the run instead of ending this process; a second one changes nothing.

        What whoever started this made it ignore (nohup, a shell's background) stays ignored.
        """
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._forward)

    def detach(self) -> None:
        """Leave the run to itself: this terminal may go."""
        say(self._lifeline, {"do": "detach"})

    def abort(self, why: str) -> None:
        say(self._lifeline, {"do": "abort", "why": why})

    def give_up(self) -> None:
        """End a guardian that keeps this command waiting for nothing."""
        signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def pause(self, seconds: float) -> None:
        """So many seconds, or less when the guardian goes."""
        if self._exit is None:
            select.select([self._pidfd], [], [], seconds)
        else:
            time.sleep(seconds)

    def ended(self) -> bool:
        """Whether the guardian has gone, without waiting."""
        if self._exit is None:
            pid, status = os.waitpid(self.guardian, os.WNOHANG)
            if pid:
                self._exit = os.waitstatus_to_exitcode(status)
        return self._exit is not None

    @property
    def killed(self) -> bool:
        """Whether the guardian ended by a signal: then the conductor goes on alone, to the undo and the end."""
        return self._exit is not None and self._exit < 0

    def wait(self) -> int:
        """The run's exit code; BROKEN when the guardian itself was killed."""
        while self._exit is None:
            self._exit = os.waitstatus_to_exitcode(os.waitpid(self.guardian, 0)[1])
        return self._exit if self._exit >= 0 else ExitCode.BROKEN

    def _forward(self, number: int, _frame: FrameType | None) -> None:
        self.abort(f"{signal.Signals(number).name} at the terminal")


class Launch:
    """A guardian and a conductor that wait for the request; without one they end when this process goes."""

    def __init__(self) -> None:
        """Fork the guardian, which forks the conductor. Single-threaded callers only."""
        status_out, status_in = os.pipe()
        lifeline_out, lifeline_in = os.pipe()
        request_out, self._request = os.pipe()
        pid = os.fork()
        if not pid:
            code = int(ExitCode.BROKEN)
            try:
                for descriptor in (status_out, lifeline_in, self._request):
                    os.close(descriptor)
                from runner.supervision.guardian import main

                code = main(request=request_out, status=status_in, lifeline=lifeline_out)
            finally:
                os._exit(code)
        for descriptor in (status_in, lifeline_out, request_out):
            os.close(descriptor)
        self._front = RunHandle(pid, status_out, lifeline_in)

    def go(self, request: Request) -> RunHandle:
        """Run this."""
        with os.fdopen(self._request, "wb") as pipe:
            pipe.write(json.dumps(request.to_json()).encode())
        return self._front

    def cancel(self) -> None:
        """There is nothing to run; returns when they are gone."""
        os.close(self._request)
        self._front.wait()


_begun: list[Launch] = []


def begin() -> None:
    """Fork them now, for the `launch` to come."""
    # Imports make little garbage, and a collection looks through everything that they made.
    gc.disable()
    _begun.append(Launch())


def cancel() -> None:
    """Nothing will come of what was begun."""
    while _begun:
        _begun.pop().cancel()


def launch(request: Request) -> RunHandle:
    """Begin a run. Single-threaded callers only."""
    return (_begun.pop() if _begun else Launch()).go(request)


def _read_line(descriptor: int) -> bytes:
    data = b""
    while b"\n" not in data:
        piece = os.read(descriptor, 65536)
        if not piece:
            return data
        data += piece
    return data.splitlines()[0]
