"""Fakes of the ports: they start no process, do what the test says, and keep what they were asked to do.

Each passes the contract suite that its real adapter passes.
"""

from __future__ import annotations

import asyncio
import math
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from runner.actuators.command import CommandPlan, CommandResult
from runner.actuators.load_reports import (
    LoadEndedReport,
    LoadFailedReport,
    LoadPlan,
    LoadReport,
    LoadSampledReport,
    LoadSpawnedReport,
    LoadStartedReport,
    RequestWindow,
)
from runner.clock import Clock, Stamp
from runner.conductor.ports import CommandRunner, LoadSource
from runner.engine.plan import Load
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


#: Seconds of one window of a fake load, as of a real one.
_WINDOW = 0.5


def window(n: int = 10, failures: int = 0, *, since: float, seconds: float = 0.05) -> RequestWindow:
    """`n` requests that ended evenly within the half second from `since` on, each after `seconds`; the last ones failed."""
    step = _WINDOW / (n + 1)
    ends = [round(since + step * (i + 1), 6) for i in range(n)]
    bad = ends[n - failures :]
    return RequestWindow(
        n=n,
        failures=failures,
        p50=seconds,
        p95=seconds,
        p99=seconds,
        rate=n / _WINDOW,
        hist=((round(seconds * 1000), n),),
        first=ends[0],
        last=ends[-1],
        first_bad=bad[0] if bad else None,
        last_bad=bad[-1] if bad else None,
        slow={},
    )


class FakeLoad:
    """A `LoadSource` in virtual time that ramps as its plan says and reports a window every half second.

    `health` maps each request to the failures among its ten requests a window; change it as the run goes on.
    `fails` is why it cannot start, '' when it can; `break_down` ends it later.
    """

    pid = 2

    def __init__(self, health: dict[str, int] | None = None, fails: str = "") -> None:
        self.health = {"GET /": 0} if health is None else health
        self.fails = fails
        #: What it was started with; None while it waits.
        self.plan: LoadPlan | None = None
        self.stopped = False
        self._report: Callable[[LoadReport], None] = lambda _: None
        self._over = False
        self._task: asyncio.Task[None] | None = None

    async def attach(self, report: Callable[[LoadReport], None]) -> None:
        self._report = report

    def start(self, plan: LoadPlan) -> None:
        self.plan = plan
        self._task = asyncio.get_running_loop().create_task(self._generate(plan), name="fake load")

    def break_down(self, why: str) -> None:
        """The load ends by a fault of its own."""
        self._end(LoadFailedReport(why))

    async def stop(self, grace: float) -> None:  # noqa: ARG002  it stops at once
        self.stopped = True
        if self.plan is None:
            self._end(LoadFailedReport("the load was stopped before it was needed"))
        self._end(LoadEndedReport(_now(), "told to stop", 0))

    async def _generate(self, plan: LoadPlan) -> None:
        if self.fails:
            self._end(LoadFailedReport(self.fails))
            return
        began = _now()
        self._report(LoadStartedReport(began, plan.user_classes))
        spawned = False
        since = math.floor(began / _WINDOW) * _WINDOW
        while True:
            await asyncio.sleep(since + _WINDOW - _now())
            users = min(plan.users, math.floor((_now() - began) * plan.spawn_rate))
            if users == plan.users and not spawned:
                spawned = True
                self._report(LoadSpawnedReport(_now(), users))
            requests = {name: window(10, failures, since=since) for name, failures in self.health.items()}
            self._report(LoadSampledReport(since, since + _WINDOW, users, requests))
            since += _WINDOW

    def _end(self, last: LoadReport) -> None:
        if self._task is not None:
            self._task.cancel()
        if not self._over:
            self._over = True
            self._report(last)


def _now() -> float:
    return round(asyncio.get_running_loop().time(), 6)


@dataclass
class FakePorts:
    """`runner.conductor.ports.Ports` without a process.

    `outcomes` gives what the commands do, by their text; the others end at once with 0.
    """

    outcomes: dict[str, CommandOutcome] = field(default_factory=dict)
    load: FakeLoad = field(default_factory=FakeLoad)
    #: Every command that was asked for, in order.
    commands: list[FakeCommand] = field(default_factory=list)

    def command_runner(self, plan: CommandPlan, clock: Clock, redaction: Redaction) -> CommandRunner:
        command = FakeCommand(plan, clock, redaction, self.outcomes.get(plan.text, CommandOutcome()))
        self.commands.append(command)
        return command

    def load_source(self, load: Load) -> LoadSource:  # noqa: ARG002  there is one
        return self.load
