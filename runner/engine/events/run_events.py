"""What happens to the run as a whole: its phases, its target, its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from runner.engine.events.event import VERSION, Event, Json
from runner.lazy_dataclass import lazy_dataclass


@lazy_dataclass(frozen=True, kw_only=True)
class RunStarted(Event, kind="run-started"):
    """The first line. `plan` is a `RunPlan` as JSON; `origin` is CLOCK_BOOTTIME in ns at t = 0 of boot `boot_id`.

    `cwd` is the folder in which everything of the run works, its undo too; '' where an older release did not say.

    `attended`: people answer. Else steps take their `unattended` way, but for the `scripted` ones, which an operator
    file answers.
    """

    run: str
    version: int = VERSION
    plan: Mapping[str, Json]
    attended: bool
    scripted: tuple[str, ...] = ()
    person: str = ""
    uid: int = -1
    host: str = ""
    boot_id: str = ""
    origin: int = 0
    tool: str = ""
    cwd: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class ProcessStarted(Event, kind="process-started"):
    """A process of the run: guardian, conductor, chaos, load, undo, sandbox, command. `start_time` in clock ticks."""

    role: str
    pid: int
    start_time: int = 0


@lazy_dataclass(frozen=True, kw_only=True)
class PhaseEntered(Event, kind="phase-entered", decided=True):
    """preflight, warm-up, live, undoing, debrief or closed."""

    phase: str


@lazy_dataclass(frozen=True, kw_only=True)
class NeedChecked(Event, kind="need-checked", hidden=True):
    """A preflight probe: a need, the target's identity, an `undone-when` before the fault.

    After the preflight: the target's identity does not hold any more, and no fault has gone in yet.
    """

    name: str
    met: bool
    why: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class TargetReady(Event, kind="target-ready"):
    """The target as resolved: what `${target.x}` and `$TARGET_X` stand for from here on."""

    url: str = ""
    vars: Mapping[str, str] = field(default_factory=dict)


@lazy_dataclass(frozen=True, kw_only=True)
class TargetLost(Event, kind="target-lost", hidden=True):
    """The target does not answer any more, or not as the one that was declared. Only a drill that asks for it is told."""

    why: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class TargetFound(Event, kind="target-found", hidden=True):
    """The target that was lost answers again."""


@lazy_dataclass(frozen=True, kw_only=True)
class BaselineTaken(Event, kind="baseline-taken", decided=True, hidden=True):
    """The steady state before the first fault. `held` names the indicators that held all through the baseline."""

    met: bool
    since: float
    held: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    why: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class EndDecided(Event, kind="end-decided", decided=True):
    """Why the run ends. cause: complete, aborted, stopped, refused, broken, time-box, runbook-stopped, deviated.

    `reason` is, for an abort, real-incident, unsafe, logistics, stuck or halted; else a word of the cause. `own_fault` marks a
    stop caused by the drill's own fault.
    """

    cause: str
    reason: str = ""
    why: str = ""
    own_fault: bool = False


@lazy_dataclass(frozen=True, kw_only=True)
class Halted(Event, kind="halted", decided=True):
    """Somebody stopped every run on this machine, this one too."""

    why: str
    uid: int = -1


@lazy_dataclass(frozen=True, kw_only=True)
class HaltLifted(Event, kind="halt-lifted"):
    """The halt that stopped this run is lifted. May stand behind `run-closed`."""

    why: str
    uid: int = -1


@lazy_dataclass(frozen=True, kw_only=True)
class DebriefClosed(Event, kind="debrief-closed", decided=True):
    """Nobody has anything to add: a person said so, or nobody is there."""


@lazy_dataclass(frozen=True, kw_only=True)
class RunClosed(Event, kind="run-closed"):
    """The last line. `ending` is a verdict word of the design; `exit_code` what the process answered."""

    ending: str
    exit_code: int
    headline: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class Paused(Event, kind="paused", decided=True):
    """Step clocks and the time-box stand still; indicators go on."""

    why: str


@lazy_dataclass(frozen=True, kw_only=True)
class Resumed(Event, kind="resumed", decided=True):
    """They go on."""


@lazy_dataclass(frozen=True, kw_only=True)
class SuspendSeen(Event, kind="suspend-seen"):
    """The machine slept for `seconds`."""

    seconds: float


@lazy_dataclass(frozen=True, kw_only=True)
class TailTorn(Event, kind="tail-torn"):
    """A half-written last line was moved aside to `file`."""

    file: str
    bytes: int


@lazy_dataclass(frozen=True, kw_only=True)
class Warned(Event, kind="warned"):
    """Something a person should know."""

    text: str


@lazy_dataclass(frozen=True, kw_only=True)
class Unrecognised(Event, kind="unrecognised"):
    """An event of a newer release."""

    name: str
    fields: Mapping[str, Json] = field(default_factory=dict)
