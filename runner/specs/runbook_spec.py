"""Runbooks: the ordered steps of a procedure, as a person writes them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from runner.specs.duration import Duration, PositiveDuration
from runner.specs.failure_rule import FailureRule, GoToStep, read_rule
from runner.specs.fields import Count, Flag, Id, Label, Model, Name, VariableName, Word, wrong
from runner.specs.output import Reading
from runner.specs.probe_spec import Provider, Tolerance

Milestone = Literal["detected", "acknowledged", "mitigated", "resolved"]

_RULES = ("ask", "stop", "continue")


def _rule(value: Any) -> FailureRule:
    if isinstance(value, str) and value in _RULES:
        return read_rule(value)
    if isinstance(value, dict) and list(value) == ["go-to"] and isinstance(value["go-to"], str):
        return GoToStep(value["go-to"])
    given = f"{value!r} is" if isinstance(value, str) else "this is"
    return wrong(f"{given} not something to do next", "one of: ask, stop, continue, {go-to: ID}")


def _regular(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        wrong(f"{text!r} is not a regular expression: {error}", "such as [a-z]+-[0-9]+")
    return text


def _web_address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        wrong(f"{text!r} is not an address", "it begins with http:// or https://")
    if not text.isprintable() or " " in text:
        wrong(f"{text!r} is not an address", "it holds neither spaces nor tabs nor line ends")
    return text


Rule = Annotated[
    FailureRule,
    PlainValidator(_rule),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(_RULES)},
                {
                    "type": "object",
                    "properties": {"go-to": {"type": "string"}},
                    "required": ["go-to"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
WebAddress = Annotated[str, AfterValidator(_web_address)]


class LinkSpec(Model):
    """A page worth having open."""

    name: Name
    """What it is."""
    url: WebAddress
    """http:// or https://."""


class Approval(Model):
    """A second person says yes before the step begins."""

    by: Name
    """The role that approves, such as incident-commander."""


class QuestionSpec(Model):
    """What a step asks a person; the answer is an environment variable of the commands after it."""

    name: VariableName
    """The variable."""
    prompt: Name
    """The question."""
    choices: Annotated[tuple[Label, ...], Field(min_length=1)] | None = None
    """The only answers there are."""
    default: Word | None = None
    """What an empty answer means, and the answer where nobody is there to give one."""
    pattern: Annotated[str, AfterValidator(_regular)] | None = None
    """A regular expression that the whole answer matches."""
    secret: Flag = False
    """Typed unseen, and written nowhere."""


class RetrySpec(Model):
    """Trying a command again when it fails."""

    max: Annotated[Count, Field(ge=1, le=100)]
    """How often, after the first time."""
    delay: Duration = 0.0
    """How long to wait before."""


class VerifySpec(Model):
    """The proof that a step worked: an indicator of the drill that holds, a probe that does, or an impact that was measured."""

    indicator: Name | None = None
    """An indicator of the drill's steady state."""
    for_: Duration = 0.0
    """How long the indicator must hold."""
    impact: Flag = False
    """Instead: an impact of the drill's fault was measured. For the step that confirms it."""
    name: Name | None = None
    """A name for the probe."""
    provider: Provider | None = None
    """What to ask, as in Chaos Toolkit."""
    tolerance: Tolerance | None = None
    """What the answer must be, as in Chaos Toolkit."""
    within: PositiveDuration = 60.0
    """How long it may take until it holds."""
    every: PositiveDuration = 1.0
    """How often the probe asks."""


class StepSpec(Model):
    """One step. With `run` it is automated; without, a person does it."""

    id: Id
    """What other steps call it; made from the name when it is left out."""
    name: Name
    """What is done, in a few words."""
    description: str = ""
    """The details, in Markdown."""
    run: str = ""
    """A command for the shell; the target's addresses are in $TARGET_URL and so on."""
    shell: str = ""
    """The shell for `run`: bash, sh, or a program that takes the text as its last argument; bash when left out."""
    working_directory: str = ""
    """Where `run` begins; the repository's root when left out."""
    env: dict[VariableName, Word] = Field(default_factory=dict)
    """More environment variables for `run`."""
    secrets: tuple[VariableName, ...] = ()
    """Secrets of the drill or the target that `run` receives as environment variables."""
    output: dict[VariableName, Reading] = Field(default_factory=dict)
    """Values read out of what `run` printed: variable → a JSON path, or a regular expression between slashes."""
    timeout: PositiveDuration | None = None
    """How long `run` may take; then it is killed."""
    retry: RetrySpec | None = None
    """Trying `run` again when it fails."""
    confirm: Name | None = None
    """A question a person answers with yes before the step begins."""
    approve: Approval | None = None
    """A second person says yes before the step begins."""
    choose: dict[Name, str] = Field(default_factory=dict)
    """A decision: label → id of the step that follows."""
    ask: tuple[QuestionSpec, ...] = ()
    """What a person is asked before the step begins."""
    verify: VerifySpec | None = None
    """How the effect is proven."""
    milestone: Milestone | None = None
    """What is reached when the step succeeds."""
    target_time: PositiveDuration | None = None
    """A goal: colours the clock, counts in the score, stops nothing."""
    hint: str = ""
    """Shown on demand; showing it is recorded."""
    on_failure: Rule | None = None
    """What follows a failure: ask (default with people), stop (default without), continue, {go-to: ID}."""
    on_timeout: Rule | None = None
    """What follows a timeout; like on-failure when left out."""
    if_: str = ""
    """A condition on earlier choices, answers, outputs and outcomes: steps.ID.choice == 'label'."""
    critical: Flag = True
    """Whether its failure fails the runbook."""
    anytime: Flag = False
    """Outside the sequence: done whenever it suits, with reminders."""
    every: PositiveDuration = 900.0
    """How often an anytime step reminds."""
    unattended: Literal["skip", "done", "fail", "verify"] = "skip"
    """What a step for people comes to in a run without people."""
    role: Name | None = None
    """Who does it."""
    tags: tuple[Name, ...] = ()
    """Free labels."""


class RunbookSpec(Model):
    """A procedure: what to do, in which order."""

    name: Name
    """What it is for."""
    service: Name | None = None
    """The service it is about."""
    owner: Name | None = None
    """The team that keeps it."""
    description: str = ""
    """When to use it, in Markdown."""
    links: tuple[LinkSpec, ...] = ()
    """Pages worth having open."""
    steps: Annotated[tuple[StepSpec, ...], Field(min_length=1)]
    """The steps, in order: a mapping, or just the name of what a person does."""
