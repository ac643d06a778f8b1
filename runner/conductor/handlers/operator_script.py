"""A scripted operator: answers written down beforehand, given as a person would give them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import assert_never

from runner.conductor.context import RunContext
from runner.conductor.loop import Conductor
from runner.control.protocol import Caller
from runner.control.server import submit_for
from runner.engine import commands as cm
from runner.engine import events as ev
from runner.engine.prompt import (
    ApprovalPrompt,
    ChoicePrompt,
    ConfirmPrompt,
    GatePrompt,
    ManualPrompt,
    Prompt,
    QuestionPrompt,
    RetryPrompt,
    RunPrompt,
    prompts,
)
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
            self._run.spawn(self._decide(self._script.steps[event.step]), f"operator {event.step}")
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
        me = self._script.name
        asked = prompts(self._run.plan.step(step_id))
        for gate in (prompt for prompt in asked if isinstance(prompt, GatePrompt)):
            # A second person approves, when the script names one.
            second = script.approve if isinstance(gate, ApprovalPrompt) else ""
            yield from ((command, second or me) for command in _replies(gate, script))
        if script.say:
            yield cm.Milestone(name=script.say), me
        if script.fail:
            yield cm.Fail(why=script.fail), me
        elif script.skip:
            yield cm.Skip(why=script.skip), me
        else:
            for own in (prompt for prompt in asked if not isinstance(prompt, GatePrompt)):
                yield from ((command, me) for command in _replies(own, script))

    async def _decide(self, script: StepScript) -> None:
        """The step has failed."""
        await asyncio.sleep(script.after)
        for command in _replies(RetryPrompt(), script):
            self._submit(command, self._script.name)

    async def _later(self, rule: WhenScript) -> None:
        await asyncio.sleep(rule.after)
        for command in _reactions(rule):
            self._submit(command, self._script.name)

    def _submit(self, command: cm.Command, name: str) -> None:
        submit_for(self._run, self._conductor, command, Caller(name=name, uid=os.getuid(), role="facilitator"))


def _replies(prompt: Prompt, script: StepScript) -> Iterator[cm.Command]:
    """What the script says to a prompt."""
    match prompt:
        case ApprovalPrompt():
            yield cm.Approve()
        case ConfirmPrompt():
            yield cm.Confirm(yes=script.confirm)
        case QuestionPrompt(ask=ask):
            yield cm.Answer(name=ask.name, value=script.answers.get(ask.name, ""))
        case ChoicePrompt():
            yield cm.Choose(label=script.choose)
        case RunPrompt(implied=implied):
            if not implied:
                yield cm.RunCommand()
        case ManualPrompt():
            yield cm.Complete()
        case RetryPrompt():
            yield _after_failure(script)
        case _:
            assert_never(prompt)


def _after_failure(script: StepScript) -> cm.Command:
    match script.on_failing:
        case "retry":
            return cm.Retry()
        case "skip":
            return cm.Skip(why="scripted")
        case _:
            return cm.Fail(why="scripted")


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
