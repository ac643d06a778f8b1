"""A run whose guardian was killed: its conductor undoes, closes and ends alone, and somebody should wait for it."""

from __future__ import annotations

from pathlib import Path

from runner.actuators.processes import start_time
from runner.engine.events import ProcessStarted, Recorded, RunClosed
from runner.errors import ExitCode


class Survivor:
    """The conductor, as the transcript tells of it."""

    def __init__(self) -> None:
        self._conductor: ProcessStarted | None = None
        self.closed = False
        #: What the run's story ends with; BROKEN as long as it has no end.
        self.exit_code = int(ExitCode.BROKEN)

    def take(self, recorded: Recorded) -> None:
        """One more event."""
        match recorded.event:
            case ProcessStarted(role="conductor") as conductor:
                self._conductor = conductor
            case RunClosed(exit_code=code):
                self.exit_code = code
                self.closed = True

    def goes_on(self) -> bool:
        """Whether it still lives."""
        known = self._conductor
        return known is not None and start_time(known.pid) == known.start_time


def last_line(log: Path) -> str:
    """What a process wrote last into its log; '' when it wrote none, or it cannot be read."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
