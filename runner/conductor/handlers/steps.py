"""The handler that does what steps ask for: their commands and their probes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from runner.actuators.command import CommandPlan, CommandResult
from runner.conductor.context import RunContext
from runner.engine import events as ev
from runner.engine.plan import Step
from runner.private import make_private_folder
from runner.transcript.run_folder import step_log

if TYPE_CHECKING:
    from runner.conductor.ports import CommandRunner


class StepsHandler:
    """Runs at most one command a step; kills it when the step or the run ends before it."""

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._commands: dict[str, CommandRunner] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def act(self, recorded: ev.Recorded) -> None:
        match recorded.event:
            case ev.CommandIntended(step=step_id, attempt=attempt):
                self._start(f"command {step_id}", self._command(self._run.plan.step(step_id), attempt))
            case ev.StepStarted(step=step_id):
                step = self._run.plan.step(step_id)
                if step.verify and step.verify.probe:
                    self._start(f"prime {step_id}", self._prime(step))
            case ev.VerifyStarted(step=step_id):
                step = self._run.plan.step(step_id)
                if step.verify and step.verify.probe:
                    self._start(f"verify {step_id}", self._verify(step))
            case ev.StepEnded(step=step_id):
                for name in (f"prime {step_id}", f"verify {step_id}"):
                    if task := self._tasks.pop(name, None):
                        task.cancel()
                if command := self._commands.pop(step_id, None):
                    self._run.spawn(command.kill(), f"kill {step_id}")

    async def close(self) -> None:
        await asyncio.gather(*(command.kill() for command in self._commands.values()))

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._tasks[name] = self._run.spawn(work, name)

    async def _command(self, step: Step, attempt: int) -> None:
        output = step_log(step.id, attempt)
        plan = self._plan(step, attempt, output)
        command = self._run.ports.command_runner(plan, self._run.clock, self._run.redaction)
        self._commands[step.id] = command
        result = await command.run(
            lambda pid, stamp: self._run.observe(
                ev.CommandStarted(step=step.id, attempt=attempt, pid=pid), by="command", stamp=stamp
            )
        )
        outputs, why = await self._outputs(step, result)
        if self._commands.get(step.id) is command:
            del self._commands[step.id]
        self._run.observe(
            ev.CommandEnded(
                step=step.id,
                attempt=attempt,
                exit_code=result.exit_code,
                timed_out=result.timed_out,
                duration=result.duration,
                output=output,
                tail=result.tail,
                why=result.why or why,
                outputs=outputs,
            ),
            by="command",
            stamp=result.ended,
        )

    async def _outputs(self, step: Step, result: CommandResult) -> tuple[dict[str, str], str]:
        """The values of the step's outputs, or why one of them cannot be had; a command that failed has none."""
        if not step.output or result.exit_code != 0 or result.timed_out:
            return {}, ""
        # Beside the loop: a megabyte of JSON takes its time.
        outputs, why = await asyncio.to_thread(_read, step.output, result.printed)
        if why:
            return {}, f"{why}; {_beginning(self._run.redaction.text(result.printed))}"
        self._run.outputs.update(outputs)
        return outputs, ""

    def _plan(self, step: Step, attempt: int, output: str) -> CommandPlan:
        path = self._run.folder / output
        make_private_folder(path.parent)
        values = {**self._run.state.answers, **self._run.secret_answers, **self._run.outputs}
        env = self._run.child_env(step.secrets, {**values, **step.env, "GAMEDAY_STEP": step.id})
        return CommandPlan(
            text=step.run,
            shell=step.shell,
            directory=self._run.root / step.working_directory,
            env=env,
            timeout=step.timeout,
            output=path,
            mark=f"{self._run.run}/{step.id}/{attempt}",
            reads=bool(step.output),
        )

    async def _prime(self, step: Step) -> None:
        """Ask once before the step: what already holds proves nothing afterwards."""
        from runner.specs.probe_spec import ProbeSpec

        assert step.verify is not None  # noqa: S101 - act() looked
        result = await self._run.prober.call(ProbeSpec.model_validate(step.verify.probe))
        self._run.observe(ev.VerifyPrimed(step=step.id, held=result.ok), by="probe")

    async def _verify(self, step: Step) -> None:
        from runner.actuators.probe_calls import hold_until
        from runner.specs.probe_spec import ProbeSpec

        verify = step.verify
        assert verify is not None  # noqa: S101 - act() looked
        result = await hold_until(
            self._run.prober,
            ProbeSpec.model_validate(verify.probe),
            within=verify.within,
            every=verify.every,
            clock=self._run.clock,
        )
        self._run.observe(ev.VerifyEnded(step=step.id, held=result.ok, why=result.why), by="probe")


def _read(output: Mapping[str, str], printed: str) -> tuple[dict[str, str], str]:
    if not output:
        return {}, ""
    from runner.specs.output import NotRead, read_value

    values: dict[str, str] = {}
    for name, reading in output.items():
        try:
            values[name] = read_value(reading, printed)
        except NotRead as why:
            return {}, f"output {name}: {why}"
    return values, ""


def _beginning(printed: str) -> str:
    from runner.specs.tolerance import show

    return f"it printed {show(printed)}" if printed.strip() else "it printed nothing"
