"""Which values can be kept secret at all.

What is short and what is a word of every transcript would have to be masked all over it, and what undoes a fault is read
from the transcript.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import get_args

from runner.engine.commands import AbortReason
from runner.engine.events import KINDS
from runner.engine.phases import Phase
from runner.engine.plan import MILESTONES
from runner.engine.state import ExperimentStatus, StepStatus
from runner.redact import Redactor
from runner.secret_spellings import SHORTEST

#: What events say of how something went, beside the words of the engine's own types.
_TOLD = """
succeeded failed timed-out skipped broken completed interrupted aborted deviated passed inconclusive stopped refused
complete time-box runbook-stopped steady-state verified rollbacks heals vanished accepted action probe before during
after alone unattended note mark status headers body stdout stderr output true false null guardian conductor chaos load
undo sandbox command localhost http://127.0.0.1:
"""


def unfit(value: str) -> str:
    """Why this cannot be kept secret, whatever is run; '' when it can."""
    if len(value.strip()) < SHORTEST:
        return f"it has fewer than {SHORTEST} characters: no text could be kept free of it"
    if "\0" in value:
        return "it holds a zero byte, which no environment can"
    redactor = Redactor([value])
    if any(redactor.text(word) != word for word in vocabulary()):
        return "it is a word that stands in every transcript; choose one that nobody would guess"
    return ""


def vocabulary() -> Iterator[str]:
    """The words that stand in every transcript, whatever is run."""
    yield from _TOLD.split()
    yield from MILESTONES
    for choice in (Phase, StepStatus, ExperimentStatus, AbortReason):
        yield from get_args(choice)
    for kind, event in KINDS.items():
        yield kind
        yield from (field.name for field in fields(event))
