"""What a step waits for: one place works it out, for every kind of step and every status."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pytest

import runner
from runner.engine.commands import IllegalCommand, Retry
from runner.engine.plan import Ask, Step
from runner.engine.prompt import (
    ApprovalPrompt,
    ChoicePrompt,
    ConfirmPrompt,
    ManualPrompt,
    Prompt,
    QuestionPrompt,
    RetryPrompt,
    RunPrompt,
    needs_people,
    pending_prompt,
    prompts,
    wanted,
)
from runner.engine.state import StepStatus, StepView
from runner.testing import Drive, sample_plan
from runner.views.prompt_text import asked, card_line, next_action

_REGION = Ask(name="region", prompt="Which region?", choices=("eu", "us"))
_ZONE = Ask(name="zone", prompt="Which zone?", default="a")
_EVERYTHING = Step(id="all", name="All", run="fix", approve="lead", confirm="Really?", ask=(_REGION, _ZONE))
_CHOICE = Step(id="choice", name="Choose", choose={"slow": "a", "broken": "b"})
_COMMAND = Step(id="command", name="Run", run="fix")
_PERSON = Step(id="person", name="Look")
_BY_HAND = Step(id="by-hand", name="By hand", run="fix", by_hand=True)

_GIVEN = (
    ({}, ApprovalPrompt("lead")),
    ({"approved": True}, ConfirmPrompt("Really?")),
    ({"approved": True, "confirmed": True}, QuestionPrompt(_REGION)),
    ({"approved": True, "confirmed": True, "answered": frozenset({"zone"})}, QuestionPrompt(_REGION)),
    ({"approved": True, "confirmed": True, "answered": frozenset({"region"})}, QuestionPrompt(_ZONE)),
    ({"approved": True, "confirmed": True, "answered": frozenset({"region", "zone"})}, RunPrompt(implied=True)),
)
_KINDS = (
    (_CHOICE, ChoicePrompt(("slow", "broken"))),
    (_COMMAND, RunPrompt(implied=False)),
    (_PERSON, ManualPrompt()),
    (_BY_HAND, ManualPrompt()),
)
_EACH = [
    (Step(id="s", name="S", approve="lead"), ApprovalPrompt("lead"), "approve"),
    (Step(id="s", name="S", confirm="Really?"), ConfirmPrompt("Really?"), "confirm"),
    (Step(id="s", name="S", ask=(_REGION,)), QuestionPrompt(_REGION), "answer"),
    (Step(id="s", name="S", choose={"slow": "s", "broken": "s"}), ChoicePrompt(("slow", "broken")), "choose"),
    (Step(id="s", name="S", run="fix"), RunPrompt(implied=False), "run"),
    (Step(id="s", name="S"), ManualPrompt(), "complete"),
    (Step(id="s", name="S", run="fix", by_hand=True), ManualPrompt(), "complete"),
]


@pytest.mark.parametrize(("given", "waits"), _GIVEN)
def test_a_step_waits_for_the_first_thing_that_has_not_been_given(given: dict[str, object], waits: Prompt) -> None:
    assert pending_prompt(_EVERYTHING, StepView(id="all", status="asking", **given)) == waits  # type: ignore[arg-type]


@pytest.mark.parametrize(("step", "waits"), _KINDS)
def test_every_kind_of_step_waits_for_its_own_work(step: Step, waits: Prompt) -> None:
    assert pending_prompt(step, StepView(id=step.id, status="ready")) == waits
    assert prompts(step) == (waits,)


@pytest.mark.parametrize("status", get_args(StepStatus))
@pytest.mark.parametrize("step", [_EVERYTHING, _CHOICE, _COMMAND, _PERSON, _BY_HAND])
def test_only_three_statuses_wait_for_people(step: Step, status: StepStatus) -> None:
    waits = pending_prompt(step, StepView(id=step.id, status=status))
    assert (waits is not None) == (status in ("asking", "ready", "failing"))
    assert isinstance(waits, RetryPrompt) == (status == "failing")


@pytest.mark.parametrize(("step", "waits", "command"), _EACH)
def test_what_is_waited_for_is_the_same_in_the_room_and_without_one(step: Step, waits: Prompt, command: str) -> None:
    drive = Drive(sample_plan(step)).start()
    assert pending_prompt(step, drive.step("s")) == waits
    assert next_action(drive.state).command == command
    assert any(line.startswith(f"→ gameday tell {command}") for line in asked(step))


@pytest.mark.parametrize("step", [step for step, _, _ in _EACH])
def test_a_command_that_does_not_answer_it_is_told_what_is_waited_for(step: Step) -> None:
    drive = Drive(sample_plan(step)).start()
    with pytest.raises(IllegalCommand) as refused:
        drive.say(Retry())
    assert str(refused.value) == f"step s {wanted(step, drive.step('s'))}"


@pytest.mark.parametrize(
    ("step", "needs"), [(_EVERYTHING, {"approve", "ask"}), (_CHOICE, {"choose"}), (_PERSON, set())]
)
def test_what_only_people_can_give_is_named_by_its_field(step: Step, needs: set[str]) -> None:
    assert needs_people(step) == needs


def test_the_card_says_what_is_asked_in_words_and_leaves_the_rest_to_the_key() -> None:
    assert [bool(card_line(prompt)) for prompt in prompts(_EVERYTHING)] == [True, True, False, False, False]


def test_nothing_else_works_out_what_a_step_waits_for() -> None:
    """A second cascade would have to read what a step asks for: only the compiler and the prompts do."""
    root = Path(runner.__file__).parent
    readers = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "step"
        and node.attr in ("approve", "confirm", "automated")
    }
    assert readers == {"engine/prompt.py", "planning/compile_runbook.py"}
