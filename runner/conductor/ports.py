"""The ports of a run: what its handlers need of the world outside, each as a protocol.

A handler never starts a process. It asks `Ports` for what does, so that the real adapters (`runner.conductor.adapters`)
and the fakes (`runner.testing`) can take each other's place; both pass `tests/contract/test_ports_*.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runner.actuators.chaos import ChaosReport, ExperimentPlan
    from runner.actuators.command import CommandPlan, CommandResult
    from runner.actuators.load_reports import LoadPlan, LoadReport
    from runner.actuators.probe_calls import ProbePlan, Prober
    from runner.clock import Clock, Stamp
    from runner.engine.events import Recorded
    from runner.engine.plan import Load
    from runner.redact import Redaction
    from runner.transcript.writer import Entry


class TranscriptSink(Protocol):
    """Where the conductor records what was decided, before anything acts on it."""

    @property
    def space_low(self) -> bool:
        """Whether only the end of the run still fits."""
        ...

    @property
    def room(self) -> int:
        """Bytes that may still be written. Raises OSError."""
        ...

    def append(self, *entries: Entry, durable: bool = True) -> list[Recorded]:
        """Record the entries, numbered and redacted. Raises TranscriptError or OSError."""
        ...

    def sync(self) -> None:
        """Make what was appended before durable. Raises TranscriptError or OSError."""
        ...


class CommandRunner(Protocol):
    """One command of a step."""

    async def run(self, started: Callable[[int, Stamp], None]) -> CommandResult:
        """Start it, call `started(pid, stamp)`, wait for its end. Never raises for what the command does; one that
        cannot be started ends with 127, without a call of `started`."""
        ...

    async def kill(self) -> None:
        """End it and everything it started; `run` returns then. Does nothing before its start and after its end."""
        ...


class LoadSource(Protocol):
    """The load of a run, whichever tool generates it. It is made early, and waits for its plan.

    It reports `LoadStartedReport` or `LoadFailedReport` first, then windows, and `LoadEndedReport` or `LoadFailedReport`
    last and once.
    """

    @property
    def pid(self) -> int:
        """The process that generates it."""
        ...

    async def attach(self, report: Callable[[LoadReport], None]) -> None:
        """Call `report`, in the running loop, for whatever is reported from now on."""
        ...

    def start(self, plan: LoadPlan) -> None:
        """Begin. What goes wrong is reported."""
        ...

    async def stop(self, grace: float) -> None:
        """End it: what was measured is reported, its files are written, nothing of it is left. Bounded: it is killed
        when it takes `grace` seconds longer than its plan lets the users take."""
        ...


class Injector(Protocol):
    """One experiment's process. It never acts before it was told to: each action is `Asking`, and runs after `go()`."""

    @property
    def pid(self) -> int: ...

    @property
    def alive(self) -> bool: ...

    @property
    def heard(self) -> int:
        """How many messages it sent; while it lives there are at least five a second from the first one on."""
        ...

    @property
    def preforked(self) -> int:
        """The pid of the rollback's process that it left behind; 0 when there is none."""
        ...

    async def attach(
        self, report: Callable[[ChaosReport], None], redaction: Redaction, *, log: Path | None = None
    ) -> None:
        """Call `report`, in the running loop, for whatever is reported from now on, `ChildGone` last."""
        ...

    def load(self, plan: ExperimentPlan) -> None:
        """Give it a checked document; `ExperimentLoadedReport` or `ChildFailed` answers."""
        ...

    def arm(self) -> None:
        """Resolve the configuration, test the hypothesis, stop before the method."""
        ...

    def inject(self) -> None:
        """Begin the method."""
        ...

    def go(self) -> None:
        """Let the action run that was `Asking` last."""
        ...

    def refuse(self, why: str) -> None:
        """Turn that action back: it and all that follow never run, the experiment ends as interrupted."""
        ...

    def release(self) -> None:
        """Let a held experiment end: hypothesis after, journal."""
        ...

    async def stop(self) -> list[int]:
        """End it and all that came out of it. Returns the pids that would not die."""
        ...


class RunningTarget(Protocol):
    """A target that the run started, and that answers. `pid` and `pid_start` (clock ticks since boot) name its process."""

    @property
    def url(self) -> str: ...

    @property
    def vars(self) -> Mapping[str, str]: ...

    @property
    def pid(self) -> int: ...

    @property
    def pid_start(self) -> int: ...

    @property
    def ended(self) -> bool:
        """Whether its process is gone."""
        ...

    @property
    def stop(self) -> Callable[[], None]:
        """Ends it, and blocks meanwhile."""
        ...


class UndoStarter(Protocol):
    """Has the faults of a run undone, by a process that reads all it needs from the run's folder."""

    async def undo(self, folder: Path, secrets: Mapping[str, str], hidden: Collection[str]) -> int:
        """Start the undo and wait for its end: 0, or 6 when something is left; any other exit code means that it broke.
        `hidden` are more values that are written nowhere."""
        ...


class SleepInhibitor(Protocol):
    """Holds the machine awake from `begin` to `end`, or to the death of this process."""

    def begin(self, why: str) -> int:
        """The pid of the tool that holds the lock; 0 where there is none."""
        ...

    def end(self) -> None:
        """The machine may sleep again. Blocks for at most a few seconds."""
        ...


class Ports(Protocol):
    """Makes what acts outside, for one run."""

    def injector(self) -> Injector:
        """A process that knows no experiment yet. Raises OSError."""
        ...

    def discard_unused(self) -> None:
        """End what was made ready for `injector` and never asked for."""
        ...

    def undo_starter(self) -> UndoStarter:
        """What has the faults undone."""
        ...

    async def start_target(self, kind: str, folder: Path) -> RunningTarget:
        """Start a target of this kind, with the run's folder for its files. Raises Broken when it does not come up."""
        ...

    def fence(self, spare: Collection[int]) -> tuple[int, ...]:
        """Kill every process of the run but `spare` and what is below it; who was found. Blocks: call it on a thread."""
        ...

    def sleep_inhibitor(self) -> SleepInhibitor:
        """What keeps the machine awake."""
        ...

    def command_runner(self, plan: CommandPlan, clock: Clock, redaction: Redaction) -> CommandRunner:
        """A command that is not started yet; what it prints is redacted."""
        ...

    def load_source(self, load: Load) -> LoadSource:
        """What generates the plan's load; it may begin to import. Raises OSError."""
        ...

    def prober(self, plan: ProbePlan) -> Prober:
        """What calls the run's probes; the undo worker calls its own through the same protocol."""
        ...
