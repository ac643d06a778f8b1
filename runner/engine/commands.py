"""What may be asked of a run. `decide` turns a command into events, or refuses it with a reason.

People's commands come from rooms, the command line and scripted operators; `Observed` carries what the world did (an
actuator's outcome, as the event it amounts to); `Tick` lets time pass.
"""

from __future__ import annotations

from typing import Literal

from runner.engine import plan
from runner.engine.events import Event
from runner.errors import ExitCode, GamedayError
from runner.lazy_dataclass import lazy_dataclass

Role = Literal["facilitator", "participant", "observer", "system"]
#: What a debrief asks everybody to rate, from 1 to 5: how sure they were, how useful the runbook was, how real it felt.
RATED = ("confidence", "runbook", "realism")
AbortReason = Literal["real-incident", "unsafe", "logistics", "stuck"]


class IllegalCommand(GamedayError):
    """A command that is not possible now. The message is why; nothing has changed."""

    exit_code = ExitCode.BAD_INPUT


@lazy_dataclass(frozen=True, kw_only=True)
class Command:
    """Something asked of the run."""


@lazy_dataclass(frozen=True, kw_only=True)
class Order:
    """A command with who asked, and when (s of the run's clock)."""

    command: Command
    t: float
    by: str = "conductor"
    uid: int = -1
    role: Role = "system"


# -- the world ---------------------------------------------------------------------------------------------------------


@lazy_dataclass(frozen=True, kw_only=True)
class Observed(Command):
    """This happened."""

    event: Event


@lazy_dataclass(frozen=True, kw_only=True)
class Tick(Command):
    """Time passed: deadlines are looked at."""


@lazy_dataclass(frozen=True, kw_only=True)
class PassPreflight(Command):
    """Everything that must hold before anything changes does hold."""


@lazy_dataclass(frozen=True, kw_only=True)
class Stop(Command):
    """The system ends the run: a safety condition (`stopped`), the guard (`refused`) or a failure (`broken`)."""

    cause: Literal["stopped", "refused", "broken"]
    why: str
    own_fault: bool = False


@lazy_dataclass(frozen=True, kw_only=True)
class Close(Command):
    """The debrief is over."""


# -- people: steps -----------------------------------------------------------------------------------------------------


@lazy_dataclass(frozen=True, kw_only=True)
class Complete(Command):
    """A manual step is done; an anytime one when named."""

    step: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class RunCommand(Command):
    """Start the current automated step's command."""


@lazy_dataclass(frozen=True, kw_only=True)
class Confirm(Command):
    yes: bool = True


@lazy_dataclass(frozen=True, kw_only=True)
class Answer(Command):
    """An answer to a question of the current step; an empty one means its default."""

    name: str
    value: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class Approve(Command):
    yes: bool = True


@lazy_dataclass(frozen=True, kw_only=True)
class Choose(Command):
    label: str


@lazy_dataclass(frozen=True, kw_only=True)
class Fail(Command):
    why: str


@lazy_dataclass(frozen=True, kw_only=True)
class Skip(Command):
    why: str


@lazy_dataclass(frozen=True, kw_only=True)
class Retry(Command):
    """Try the failing step again."""


@lazy_dataclass(frozen=True, kw_only=True)
class GoTo(Command):
    """Go back (or on) to a step."""

    step: str


@lazy_dataclass(frozen=True, kw_only=True)
class ShowHint(Command):
    pass


@lazy_dataclass(frozen=True, kw_only=True)
class Dispute(Command):
    """This step is wrong; `text` is what it should say."""

    text: str


@lazy_dataclass(frozen=True, kw_only=True)
class HandOver(Command):
    to: str


# -- people: the run ---------------------------------------------------------------------------------------------------


@lazy_dataclass(frozen=True, kw_only=True)
class Milestone(Command):
    """A milestone is reached."""

    name: plan.Milestone


@lazy_dataclass(frozen=True, kw_only=True)
class Inject(Command):
    """Give the word to an experiment that waits for one."""

    experiment: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class Note(Command):
    """A note, an action item or a mark; or, in the debrief, a rating: `text` is 1 to 5, `about` what it rates."""

    text: str
    type: Literal["note", "action", "mark", "rating"] = "note"
    about: Literal["", "confidence", "runbook", "realism"] = ""


@lazy_dataclass(frozen=True, kw_only=True)
class Pause(Command):
    why: str


@lazy_dataclass(frozen=True, kw_only=True)
class Resume(Command):
    pass


@lazy_dataclass(frozen=True, kw_only=True)
class Abort(Command):
    reason: AbortReason
    why: str


@lazy_dataclass(frozen=True, kw_only=True)
class Halt(Command):
    """Every run on this machine ends, with undo; this is one of them."""

    why: str


@lazy_dataclass(frozen=True, kw_only=True)
class Join(Command):
    person: str


@lazy_dataclass(frozen=True, kw_only=True)
class Leave(Command):
    person: str
