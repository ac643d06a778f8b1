"""An operator file held against the plan it is to be played on: what it leaves open would leave the run waiting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from runner.engine.events import Event
from runner.engine.plan import RunPlan, Step
from runner.errors import InputError
from runner.specs.diagnostics import Diagnostics, nearest
from runner.specs.operator_script import Script, StepScript
from runner.specs.yaml import read_document


class _Finding(NamedTuple):
    place: tuple[str | int, ...]
    what: str
    meant: str
    #: Whether the key is wrong, not its value.
    key: bool = False


def scripted_steps(script: Script, plan: RunPlan, path: Path) -> tuple[str, ...]:
    """The steps the script answers. Raises InputError with everything in it that the plan has no use for or still lacks."""
    notes = Diagnostics(read_document(path, str(path)), further=True)
    for place, what, meant, key in _findings(script, plan):
        notes.add(place, what, meant, key=key)
    if notes:
        raise InputError(*notes.problems())
    return tuple(script.steps)


def _findings(script: Script, plan: RunPlan) -> Iterator[_Finding]:
    steps = {step.id: step for step in plan.steps}
    people = (script.name, *script.also)
    for step_id, answers in script.steps.items():
        place = ("steps", step_id)
        if step_id not in steps:
            yield _Finding(
                place, f"step {step_id!r} is not in the runbook", nearest(step_id, steps, noun="it has"), key=True
            )
            continue
        if answers.approve and answers.approve not in people:
            yield _Finding(
                (*place, "approve"), f"{answers.approve!r} is not there to approve", "name them under `also`"
            )
        if not answers.skip and not answers.fail:
            yield from _choice(place, steps[step_id], answers)
            yield from _answers(place, steps[step_id], answers)
    yield from _reactions(script, plan)


def _choice(place: tuple[str, str], step: Step, answers: StepScript) -> Iterator[_Finding]:
    if step.choose and not answers.choose:
        yield _Finding(
            place, f"step {step.id} is a decision and no choice is made", f"choose: {' | '.join(step.choose)}"
        )
    elif answers.choose and answers.choose not in step.choose:
        cure = nearest(answers.choose, step.choose) if step.choose else "it is no decision"
        yield _Finding((*place, "choose"), f"{answers.choose!r} is no choice of step {step.id}", cure)


def _answers(place: tuple[str, str], step: Step, answers: StepScript) -> Iterator[_Finding]:
    asked = [question.name for question in step.ask]
    for question in step.ask:
        name, answer = question.name, answers.answers.get(question.name) or question.default
        if not answer:
            yield _Finding(place, f"step {step.id} asks for {name}, and there is no answer", f"answers: {{{name}: …}}")
        elif why := question.why_unfit(answer):
            yield _Finding((*place, "answers", name), why, "")
    for name in answers.answers:
        if name not in asked:
            yield _Finding(
                (*place, "answers", name), f"step {step.id} does not ask for {name!r}", nearest(name, asked), key=True
            )


def _reactions(script: Script, plan: RunPlan) -> Iterator[_Finding]:
    kinds = sorted(kind.kind for kind in Event.__subclasses__())
    experiments = [experiment.slug for experiment in plan.experiments]
    for index, rule in enumerate(script.when):
        if rule.event not in kinds:
            yield _Finding(("when", index, "event"), f"there is no event {rule.event!r}", nearest(rule.event, kinds))
        if rule.inject and rule.inject not in experiments:
            what = f"the drill has no experiment {rule.inject!r}"
            yield _Finding(("when", index, "inject"), what, nearest(rule.inject, experiments))
