"""A circuit breaker: stop calling what keeps failing, try again now and then. Pure; time is passed in."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum

#: Seconds that outcomes are looked back on.
WINDOW = 2.0

#: Fewer calls than this in the window prove nothing.
FEWEST = 5


class BreakerState(IntEnum):
    """The numbers are what the metric shows."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


@dataclass
class Breaker:
    """`threshold` is the share of failures (0 to 1) that opens it, `cooldown` the seconds until a trial call."""

    threshold: float = 0.5
    cooldown: float = 1.0
    state: BreakerState = BreakerState.CLOSED
    _outcomes: deque[tuple[float, bool]] = field(default_factory=deque)
    _opened: float = 0.0

    def lets_through(self, now: float) -> bool:
        """May a call be made? A yes while open is the one trial; its outcome must be recorded."""
        if self.state is BreakerState.CLOSED:
            return True
        # A trial whose outcome never came (its caller left) must not keep the breaker shut for ever.
        if now - self._opened < self.cooldown:
            return False
        self.state = BreakerState.HALF_OPEN
        self._opened = now
        return True

    def record(self, now: float, *, succeeded: bool) -> None:
        if self.state is not BreakerState.CLOSED:
            self._after_trial(now, succeeded=succeeded)
            return
        self._outcomes.append((now, succeeded))
        while self._outcomes[0][0] < now - WINDOW:
            self._outcomes.popleft()
        failures = sum(not good for _, good in self._outcomes)
        if len(self._outcomes) >= FEWEST and failures / len(self._outcomes) >= self.threshold:
            self._open(now)

    def close(self) -> None:
        self.state = BreakerState.CLOSED
        self._outcomes.clear()

    def _after_trial(self, now: float, *, succeeded: bool) -> None:
        if self.state is BreakerState.OPEN:
            return  # A call that was under way when it opened: old news.
        if succeeded:
            self.close()
        else:
            self._open(now)

    def _open(self, now: float) -> None:
        self.state = BreakerState.OPEN
        self._opened = now
        self._outcomes.clear()
