"""The real adapters of the ports, chosen in this one place. Each is imported when it is first needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.actuators.command import CommandPlan
    from runner.actuators.probe_calls import ProbePlan, Prober
    from runner.clock import Clock
    from runner.conductor.ports import CommandRunner, LoadSource
    from runner.engine.plan import Load
    from runner.redact import Redaction


class ProcessPorts:
    """Everything that acts for the run is a process of its own."""

    def command_runner(self, plan: CommandPlan, clock: Clock, redaction: Redaction) -> CommandRunner:
        from runner.actuators.command import StepCommand

        return StepCommand(plan, clock, redaction)

    def load_source(self, load: Load) -> LoadSource:  # noqa: ARG002  Locust is the only tool
        from runner.actuators.load import LoadChild

        return LoadChild.spawn()

    def prober(self, plan: ProbePlan) -> Prober:
        from runner.actuators.run_prober import RunProber

        return RunProber(plan)
