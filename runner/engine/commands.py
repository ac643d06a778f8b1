"""What may be asked of a run. `decide` turns a command into events, or refuses it with a reason.

People's commands come from rooms, the command line and scripted operators; `Observed` carries what the world did (an
actuator's outcome, as the event it amounts to), other reports what has to be decided first; `Tick` lets time pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from runner.engine import plan
from runner.engine.events import Event, Json
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
    """Something asked of the run.

    `reported`: somebody nearer to it saw it. The first event that follows is theirs, at the moment they stamped; what
    follows from that is the conductor's, and now.
    """

    reported: ClassVar[bool] = False


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

    reported: ClassVar[bool] = True

    event: Event


@lazy_dataclass(frozen=True, kw_only=True)
class RequestAction(Command):
    """A chaos child asks whether an action may run. It must be answered: with `fault-intended` or with `fault-refused`.

    `refusal`: why the guard, or the target, does not agree; '' when both do. The rest as in `FaultIntended`.
    """

    reported: ClassVar[bool] = True

    experiment: str
    index: int
    name: str
    provider: Mapping[str, Json]
    configuration: Mapping[str, Json]
    background: bool
    refusal: str


@lazy_dataclass(frozen=True, kw_only=True)
class ReportConfiguration(Command):
    """A chaos child has read its experiment's configuration. `lacking`: what has no value but needs one, and why not."""

    reported: ClassVar[bool] = True

    experiment: str
    lacking: Mapping[str, str]


@lazy_dataclass(frozen=True, kw_only=True)
class ChangeConfiguration(Command):
    """A control or an activity has changed the experiment. The fields are as in `ConfigurationChanged`."""

    reported: ClassVar[bool] = True

    experiment: str
    configuration: Mapping[str, Json]
    document: Mapping[str, Json]
    withheld: tuple[str, ...]


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
