"""A scripted operator: answers written down beforehand, given as a person would give them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

from runner.conductor.context import RunContext
from runner.conductor.loop import Conductor
from runner.control.protocol import Caller
from runner.control.server import submit_for
from runner.engine import commands as cm
from runner.engine import events as ev
from runner.specs.operator_script import Script, StepScript, WhenScript


class OperatorScriptHandler:
    """Plays a script on one run."""

    def __init__(self, run: RunContext, conductor: Conductor, script: Script) -> None:
        self._run = run
        self._conductor = conductor
        self._script = script

    def act(self, recorded: ev.Recorded) -> None:
        event = recorded.event
        if isinstance(event, ev.RunStarted):
            for name in (self._script.name, *self._script.also):
                self._submit(cm.Join(person=name), name)
        if isinstance(event, ev.PhaseEntered) and event.phase == "live":
            self._begin_anytime()
        if isinstance(event, ev.PhaseEntered) and event.phase == "debrief":
            # A script has nothing to add: the debrief must not wait for it.
            for name in (self._script.name, *self._script.also):
                self._submit(cm.Leave(person=name), name)
        if isinstance(event, ev.StepStarted) and event.step in self._script.steps:
            answers = self._script.steps[event.step]
            self._run.spawn(self._play(event.step, event.visit, answers), f"operator {event.step}")
        if isinstance(event, ev.StepFailing) and event.step in self._script.steps:
            self._run.spawn(self._mend(self._script.steps[event.step]), f"operator {event.step}")
        for rule in self._script.when:
            if rule.event == event.kind:
                self._run.spawn(self._later(rule), f"operator on {rule.event}")

    async def close(self) -> None:
        return

    def _begin_anytime(self) -> None:
        """What stands outside the sequence never becomes current: its time runs from the drill's going live."""
        for step in self._run.plan.steps:
            if step.anytime and step.id in self._script.steps:
                self._run.spawn(self._do_anytime(step.id, self._script.steps[step.id]), f"operator {step.id}")

    async def _do_anytime(self, step_id: str, script: StepScript) -> None:
        await asyncio.sleep(script.after)
        self._submit(cm.Complete(step=step_id), self._script.name)

    async def _play(self, step_id: str, visit: int, script: StepScript) -> None:
        await asyncio.sleep(script.after)
        for command, by in self._commands(step_id, script):
            state = self._run.state
            if state.current != step_id or state.steps[step_id].visits != visit:
                return
            self._submit(command, by)

    def _commands(self, step_id: str, script: StepScript) -> Iterator[tuple[cm.Command, str]]:
        step = self._run.plan.step(step_id)
        me = self._script.name
        if step.approve:
            yield cm.Approve(), script.approve or me
        if step.confirm:
            yield cm.Confirm(yes=script.confirm), me
        for question in step.ask:
            yield cm.Answer(name=question.name, value=script.answers.get(question.name, "")), me
        if script.say:
            yield cm.Milestone(name=script.say), me
        if script.fail:
            yield cm.Fail(why=script.fail), me
        elif script.skip:
            yield cm.Skip(why=script.skip), me
        elif step.choose:
            yield cm.Choose(label=script.choose), me
        elif not step.automated:
            yield cm.Complete(step=step_id if step.anytime else ""), me
        elif not (step.approve or step.confirm or step.ask):
            yield cm.RunCommand(), me

    async def _mend(self, script: StepScript) -> None:
        await asyncio.sleep(script.after)
        match script.on_failing:
            case "retry":
                self._submit(cm.Retry(), self._script.name)
            case "skip":
                self._submit(cm.Skip(why="scripted"), self._script.name)
            case _:
                self._submit(cm.Fail(why="scripted"), self._script.name)

    async def _later(self, rule: WhenScript) -> None:
        await asyncio.sleep(rule.after)
        for command in _reactions(rule):
            self._submit(command, self._script.name)

    def _submit(self, command: cm.Command, name: str) -> None:
        submit_for(self._run, self._conductor, command, Caller(name=name, uid=os.getuid(), role="facilitator"))


def _reactions(rule: WhenScript) -> Iterator[cm.Command]:
    if rule.say:
        yield cm.Milestone(name=rule.say)
    if rule.note:
        yield cm.Note(text=rule.note)
    if rule.inject:
        yield cm.Inject(experiment=rule.inject)
    if rule.pause:
        yield cm.Pause(why=rule.why or "scripted")
    if rule.unpause:
        yield cm.Resume()
    if rule.abort:
        yield cm.Abort(reason=rule.abort, why=rule.why or "scripted")
