"""Fakes of all ports together: they start no process, do what the test says, and keep what they were asked to do.

Each passes the contract suite that its real adapter passes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from runner.actuators.command import CommandPlan
from runner.actuators.probe_calls import ProbePlan, Prober
from runner.clock import Clock
from runner.conductor.ports import CommandRunner, Injector, LoadSource, RunningTarget, SleepInhibitor, UndoStarter
from runner.engine.plan import Load
from runner.errors import Broken
from runner.redact import Redaction
from runner.testing.fake_command import CommandOutcome, FakeCommand
from runner.testing.fake_injector import ExperimentLife, FakeInjector
from runner.testing.fake_load import FakeLoad
from runner.testing.fake_prober import FakeProber, ProbeAnswer
from runner.testing.fake_target import FakeTarget
from runner.testing.fake_undo import FakeSleepInhibitor, FakeUndo


@dataclass
class FakePorts:
    """`runner.conductor.ports.Ports` without a process.

    `outcomes` gives what the commands do, by their text; the others end at once with 0. `answers` gives what the
    probes do, by what they ask (`asked_of`); the others hold. `lives` are the experiments, in the plan's order; what comes
    after them is a fault of one action. `left_over` is what the fence finds.
    """

    outcomes: dict[str, CommandOutcome] = field(default_factory=dict)
    load: FakeLoad = field(default_factory=FakeLoad)
    answers: dict[str, ProbeAnswer | Callable[[float], ProbeAnswer]] = field(default_factory=dict)
    lives: list[ExperimentLife] = field(default_factory=list)
    target: FakeTarget = field(default_factory=FakeTarget)
    #: Why the target does not come up; '' when it does.
    target_fails: str = ""
    undo: FakeUndo = field(default_factory=FakeUndo)
    inhibitor: FakeSleepInhibitor = field(default_factory=FakeSleepInhibitor)
    left_over: tuple[int, ...] = ()
    #: Every command that was asked for, in order.
    commands: list[FakeCommand] = field(default_factory=list)
    probers: list[FakeProber] = field(default_factory=list)
    injectors: list[FakeInjector] = field(default_factory=list)
    #: What each fence was to spare.
    spared: list[set[int]] = field(default_factory=list)

    def command_runner(self, plan: CommandPlan, clock: Clock, redaction: Redaction) -> CommandRunner:
        command = FakeCommand(plan, clock, redaction, self.outcomes.get(plan.text, CommandOutcome()))
        self.commands.append(command)
        return command

    def load_source(self, load: Load) -> LoadSource:  # noqa: ARG002  there is one
        return self.load

    def prober(self, plan: ProbePlan) -> Prober:
        prober = FakeProber(plan, self.answers)
        self.probers.append(prober)
        return prober

    def injector(self) -> Injector:
        made = len(self.injectors)
        injector = FakeInjector(self.lives[made] if made < len(self.lives) else ExperimentLife(), pid=100 + made)
        self.injectors.append(injector)
        return injector

    def discard_unused(self) -> None:
        return

    def undo_starter(self) -> UndoStarter:
        return self.undo

    async def start_target(self, kind: str, folder: Path) -> RunningTarget:  # noqa: ARG002  there is one
        if self.target_fails:
            raise Broken(self.target_fails)
        return self.target

    def fence(self, spare: Collection[int]) -> tuple[int, ...]:
        self.spared.append(set(spare))
        return self.left_over

    def sleep_inhibitor(self) -> SleepInhibitor:
        return self.inhibitor
