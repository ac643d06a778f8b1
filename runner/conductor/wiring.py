"""Which handlers a run has, and which of them work together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from runner.conductor.context import Handler, RunContext
from runner.conductor.handlers.experiments import ExperimentsHandler
from runner.conductor.handlers.indicators import IndicatorsHandler
from runner.conductor.handlers.keep_awake import KeepAwakeHandler
from runner.conductor.handlers.load_run import LoadHandler
from runner.conductor.handlers.preflight import PreflightHandler
from runner.conductor.handlers.steps import StepsHandler
from runner.conductor.handlers.target import TargetHandler
from runner.conductor.handlers.undo import UndoHandler


class Wiring:
    """The handlers of one run; `refold` brings its state up to what the undo worker wrote."""

    def __init__(self, run: RunContext, refold: Callable[[], Awaitable[None]]) -> None:
        self.watch = IndicatorsHandler(run)
        self.load = LoadHandler(run, self.watch)
        self.steps = StepsHandler(run)
        self.target = TargetHandler(run)
        self.experiments = ExperimentsHandler(run, self.target, lambda slug: self.undo.check_while_in(slug))
        self.preflight = PreflightHandler(run, self.experiments, self.load)
        self.undo = UndoHandler(run, self.experiments, [self.steps, self.watch, self.load], refold)
        self.awake = KeepAwakeHandler(run)

    @property
    def handlers(self) -> list[Handler]:
        """All of them, in the order in which they act on an event."""
        return [
            self.experiments,
            self.steps,
            self.load,
            self.watch,
            self.target,
            self.undo,
            self.preflight,
            self.awake,
        ]
