"""A run whose guardian was killed: its conductor undoes, closes and ends alone, and somebody should wait for it."""

from __future__ import annotations

import time
from pathlib import Path

from runner.actuators.processes import alive, frozen, start_time
from runner.engine.events import ProcessStarted, Recorded, RunClosed
from runner.errors import ExitCode
from runner.gist import last_words

#: Seconds after the end of the transcript in which the guardian puts away what is left; one that is frozen puts nothing away.
_PUTTING_AWAY, _FROZEN = 15.0, 1.0


class Survivor:
    """The conductor, as the transcript tells of it."""

    def __init__(self) -> None:
        self._conductor: ProcessStarted | None = None
        self._over = 0.0
        self.closed = False
        #: What the run's transcript ends with; BROKEN as long as it has no end.
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
        return known is not None and start_time(known.pid) == known.start_time and alive(known.pid)

    def waits_in_vain(self, guardian: int) -> bool:
        """Whether all is said and the conductor gone, and the guardian, frozen or hung, does not come to its end."""
        if not self.closed or self.goes_on():
            return False
        self._over = self._over or time.monotonic()
        waited = time.monotonic() - self._over
        return waited > _PUTTING_AWAY or (waited > _FROZEN and frozen(guardian))


def last_line(log: Path) -> str:
    """What a process wrote last into its log, of an exception what it says; '' when it wrote none, or it cannot be read."""
    try:
        return last_words(log.read_text(errors="replace"))
    except OSError:
        return ""
