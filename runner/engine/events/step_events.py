"""What happens to the runbook's steps and their commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from runner.engine.events.event import Event
from runner.lazy_dataclass import lazy_dataclass


@lazy_dataclass(frozen=True, kw_only=True)
class StepStarted(Event, kind="step-started", decided=True):
    """The step became current. `visit` counts from 1."""

    step: str
    visit: int = 1


@lazy_dataclass(frozen=True, kw_only=True)
class StepConfirmed(Event, kind="step-confirmed", decided=True):
    step: str
    waived: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class StepAnswered(Event, kind="step-answered", decided=True):
    """An answer; for a secret one `value` is empty and the value never touches the disk.

    `waived` says why nobody gave it ("unattended"): then it is the question's default.
    """

    step: str
    name: str
    value: str = ""
    secret: bool = False
    waived: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class StepApproved(Event, kind="step-approved", decided=True):
    """A second person said yes; `waived` says why there was none ("alone")."""

    step: str
    person: str = ""
    waived: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class StepChosen(Event, kind="step-chosen", decided=True):
    step: str
    label: str
    to: str


@lazy_dataclass(frozen=True, kw_only=True)
class CommandIntended(Event, kind="command-intended", decided=True):
    """A step's command is about to run. `attempt` counts from 1."""

    step: str
    attempt: int


@lazy_dataclass(frozen=True, kw_only=True)
class CommandStarted(Event, kind="command-started"):
    step: str
    attempt: int
    pid: int = 0


@lazy_dataclass(frozen=True, kw_only=True)
class CommandEnded(Event, kind="command-ended"):
    """`exit_code` is negative for a signal; `output` names the file in the run folder, `tail` its last lines.

    `outputs`: the step's variables and their values, all of them or none. `why`: what went wrong beside the exit code.
    """

    step: str
    attempt: int
    exit_code: int
    timed_out: bool = False
    duration: float
    output: str = ""
    tail: str = ""
    why: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)


@lazy_dataclass(frozen=True, kw_only=True)
class RetryScheduled(Event, kind="retry-scheduled", decided=True):
    """The command is tried again at `due` (s of the run's clock)."""

    step: str
    attempt: int
    due: float


@lazy_dataclass(frozen=True, kw_only=True)
class StepDone(Event, kind="step-done", decided=True):
    """A person says that a manual step is done (its verification may still come). `role`: what that person is, or `system`."""

    step: str
    role: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class VerifyPrimed(Event, kind="verify-primed"):
    """A step's `verify` probe, asked once as the step became current: one that holds already proves nothing."""

    step: str
    held: bool


@lazy_dataclass(frozen=True, kw_only=True)
class VerifyStarted(Event, kind="verify-started", decided=True):
    """`vacuous`: it already held when the step became current, so it proves nothing."""

    step: str
    vacuous: bool = False


@lazy_dataclass(frozen=True, kw_only=True)
class VerifyEnded(Event, kind="verify-ended"):
    step: str
    held: bool
    why: str = ""
    vacuous: bool = False


@lazy_dataclass(frozen=True, kw_only=True)
class StepFailing(Event, kind="step-failing", decided=True):
    """A step failed and `on-failure: ask` waits for a person: retry, skip, fail, go back."""

    step: str
    why: str


@lazy_dataclass(frozen=True, kw_only=True)
class StepRetried(Event, kind="step-retried", decided=True):
    """A person tries the failing step again, from what it still waits for."""

    step: str


@lazy_dataclass(frozen=True, kw_only=True)
class StepEnded(Event, kind="step-ended", decided=True):
    """outcome: succeeded, failed, skipped, timed-out. `as_written` is false when a person went round the step."""

    step: str
    outcome: str
    why: str = ""
    to: str = ""
    as_written: bool = True


@lazy_dataclass(frozen=True, kw_only=True)
class StepReminded(Event, kind="step-reminded", decided=True):
    """An anytime step is due again."""

    step: str


@lazy_dataclass(frozen=True, kw_only=True)
class HintShown(Event, kind="hint-shown", decided=True):
    step: str


@lazy_dataclass(frozen=True, kw_only=True)
class HandedOver(Event, kind="handed-over", decided=True):
    """The current step is now `to`'s."""

    step: str
    to: str
