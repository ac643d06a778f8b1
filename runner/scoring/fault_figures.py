"""What was done to the target, and whether it was undone."""

from __future__ import annotations

from dataclasses import dataclass, replace

from runner.engine.events import (
    ActivityEnded,
    ActivityStarted,
    FaultIntended,
    FaultRefused,
    FaultUndone,
    MethodBegun,
    UndoChecked,
    UndoEnded,
    UndoFailed,
)
from runner.scoring.scorecard import CheckScore, FaultScore


@dataclass(frozen=True, slots=True)
class _Undone:
    t: float
    how: str


class FaultFigures:
    """Folds actions, rollbacks' results and the checks of both."""

    def __init__(self) -> None:
        self._faults: dict[tuple[str, int], FaultScore] = {}
        self._begun: dict[str, None] = {}
        self._undone: dict[str, _Undone] = {}
        self._checks: dict[tuple[str, str], CheckScore] = {}
        #: Probes of a method that gave no answer.
        self.broken_probes: list[ActivityEnded] = []
        self.left: dict[str, str] = {}
        self.ever_left = False

    def intended(self, event: FaultIntended, t: float, _by: str) -> None:
        self._change(event, state="open", intended=t)
        self._undone.pop(event.experiment, None)

    def begun(self, event: MethodBegun, _t: float, _by: str) -> None:
        self._begun[event.experiment] = None
        self._undone.pop(event.experiment, None)

    def refused(self, event: FaultRefused, _t: float, _by: str) -> None:
        self._change(event, state="refused", why=event.why)

    def started(self, event: ActivityStarted, t: float, _by: str) -> None:
        if event.type == "action":
            self._change(event, started=t)

    def returned(self, event: ActivityEnded, t: float, _by: str) -> None:
        if event.type == "action":
            self._change(event, returned=t, status=event.status, why=event.exception, doubt=event.doubt)
        elif event.status in ("failed", "aborted"):
            self.broken_probes.append(event)

    def undone(self, event: FaultUndone, t: float, _by: str) -> None:
        self._undone[event.experiment] = _Undone(t, event.how)
        self.left.pop(event.experiment, None)

    def stayed(self, event: UndoFailed, _t: float, _by: str) -> None:
        self.left[event.experiment] = event.why
        self.ever_left = True

    def undo_ended(self, event: UndoEnded, _t: float, _by: str) -> None:
        for experiment in event.left:
            self.left.setdefault(experiment, "it could not be undone")
            self.ever_left = True

    def checked(self, event: UndoChecked, _t: float, _by: str) -> None:
        key = (event.experiment, event.name)
        score = self._checks.get(key) or CheckScore(experiment=event.experiment, name=event.name)
        if event.while_in:
            # Asked more than once, one "no" is enough: it can tell the fault from its absence.
            self._checks[key] = replace(score, bites=bool(score.bites) or not event.held)
        else:
            self._checks[key] = replace(score, held=event.held, why=event.why)

    @property
    def checks(self) -> tuple[CheckScore, ...]:
        return tuple(self._checks.values())

    @property
    def failed_actions(self) -> tuple[FaultScore, ...]:
        return tuple(fault for fault in self._faults.values() if fault.status in ("failed", "aborted"))

    @property
    def doubted(self) -> tuple[FaultScore, ...]:
        """Actions after which the fault may not be in: they failed, or came back with nothing done."""
        return tuple(fault for fault in self._faults.values() if fault.doubt or fault.status in ("failed", "aborted"))

    @property
    def open(self) -> tuple[str, ...]:
        """Experiments that have begun and are neither undone nor known to be left."""
        intents = dict.fromkeys(fault.experiment for fault in self._faults.values() if fault.intended is not None)
        return tuple(slug for slug in self._begun | intents if slug not in self._undone and slug not in self.left)

    def first_return(self, injected: float) -> float | None:
        """When the action returned that started at `injected` (s)."""
        return next((fault.returned for fault in self._faults.values() if fault.started == injected), None)

    def scores(self) -> tuple[FaultScore, ...]:
        return tuple(map(self._score, self._faults.values()))

    def _score(self, fault: FaultScore) -> FaultScore:
        if fault.experiment in self.left:
            return replace(fault, state="left", why=self.left[fault.experiment])
        undone = self._undone.get(fault.experiment)
        if undone is None or fault.state == "refused":
            return fault
        return replace(fault, state="undone", undone=undone.t, how=undone.how)

    def _change(
        self, event: FaultIntended | FaultRefused | ActivityStarted | ActivityEnded, **changes: float | str
    ) -> None:
        key = (event.experiment, event.index)
        fault = self._faults.get(key) or FaultScore(
            experiment=event.experiment, index=event.index, name=event.name, state="open"
        )
        self._faults[key] = replace(fault, **changes)  # type: ignore[arg-type]
