"""One Chaos Toolkit experiment in a child process: armed, gated, held, stopped.

The child plays hypothesis and method with every meaning they have in Chaos Toolkit; rollbacks are not its business. It
never acts before it is let through: each action is `Asking`, and runs after `go()`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from runner.actuators.processes import Origin
from runner.actuators.shim_process import Message, ShimProcess
from runner.actuators.spawn import Spawned
from runner.lazy_dataclass import lazy_dataclass
from runner.redact import Redaction


@lazy_dataclass(frozen=True, kw_only=True)
class ExperimentPlan:
    """What an experiment's process is given. `origin` is the run clock's; it works in the folder `cwd`, or where it was
    spawned; `env` joins the minimal environment; `secrets` are the values to mask; `hold` keeps the fault in after the
    method until `release()`; `control_deadline` is how many seconds one call of a control may take.
    """

    experiment: Mapping[str, Any]
    origin: int
    journal: Path
    hold: bool
    cwd: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    control_deadline: float | None = None


@lazy_dataclass(frozen=True)
class ProbeOutcome:
    """One probe of a hypothesis. `value` is JSON, at most 4 kB; `error` is empty when the probe itself worked."""

    name: str
    met: bool
    value: Any
    error: str


@lazy_dataclass(frozen=True, kw_only=True)
class ExperimentLoadedReport:
    """The document is valid, its modules are imported, the gate is in place; nothing was resolved or run yet.

    `asks`: when, from the method's beginning on, its hypothesis will be asked: during, after, both, never.
    """

    asks: tuple[str, ...] = ()


@lazy_dataclass(frozen=True, kw_only=True)
class HypothesisCheckedReport:
    """`when` is before, during or after. The toolkit stops at the first probe that is not met."""

    when: str
    met: bool
    probes: tuple[ProbeOutcome, ...]
    t: float


@lazy_dataclass(frozen=True, kw_only=True)
class Configured:
    """Its configuration and its secrets were read; these names have no value."""

    configuration: tuple[str, ...]
    secrets: tuple[str, ...]


@lazy_dataclass(frozen=True, kw_only=True)
class Armed:
    """It stands before its method and waits for `inject()`."""

    t: float


@lazy_dataclass(frozen=True, kw_only=True)
class Asking:
    """An action wants to run: answer with `go()` or `refuse()`.

    `provider` has its arguments resolved, `configuration` is as resolved now; both redacted. `index` counts the method
    from 0; -1 is an action that stands anywhere else.
    """

    index: int
    name: str
    type: str
    provider: Mapping[str, Any]
    background: bool
    configuration: Mapping[str, Any]
    t: float


@lazy_dataclass(frozen=True, kw_only=True)
class Learned:
    """What the experiment has become, redacted: reported before it is armed, and whenever a control or an activity changed it.

    `document` is empty while it is the one that was loaded. `withheld` names what changed and holds a secret.
    """

    configuration: Mapping[str, Any]
    document: Mapping[str, Any]
    withheld: tuple[str, ...]


@lazy_dataclass(frozen=True, kw_only=True)
class ActivityStartedReport:
    """Stamped directly before the call. `type` is action or probe."""

    index: int
    name: str
    type: str
    t: float


@lazy_dataclass(frozen=True, kw_only=True)
class ActivityEndedReport:
    """Stamped when the call returned, before any pause. `status` is succeeded or failed, as the toolkit sees it (a
    command that exits with 1 has succeeded), aborted or interrupted. `exception` is one line, empty if none; `doubt` says
    why an action that succeeded may have done nothing.
    """

    index: int
    name: str
    type: str
    status: str
    output: Any
    exception: str
    t: float
    duration: float
    doubt: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class ControlBrokeReport:
    """A control did not do its work. `when` is such as `before activity`, `after method`, `configuring`; `activity` is ''
    at any other level. `stops`: what it stands before does not happen, and the experiment ends.
    """

    control: str
    when: str
    activity: str
    why: str
    stops: bool
    t: float


@lazy_dataclass(frozen=True, kw_only=True)
class MethodEndedReport:
    """Every activity, those in the background too, has ended. A held experiment now waits for `release()`."""

    t: float


@lazy_dataclass(frozen=True, kw_only=True)
class ExperimentEndedReport:
    """`status` is completed, failed, aborted or interrupted. `journal_kept` is false if the disk refused it."""

    status: str
    deviated: bool
    journal_kept: bool
    t: float


@lazy_dataclass(frozen=True, kw_only=True)
class ChildFailed:
    """The experiment cannot go on; `why` is one line for a person."""

    why: str


@lazy_dataclass(frozen=True, kw_only=True)
class ChildGone:
    """The process has ended. Always the last report; negative is the signal that ended it."""

    returncode: int


ChaosReport = (
    ExperimentLoadedReport
    | Configured
    | HypothesisCheckedReport
    | Armed
    | Asking
    | Learned
    | ActivityStartedReport
    | ActivityEndedReport
    | ControlBrokeReport
    | MethodEndedReport
    | ExperimentEndedReport
    | ChildFailed
    | ChildGone
)


def _hypothesis(message: Message) -> HypothesisCheckedReport:
    probes = tuple(
        ProbeOutcome(name=p["name"], met=p["met"], value=p.get("value"), error=p.get("error", ""))
        for p in message["probes"]
    )
    return HypothesisCheckedReport(when=message["when"], met=message["met"], probes=probes, t=message["t"])


_READERS: Mapping[str, Callable[[Message], ChaosReport]] = {
    "loaded": lambda m: ExperimentLoadedReport(asks=tuple(m.get("asks", ()))),
    "configured": lambda m: Configured(configuration=tuple(m["configuration"]), secrets=tuple(m["secrets"])),
    "hypothesis": _hypothesis,
    "armed": lambda m: Armed(**m),
    "asking": lambda m: Asking(**m),
    "learned": lambda m: Learned(**{**m, "withheld": tuple(m["withheld"])}),
    "activity-started": lambda m: ActivityStartedReport(**m),
    "activity-ended": lambda m: ActivityEndedReport(**{"exception": "", **m}),
    "control-broke": lambda m: ControlBrokeReport(**m),
    "method-ended": lambda m: MethodEndedReport(**m),
    "ended": lambda m: ExperimentEndedReport(**m),
    "failed": lambda m: ChildFailed(**m),
}


class ChaosChild:
    """Spawn early, attach in the loop, then load, arm, inject, answer, release; stop at any moment."""

    def __init__(self, shim: ShimProcess) -> None:
        self._shim = shim
        self._report: Callable[[ChaosReport], None] = lambda _: None
        #: How many messages it sent; while it lives there are at least five a second from the first one on.
        self.heard = 0
        #: The pid of the rollback's process that it left behind; 0 when there is none.
        self.preforked = 0

    @classmethod
    def spawn(cls, *, log: Path | None = None) -> ChaosChild:
        """Start a child that knows no experiment yet. Needs no event loop. Raises OSError."""
        return cls(ShimProcess.spawn("chaos", log=log))

    @classmethod
    def of(cls, spawned: Spawned) -> ChaosChild:
        """The child that `spawn("chaos", …)` started."""
        return cls(ShimProcess(spawned))

    @property
    def pid(self) -> int:
        return self._shim.pid

    @property
    def origin(self) -> Origin:
        """What tells the child and everything it started; see `processes.fence`."""
        return self._shim.origin

    @property
    def alive(self) -> bool:
        return self._shim.alive

    @property
    def last_words(self) -> tuple[str, ...]:
        """The last lines it printed, redacted."""
        return tuple(self._shim.tail)

    async def attach(
        self, report: Callable[[ChaosReport], None], redaction: Redaction, *, log: Path | None = None
    ) -> None:
        """Listen in the running loop; `report` is called there, `ChildGone` last. `log` if `spawn` had none.

        What the experiment reads as its secrets is added to `redaction`; what is added meanwhile the child hears of.
        """
        self._report = report
        self._shim.attach(self._hear, lambda code: report(ChildGone(returncode=code)), redaction, log)
        redaction.tell(self._hide)

    def load(self, plan: ExperimentPlan) -> None:
        """Give it a checked document; `ExperimentLoadedReport` or `ChildFailed` answers."""
        self._shim.send(
            {
                "do": "load",
                "experiment": dict(plan.experiment),
                "origin": plan.origin,
                "journal": str(plan.journal),
                "hold": plan.hold,
                "cwd": str(plan.cwd or ""),
                "env": dict(plan.env),
                "secrets": list(plan.secrets),
                "settings": dict(plan.settings),
                "control_deadline": plan.control_deadline,
            }
        )

    def arm(self) -> None:
        """Resolve the configuration, test the hypothesis, stop before the method."""
        self._shim.send({"do": "arm"})

    def inject(self) -> None:
        """Begin the method."""
        self._shim.send({"do": "inject"})

    def go(self) -> None:
        """Let the action run that was `Asking` last."""
        self._shim.send({"do": "go"})

    def refuse(self, why: str) -> None:
        """Turn that action back: it and all that follow never run, the experiment ends as interrupted."""
        self._shim.send({"do": "refuse", "why": why})

    def release(self) -> None:
        """Let a held experiment end: hypothesis after, journal."""
        self._shim.send({"do": "release"})

    async def stop(self, grace: float = 0.3) -> list[int]:
        """Interrupt the experiment, wait at most `grace` seconds for its journal, then kill all that came out of it.

        Whatever hangs, it takes under a second. Returns the pids that would not die; empty is good.
        """
        return await self._shim.stop(grace)

    def discard(self) -> list[int]:
        """End a spare that was never attached; needs no loop."""
        return self._shim.discard()

    def _hide(self, secrets: list[str]) -> None:
        self._shim.send({"do": "hide", "secrets": secrets})

    def _hear(self, message: Message) -> None:
        kind = message.pop("kind", None)
        self.heard += 1
        self.preforked = message.get("preforked", self.preforked)
        reader = _READERS.get(str(kind))
        if reader is None:
            return
        try:
            report = reader(message)
        except (TypeError, KeyError) as error:
            report = ChildFailed(why=f"the chaos child sent something that cannot be understood: {kind}: {error}")
        self._report(report)
