"""Two runs on one time line: its zero is the impact of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from runner.views.replay import Replay
from runner.views.timeline import Timeline
from runner.views.view_model import Mark


@dataclass(frozen=True, kw_only=True)
class Zero:
    """Where a run stands at t = 0 (s of its own clock), and what happened there."""

    t: float
    what: str


class Comparison(Timeline):
    """`replays`, each at its own moment; `zeros` says where each is aligned."""

    def __init__(self, left: Replay, right: Replay) -> None:
        self.replays = (left, right)
        self.zeros = (zero(left), zero(right))
        self.begin = min(-each.t for each in self.zeros)
        self.marks = sorted([*self.marks_of(0), *self.marks_of(1)], key=lambda mark: mark.t)
        self._moments = sorted(t - at.t for replay, at in self._both() for t in replay.moments)

    @property
    def end(self) -> float:
        return max(replay.end - at.t for replay, at in self._both())

    @property
    def moments(self) -> Sequence[float]:
        return self._moments

    def marks_of(self, side: int) -> list[Mark]:
        """The marks of one of the two, on the common time line."""
        zero = self.zeros[side].t
        return [
            replace(mark, t=mark.t - zero, known=None if mark.known is None else mark.known - zero)
            for mark in self.replays[side].marks
        ]

    def seek(self, t: float) -> None:
        self.t = min(max(t, self.begin), self.end)
        for replay, at in self._both():
            replay.seek(self.t + at.t)

    def found(self, text: str) -> Sequence[float]:
        return sorted(t - at.t for replay, at in self._both() for t in replay.found(text))

    def _both(self) -> list[tuple[Replay, Zero]]:
        return list(zip(self.replays, self.zeros, strict=True))


def zero(replay: Replay) -> Zero:
    """The impact; without one the fault, without that the beginning of the run."""
    impact = next((mark for mark in replay.marks if mark.label == "impact"), None)
    if impact is not None:
        return Zero(t=impact.t, what="impact")
    fault = next((mark for mark in replay.marks if mark.style == "fault"), None)
    if fault is not None:
        return Zero(t=fault.t, what="no impact; aligned at the fault")
    return Zero(t=0.0, what="no fault; aligned at the beginning")
