"""What a run asks of people who have no room to answer in, and the words that answer it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from runner.engine.plan import Step

_TELL = "→ gameday tell"
#: For a step that failed and waits for a decision.
AFTER_FAILURE = f"{_TELL} retry | skip why=… | fail why=… | go-to step=…"


def asked(step: Step) -> Iterator[str]:
    """The lines, in the order in which the step asks: what it asks, then what to type."""
    if step.approve:
        yield f"needs the approval of {step.approve}"
        yield f"{_TELL} approve"
    if step.confirm:
        yield step.confirm
        yield f"{_TELL} confirm"
    for ask in step.ask:
        yield ask.prompt or ask.name
        for value in [shlex.quote(f"value={choice}") for choice in ask.choices] or ["value=…"]:
            yield f"{_TELL} answer name={ask.name} {value}"
        if ask.default:
            yield f"{_TELL} answer name={ask.name}  # means {ask.default}"
    if step.choose:
        for label in step.choose:
            yield f"{_TELL} choose {shlex.quote(f'label={label}')}"
    elif not step.automated:
        yield from (f"$ {line}" for line in step.run.strip().splitlines())
        yield f"{_TELL} complete"
    elif not (step.approve or step.confirm or step.ask):
        yield f"{_TELL} run"


def word(command: str) -> str:
    """A command as it is typed: `ShowHint` → `show-hint`, `RunCommand` → `run`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", command.removesuffix("Command")).lower()
