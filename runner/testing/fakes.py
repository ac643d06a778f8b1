"""Fakes of all ports together: they start no process, do what the test says, and keep what they were asked to do.

Each passes the contract suite that its real adapter passes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from runner.actuators.command import CommandPlan
from runner.actuators.probe_calls import ProbePlan, Prober
from runner.clock import Clock
from runner.conductor.ports import CommandRunner, LoadSource
from runner.engine.plan import Load
from runner.redact import Redaction
from runner.testing.fake_command import CommandOutcome, FakeCommand
from runner.testing.fake_load import FakeLoad
from runner.testing.fake_prober import FakeProber, ProbeAnswer


@dataclass
class FakePorts:
    """`runner.conductor.ports.Ports` without a process.

    `outcomes` gives what the commands do, by their text; the others end at once with 0. `answers` gives what the
    probes do, by what they ask (`asked_of`); the others hold.
    """

    outcomes: dict[str, CommandOutcome] = field(default_factory=dict)
    load: FakeLoad = field(default_factory=FakeLoad)
    answers: dict[str, ProbeAnswer | Callable[[float], ProbeAnswer]] = field(default_factory=dict)
    #: Every command that was asked for, in order.
    commands: list[FakeCommand] = field(default_factory=list)
    probers: list[FakeProber] = field(default_factory=list)

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
