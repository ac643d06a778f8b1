"""Operator files: the answers of a person, written down beforehand.

name: ana
also: [ben]                         # somebody to approve what ana asks for
steps:
  confirm-impact: {after: 1s}       # a manual step: done after a second
  what-is-it: {choose: errors}
  fail-over: {confirm: true, approve: ben, answers: {region: eu}}
when:
  - {event: alert-fired, after: 500ms, say: acknowledged}
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from runner.errors import InputError
from runner.specs.diagnostics import Diagnostics
from runner.specs.duration import Duration
from runner.specs.fields import Flag, Id, Model, Name, VariableName, Word
from runner.specs.pydantic_errors import validated
from runner.specs.yaml import read_document

_MILESTONE = Literal["detected", "acknowledged", "mitigated", "resolved"]


class StepScript(Model):
    """What the operator does when a step becomes current."""

    after: Duration = 0.2
    """How long after it became current."""
    confirm: Flag = True
    """The answer to its `confirm`."""
    approve: Name | None = None
    """Who approves; the operator when left out."""
    answers: dict[VariableName, Word] = Field(default_factory=dict)
    """Answers to its questions."""
    choose: str = ""
    """The label to choose."""
    say: _MILESTONE | None = None
    """A milestone to say first."""
    skip: str = ""
    """Skip it, for this reason."""
    fail: str = ""
    """Fail it, for this reason."""
    on_failing: Literal["fail", "retry", "skip"] = "fail"
    """What to do when it fails and asks."""


class WhenScript(Model):
    """What the operator does when something happens."""

    event: Name
    """A kind of event, as in the transcript: alert-fired, impact-seen …"""
    after: Duration = 0.0
    """How long after it."""
    say: _MILESTONE | None = None
    """A milestone to say."""
    note: str = ""
    """A note to write."""
    inject: Id | None = None
    """An experiment to inject."""
    abort: Literal["real-incident", "unsafe", "logistics", "stuck"] | None = None
    """Abort, for this reason."""
    pause: Flag = False
    """Pause."""
    unpause: Flag = False
    """Go on after a pause."""
    why: str = ""
    """The words that go with an abort or a pause."""


class Script(Model):
    """An operator file."""

    name: Name
    """Who the operator is."""
    also: tuple[Name, ...] = ()
    """Others who are there."""
    steps: dict[Id, StepScript] = Field(default_factory=dict)
    """Step → answers."""
    when: tuple[WhenScript, ...] = ()
    """Reactions."""


def load_script(path: Path) -> Script:
    """Read an operator file. Raises InputError with everything that is wrong in it."""
    document = read_document(path, str(path))
    notes = Diagnostics(document)
    script = validated(Script, document.value, notes) if document.readable else None
    problems = notes.problems()
    if problems or script is None:
        raise InputError(*problems)
    return script
