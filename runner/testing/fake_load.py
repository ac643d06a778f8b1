"""A fake of the load source: ramps and reports as Locust does, with the failures that the test wants."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

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
        self._end(LoadEndedReport(_now(), "asked to stop", 0))

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
