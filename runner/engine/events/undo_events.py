"""What the undo does, and whether each fault is gone."""

from __future__ import annotations

from runner.engine.events.event import Event, Json
from runner.lazy_dataclass import lazy_dataclass


@lazy_dataclass(frozen=True, kw_only=True)
class Fenced(Event, kind="fenced"):
    """Whatever could still apply a fault was killed."""

    pids: tuple[int, ...] = ()


@lazy_dataclass(frozen=True, kw_only=True)
class UndoStarted(Event, kind="undo-started"):
    """The undo worker holds the lock. `experiments`: those whose method has begun, latest injected first."""

    experiments: tuple[str, ...] = ()
    pid: int = 0


@lazy_dataclass(frozen=True, kw_only=True)
class RollbackStarted(Event, kind="rollback-started"):
    experiment: str
    index: int
    name: str
    attempt: int = 1


@lazy_dataclass(frozen=True, kw_only=True)
class RollbackEnded(Event, kind="rollback-ended"):
    experiment: str
    index: int
    name: str
    attempt: int = 1
    status: str
    duration: float = 0.0
    exception: str = ""
    output: Json = None


@lazy_dataclass(frozen=True, kw_only=True)
class UndoChecked(Event, kind="undo-checked", hidden=True):
    """An `undone-when`. while_in: asked with the fault in, when it must not hold."""

    experiment: str
    name: str
    held: bool
    while_in: bool = False
    why: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class FaultUndone(Event, kind="fault-undone"):
    """how: verified (an `undone-when` that bites), rollbacks (nothing to check it with), heals (it says so, in `no-undo`, or
    a controller of the cluster does it), discarded (with its sandbox, at the end of the run), vanished (with its sandbox,
    before), unneeded (there was no action, and no rollback).
    """

    experiment: str
    how: str


@lazy_dataclass(frozen=True, kw_only=True)
class UndoFailed(Event, kind="undo-failed"):
    """It could not be undone: say so everywhere."""

    experiment: str
    why: str


@lazy_dataclass(frozen=True, kw_only=True)
class FaultAccepted(Event, kind="fault-accepted"):
    """A person answers for what can never be undone: nobody waits for it any more. May stand behind `run-closed`."""

    experiments: tuple[str, ...]
    why: str
    uid: int


@lazy_dataclass(frozen=True, kw_only=True)
class UndoEnded(Event, kind="undo-ended"):
    left: tuple[str, ...] = ()
