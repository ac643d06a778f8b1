"""A fake of the command runner: ends as the test says."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass

from runner.actuators.command import CommandPlan, CommandResult
from runner.clock import Clock, Stamp
from runner.redact import Redaction


@dataclass(frozen=True, kw_only=True)
class CommandOutcome:
    """What a fake command does: prints `printed`, lasts `lasts` seconds (None: until it is killed), ends with `exit_code`.

    `cannot_start` is why it cannot be started, '' when it can.
    """

    exit_code: int = 0
    printed: str = ""
    lasts: float | None = 0.0
    cannot_start: str = ""


class FakeCommand:
    """A `CommandRunner` that ends as its outcome says."""

    def __init__(self, plan: CommandPlan, clock: Clock, redaction: Redaction, outcome: CommandOutcome) -> None:
        self.plan = plan
        self._clock = clock
        self._redaction = redaction
        self._outcome = outcome
        self._killed = asyncio.Event()
        self._running = False

    async def run(self, started: Callable[[int, Stamp], None]) -> CommandResult:
        began = self._clock.stamp()
        if self._outcome.cannot_start:
            why = f"cannot start: {self._outcome.cannot_start}"
            return CommandResult(exit_code=127, duration=0.0, ended=began, why=why)
        self._running = True
        started(1, began)
        code, timed_out = await self._until_ended()
        self._running = False
        ended = self._clock.stamp()
        return CommandResult(
            exit_code=code,
            duration=round(ended.t - began.t, 6),
            ended=ended,
            timed_out=timed_out,
            tail=self._redaction.text(self._outcome.printed).removesuffix("\n"),
            why=f"timed out after {self.plan.timeout:g} s" if timed_out else "",
            printed=self._outcome.printed if self.plan.reads else "",
        )

    async def kill(self) -> None:
        if self._running:
            self._killed.set()

    async def _until_ended(self) -> tuple[int, bool]:
        """The exit code, and whether the plan's time-out ended it."""
        lasts, timeout = self._outcome.lasts, self.plan.timeout
        limits = [limit for limit in (lasts, timeout) if limit is not None]
        try:
            await asyncio.wait_for(self._killed.wait(), min(limits) if limits else None)
        except TimeoutError:
            if lasts is not None and (timeout is None or lasts <= timeout):
                return self._outcome.exit_code, False
            return -signal.SIGKILL, True
        return -signal.SIGKILL, False
