"""The handler that holds the load: one load source, started at warm-up, stopped when the run ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.actuators import load_reports as reports
from runner.actuators.load_reports import LoadPlan, LoadReport, RequestWindow
from runner.conductor.context import RunContext
from runner.conductor.handlers.indicators import IndicatorsHandler
from runner.engine import events as ev
from runner.engine.indicators import watch
from runner.errors import Refused
from runner.private import make_private_folder
from runner.specs.substitution import substitute

if TYPE_CHECKING:
    from runner.conductor.ports import LoadSource

#: Seconds the load gets to write its files, once its users have stopped.
_GRACE = 4.0


class LoadHandler:
    """Without a load in the plan it does nothing."""

    def __init__(self, run: RunContext, watcher: IndicatorsHandler) -> None:
        self._run = run
        self._watch = watcher
        self._source: LoadSource | None = None
        self._ended = False

    @property
    def pid(self) -> int:
        """The load's pid, 0 when there is none."""
        return self._source.pid if self._source is not None else 0

    def prepare(self) -> None:
        """Start the tool before it is needed: Locust takes a while to import."""
        load = self._run.plan.load
        if load is not None and self._source is None:
            self._source = self._run.ports.load_source(load)

    def act(self, recorded: ev.Recorded) -> None:
        match recorded.event:
            case ev.PhaseEntered(phase="warm-up") if self._source is not None:
                self._run.spawn(self._start(self._source), "load")
            case ev.PhaseEntered(phase="undoing"):
                self._ended = True

    async def close(self) -> None:
        """Stop the load; bounded, whatever its users do."""
        self._ended = True
        if self._source is not None:
            await self._source.stop(grace=_GRACE)

    async def _start(self, source: LoadSource) -> None:
        make_private_folder(self._run.folder / "load")
        await source.attach(self._heard)
        self._run.observe(ev.ProcessStarted(role="load", pid=source.pid))
        source.start(self._plan())

    def _plan(self) -> LoadPlan:
        plan = self._run.plan.load
        if plan is None:
            raise Refused("this run has no load")
        return LoadPlan(
            locustfiles=tuple(self._run.root / file for file in plan.locustfiles or (plan.locustfile,)),
            conf=self._run.root / plan.conf if plan.conf else None,
            host=str(substitute(plan.host, self._run.variables())) if plan.host else self._run.url or None,
            users=plan.users,
            spawn_rate=plan.spawn_rate,
            processes=plan.processes,
            env=self._run.child_env((*self._run.plan.target.secrets, *self._run.plan.secrets), plan.env),
            watch=watch(self._run.plan.indicators),
            folder=self._run.folder / "load",
            origin=self._run.clock.origin,
            secrets=tuple(sorted(self._run.redactor.secrets)),
            tags=plan.tags,
            user_classes=plan.user_classes,
        )

    def _heard(self, report: LoadReport) -> None:
        event = self._translate(report)
        if event is None:
            return
        t = getattr(report, "t", None)
        self._run.observe(event, by="load", stamp=None if t is None else self._run.clock.stamp(t))
        if isinstance(report, reports.LoadSampledReport):
            self._watch.requests(report.t1, report.users, report.requests)

    def _translate(self, report: LoadReport) -> ev.Event | None:
        match report:
            case reports.LoadStartedReport():
                users = self._run.plan.load.users if self._run.plan.load else 0
                return ev.LoadStarted(users=users, pid=self._source.pid if self._source else 0)
            case reports.LoadSpawnedReport(users=users):
                return ev.LoadSpawned(users=users)
            case reports.LoadSampledReport():
                return ev.LoadSampled(
                    since=report.t0,
                    until=report.t1,
                    users=report.users,
                    requests={name: _figures(window) for name, window in report.requests.items()},
                )
            case reports.LoadEndedReport():
                return ev.LoadEnded(why=report.why, cut=report.cut, exceptions=self._exceptions(report))
            case reports.LoadFailedReport(why=why, locustfile=locustfile):
                return None if self._ended else ev.LoadFailed(why=self._shown(why), locustfile=locustfile)
        return None

    def _exceptions(self, report: reports.LoadEndedReport) -> tuple[dict[str, str | int], ...]:
        return tuple({"where": self._shown(e.where), "what": e.what, "count": e.count} for e in report.exceptions)

    def _shown(self, text: str) -> str:
        return text.replace(f"{self._run.root}/", "")


def _figures(window: RequestWindow) -> dict[str, float | int | None]:
    return {
        "n": window.n,
        "failures": window.failures,
        "rate": window.rate,
        "p50": window.p50,
        "p95": window.p95,
        "p99": window.p99,
    }
