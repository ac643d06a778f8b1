"""A fake of the injector: plays an experiment's life in virtual time, gated as the real one is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from runner.actuators.chaos import (
    ActivityEndedReport,
    ActivityStartedReport,
    Armed,
    Asking,
    ChaosReport,
    ChildFailed,
    ChildGone,
    Configured,
    ExperimentEndedReport,
    ExperimentLoadedReport,
    ExperimentPlan,
    HypothesisCheckedReport,
    MethodEndedReport,
)
from runner.redact import Redaction
from runner.specs.configuration import known_configuration
from runner.specs.substitution import UndefinedVariable, substitute

#: Messages a second that a process which lives sends at least.
_BEATS = 5


@dataclass(frozen=True, kw_only=True)
class FakeAction:
    """One action of a fake method: it lasts `lasts` seconds, and fails when `exception` says why."""

    name: str = "break it"
    provider: Mapping[str, Any] = field(
        default_factory=lambda: {"type": "python", "module": "shop", "func": "break_it"}
    )
    lasts: float = 0.0
    exception: str = ""


@dataclass(frozen=True, kw_only=True)
class ExperimentLife:
    """What a fake experiment does. `actions` are those of its document when they are None. `cannot_load` is why it cannot be loaded, '' when it can; `steady` and `steady_after`
    are what its hypothesis finds; `unset` names what its configuration gave no value. It never answers while `silent`.
    """

    actions: tuple[FakeAction, ...] | None = None
    cannot_load: str = ""
    steady: bool = True
    steady_after: bool = True
    unset: tuple[str, ...] = ()
    silent: bool = False


class FakeInjector:
    """An `Injector` that plays an `ExperimentLife`."""

    preforked = 0

    def __init__(self, life: ExperimentLife, pid: int = 3) -> None:
        self.life = life
        self.pid = pid
        self.alive = True
        #: What it was loaded with; None before.
        self.plan: ExperimentPlan | None = None
        #: The names of the actions that ran, in order.
        self.ran: list[str] = []
        self._report: Callable[[ChaosReport], None] = lambda _: None
        self._answer: asyncio.Future[str] | None = None
        self._released = asyncio.Event()
        self._froze: int | None = None
        self._over = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def heard(self) -> int:
        return int(_now() * _BEATS) + 1 if self._froze is None else self._froze

    def freeze(self) -> None:
        """From now on nothing is heard of it."""
        self._froze = self.heard

    def die(self, returncode: int = -9) -> None:
        """Its process ends at once."""
        self._end(returncode)

    async def attach(
        self,
        report: Callable[[ChaosReport], None],
        redaction: Redaction,  # noqa: ARG002  it reports no secret
        *,
        log: Path | None = None,  # noqa: ARG002  it prints nothing
    ) -> None:
        self._report = report

    def load(self, plan: ExperimentPlan) -> None:
        self.plan = plan
        why = self.life.cannot_load
        self._soon(ChildFailed(why=why) if why else ExperimentLoadedReport())

    def arm(self) -> None:
        self._soon(Configured(configuration=self.life.unset, secrets=()))
        self._soon(HypothesisCheckedReport(when="before", met=self.life.steady, probes=(), t=_now()))
        if self.life.steady:
            self._soon(Armed(t=_now()))
        else:
            self._finish("completed", deviated=False)

    def inject(self) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(self._method(), name="fake method"))

    def go(self) -> None:
        self._answered("")

    def refuse(self, why: str) -> None:
        self._answered(why)

    def release(self) -> None:
        self._released.set()

    async def stop(self) -> list[int]:
        if self.alive:
            self._finish("interrupted", deviated=False)
            await asyncio.sleep(0)
            self._end(0)
        return []

    @property
    def _actions(self) -> tuple[FakeAction, ...]:
        if self.life.actions is not None or self.plan is None:
            return self.life.actions or ()
        method = self.plan.experiment.get("method", ())
        known = {name: str(value) for name, value in self._configuration.items()}
        return tuple(
            FakeAction(name=each["name"], provider=_filled_in(each["provider"], known))
            for each in method
            if each["type"] == "action"
        )

    @property
    def _configuration(self) -> Mapping[str, Any]:
        """What needs no probe and no secret store to be known."""
        return known_configuration(self.plan.experiment, self.plan.env) if self.plan else {}

    async def _method(self) -> None:
        for index, action in enumerate(self._actions):
            if await self._asked(index, action):
                self._finish("interrupted", deviated=False)
                return
            await self._run(index, action)
        self._tell(MethodEndedReport(t=_now()))
        if self.plan is not None and self.plan.hold:
            await self._released.wait()
        met = self.life.steady_after
        self._tell(HypothesisCheckedReport(when="after", met=met, probes=(), t=_now()))
        self._finish("completed", deviated=not met)

    async def _asked(self, index: int, action: FakeAction) -> str:
        """Why the action may not run; '' when it may."""
        self._answer = asyncio.get_running_loop().create_future()
        self._tell(
            Asking(
                index=index,
                name=action.name,
                type="action",
                provider=action.provider,
                background=False,
                configuration=self._configuration,
                t=_now(),
            )
        )
        return await self._answer

    async def _run(self, index: int, action: FakeAction) -> None:
        began = _now()
        self._tell(ActivityStartedReport(index=index, name=action.name, type="action", t=began))
        self.ran.append(action.name)
        await asyncio.sleep(action.lasts)
        self._tell(
            ActivityEndedReport(
                index=index,
                name=action.name,
                type="action",
                status="failed" if action.exception else "succeeded",
                output=None,
                exception=action.exception,
                t=_now(),
                duration=round(_now() - began, 6),
            )
        )

    def _answered(self, why: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(why)

    def _finish(self, status: str, *, deviated: bool) -> None:
        if not self._over and self.plan is not None:
            self._over = True
            self._soon(ExperimentEndedReport(status=status, deviated=deviated, journal_kept=True, t=_now()))

    def _end(self, returncode: int) -> None:
        for task in self._tasks:
            task.cancel()
        if self.alive:
            self.alive = False
            self._report(ChildGone(returncode=returncode))

    def _soon(self, report: ChaosReport) -> None:
        """Report it in the loop's next turn, as what comes from another process does."""
        asyncio.get_running_loop().call_soon(self._tell, report)

    def _tell(self, report: ChaosReport) -> None:
        if self.alive and not self.life.silent:
            self._report(report)


def _filled_in(provider: Mapping[str, Any], known: Mapping[str, str]) -> Mapping[str, Any]:
    """As it stands where something has no value: the guard has its say about that."""
    try:
        return cast("Mapping[str, Any]", substitute(provider, known))
    except UndefinedVariable:
        return provider


def _now() -> float:
    return round(asyncio.get_running_loop().time(), 6)
