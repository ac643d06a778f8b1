"""What everything that acts for one run shares: its plan, its clock, its folder, its secrets, and the way to report."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from runner.actuators.command import minimal_env
from runner.clock import Clock, Stamp
from runner.engine.commands import Command, Stop
from runner.engine.events import Event, Recorded
from runner.engine.plan import Experiment, RunPlan
from runner.engine.state import State
from runner.errors import Broken
from runner.guard.refusal import Places, nowhere
from runner.host.tool_log import note
from runner.lazy_dataclass import lazy_dataclass
from runner.redact import MASK, Redaction, Redactor
from runner.specs.configuration import known_configuration
from runner.targets.registry import driver_of
from runner.transcript.run_folder import PROBES_LOG
from runner.undo.fencing import Spared

if TYPE_CHECKING:
    from runner.actuators.probe_calls import ProbePlan, Prober
    from runner.conductor.ports import Ports, RunningTarget
    from runner.specs.probe_spec import ProbeSpec

#: Seconds a cancelled task gets.
_ENDING = 2.0


class Handler(Protocol):
    """Something that acts on what was decided. `act` sees every event once it is on disk, and must not block."""

    def act(self, recorded: Recorded) -> None: ...

    async def close(self) -> None: ...


@lazy_dataclass
class RunContext:
    """One run, as its handlers see it. `state` is always the newest."""

    run: str
    folder: Path
    root: Path
    plan: RunPlan
    clock: Clock
    redaction: Redaction
    secrets: dict[str, str]
    conductor: Conducts
    ports: Ports
    url: str = ""
    vars: dict[str, str] = field(default_factory=dict)
    secret_answers: dict[str, str] = field(default_factory=dict)
    #: What steps read out of what their commands printed, secrets included: the state has them redacted.
    outputs: dict[str, str] = field(default_factory=dict)
    #: Experiment → its configuration, as resolved when its fault was intended.
    configurations: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    #: The target, where the run started it.
    started_target: RunningTarget | None = None
    #: Processes that the fence spares: they are the target, not the run.
    spared: Spared = field(default_factory=Spared)
    #: Chaos Toolkit's own settings.
    settings: Mapping[str, Any] = field(default_factory=dict)
    #: Where a value of the run's files stands.
    where: Places = nowhere
    #: Whether the target was found: nothing can be asked before.
    found: bool = False
    prober_or_none: Prober | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def state(self) -> State:
        return self.conductor.state

    def observe(self, event: Event, *, by: str = "conductor", stamp: Stamp | None = None) -> None:
        """This happened; `stamp` when somebody nearer to it stamped it."""
        self.conductor.observe(event, by=by, stamp=stamp)

    @property
    def prober(self) -> Prober:
        """What calls the run's probes, made when the first one is asked. Raises Broken before the target was found."""
        if self.prober_or_none is None:
            if not self.found:
                raise Broken("a probe was asked for before the target was found")
            self.prober_or_none = self.ports.prober(self._probe_plan())
        return self.prober_or_none

    def _probe_plan(self) -> ProbePlan:
        from runner.actuators.probe_calls import ProbePlan

        return ProbePlan(
            clock=self.clock,
            env=self.child_env(),
            python_env=self.child_env((*self.plan.target.secrets, *self.plan.secrets)),
            variables=self.variables(),
            secrets=self.secrets,
            redaction=self.redaction,
            log=self.folder / PROBES_LOG,
        )

    @property
    def fatal(self) -> str:
        """Why nothing can be written down any more; '' while it can."""
        return self.conductor.fatal

    def spare(self, pid: int) -> None:
        """Neither the fence nor the guardian's shall kill this one."""
        self.spared.add(pid)
        self.conductor.tell_guardian({"spare": [pid]})

    def stop(self, cause: Any, why: str) -> None:
        """End the run for the system's own reasons."""
        self.conductor.submit(Stop(cause=cause, why=why))

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run something beside the loop; an error in it ends the run as broken, never silently."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def protect(self, secret: str) -> None:
        """From here on this value is kept out of whatever is written."""
        self.redaction.learn([secret])

    @property
    def redactor(self) -> Redactor:
        """What takes every secret known so far out of a text."""
        return self.redaction.known

    def variables(self) -> dict[str, str]:
        """What `${target.x}` stands for."""
        return {"target.name": self.plan.target.name, "target.url": self.url} | {
            f"target.{name}": value for name, value in self.vars.items()
        }

    def check_probe(self, document: Mapping[str, Any], experiment: Experiment) -> ProbeSpec:
        """A probe of an experiment's own, which may speak of its configuration. Raises UndefinedVariable."""
        from runner.specs.probe_spec import ProbeSpec

        known = known_configuration(experiment.document, {**os.environ, **self.target_env()})
        # What was masked on its way here is taken from where it came from.
        resolved = self.configurations.get(experiment.slug, {})
        configuration = {**resolved, **known, **{k: v for k, v in resolved.items() if MASK not in str(v)}}
        return ProbeSpec.model_validate(document).resolved({**self.variables(), **self.secrets, **configuration})

    def target_env(self) -> dict[str, str]:
        """The same for commands and experiments: TARGET_NAME, TARGET_URL, TARGET_ADMIN …"""
        return {
            name.replace(".", "_").replace("-", "_").upper(): value for name, value in self.variables().items() if value
        }

    def child_env(self, secrets: tuple[str, ...] = (), extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """A child's whole environment: a few inherited names, those that are let through, the target's, the run's, and
        only the secrets it needs.
        """
        plan = self.plan
        kept = {name: self.secrets[name] for name in plan.passed_secrets if name in self.secrets}
        own = driver_of(plan.target.kind).child_environment(self.vars)
        env = minimal_env({**plan.passed, **kept, **self.target_env(), **own})
        env["GAMEDAY_RUN"] = self.run
        env["GAMEDAY_RUN_FOLDER"] = str(self.folder)
        env.update({name: self.secrets[name] for name in secrets if name in self.secrets})
        env.update(extra or {})
        return env

    async def finish_tasks(self) -> None:
        """Cancel what still runs beside the loop; what does not want to end is named in the log, not waited for."""
        tasks = [task for task in self._tasks if not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            _, stubborn = await asyncio.wait(tasks, timeout=_ENDING)
            for task in stubborn:
                note(f"task {task.get_name()!r} did not end: {task.get_stack(limit=3)}")

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.conductor.broke(f"{task.get_name()}: {type(error).__name__}: {error}", error)


class Conducts(Protocol):
    """What the handlers need of the conductor."""

    @property
    def state(self) -> State: ...

    def submit(self, command: Command, *, by: str = "conductor", stamp: Stamp | None = None) -> str | None: ...

    def observe(self, event: Event, *, by: str = "conductor", stamp: Stamp | None = None) -> None: ...

    def broke(self, why: str, error: BaseException) -> None: ...

    def tell_guardian(self, message: dict[str, Any]) -> bool: ...

    @property
    def fatal(self) -> str: ...
