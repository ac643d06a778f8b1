"""What people do in a run, and what they ask of it."""

from __future__ import annotations

from runner.engine.events.event import Event
from runner.lazy_dataclass import lazy_dataclass


@lazy_dataclass(frozen=True, kw_only=True)
class PersonJoined(Event, kind="person-joined", decided=True):
    person: str
    uid: int
    role: str


@lazy_dataclass(frozen=True, kw_only=True)
class PersonLeft(Event, kind="person-left", decided=True):
    person: str
    uid: int = -1


@lazy_dataclass(frozen=True, kw_only=True)
class CommandGiven(Event, kind="command-given", decided=True):
    """A person, `by` in the envelope, asked for something and it was possible; what follows from it comes next.

    `command` is its word, as it is typed. `uid` is the account it came from, as the kernel says.
    """

    command: str
    uid: int = -1
    role: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class CommandRefused(Event, kind="command-refused", hidden=True):
    """A command that was not possible then, and why; nothing changed."""

    command: str
    why: str
    uid: int = -1
    role: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class MilestoneReached(Event, kind="milestone-reached", decided=True):
    """detected, acknowledged, mitigated or resolved, said by a person or by a step that carries it.

    `role` is that of who said it, or did the step; `system` for what nobody did. detected comes a second time when a
    participant notices after somebody else had said it.
    """

    milestone: str
    step: str = ""
    role: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class NoteWritten(Event, kind="note-written", decided=True):
    """note, action, mark or rating; the `text` of a rating is 1 to 5, `about` what it rates."""

    text: str
    type: str = "note"
    about: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class StepDisputed(Event, kind="step-disputed", decided=True):
    """A person says this step is wrong, and what it should say."""

    step: str
    text: str
