"""The base of every event, the registry of the kinds, and the envelope in which an event is recorded."""

from __future__ import annotations

from typing import Any, ClassVar

from runner.lazy_dataclass import lazy_dataclass

Json = Any

#: Version of the vocabulary, written into `run-started`. 2: what was not observed counts, and who said a milestone.
VERSION = 2

#: Every kind by its name on disk; an event enters itself when its class is defined.
KINDS: dict[str, type[Event]] = {}


@lazy_dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened. What holds for all events of a kind stands in the kind's class line:

    - `kind`: its name on disk;
    - `decided`: the engine alone makes it, nobody may report it as observed;
    - `batched`: it may wait up to a second for the disk; any other is durable before somebody acts on it;
    - `sample`: one measurement of many a second, which nobody steps to or must see at once;
    - `hidden`: a participant does not see it until somebody noticed the fault, for it gives away what is broken or how
      much it hurts.
    """

    kind: ClassVar[str] = ""
    decided: ClassVar[bool] = False
    batched: ClassVar[bool] = False
    sample: ClassVar[bool] = False
    hidden: ClassVar[bool] = False

    def __init_subclass__(
        cls, *, kind: str, decided: bool = False, batched: bool = False, sample: bool = False, hidden: bool = False
    ) -> None:
        cls.kind = kind
        cls.decided, cls.batched, cls.sample, cls.hidden = decided, batched, sample, hidden
        KINDS[kind] = cls


@lazy_dataclass(frozen=True, slots=True)
class Recorded:
    """An event as it stands in a transcript: line number, wall clock, run clock (s), who, what."""

    seq: int
    at: str
    t: float
    by: str
    event: Event
