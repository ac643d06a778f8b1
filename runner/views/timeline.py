"""A time line to move along: what a finished run and two of them side by side have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from runner.views.view_model import Mark

#: Seconds: what is as near as this is here.
_HERE = 0.001


class Timeline(ABC):
    """From `begin` to `end` (s), now at `t`; `marks` in the order of their time."""

    begin: float = 0.0
    t: float = 0.0
    marks: Sequence[Mark] = ()

    @property
    @abstractmethod
    def end(self) -> float:
        """The last moment (s)."""

    @property
    @abstractmethod
    def moments(self) -> Sequence[float]:
        """When something happened, in order; samples are left out."""

    @abstractmethod
    def seek(self, t: float) -> None:
        """Be at this moment, or at the nearest that there is."""

    @abstractmethod
    def found(self, text: str) -> Sequence[float]:
        """When something was told whose words hold `text`, in order."""

    @property
    def over(self) -> bool:
        return self.t >= self.end

    def tenth(self, tenth: float) -> None:
        """So many tenths of the way."""
        self.seek(self.begin + (self.end - self.begin) * tenth / 10)

    def step(self, by: int) -> None:
        """To the next event (`by` 1) or the one before (-1); behind the last there is the end, before the first the begin."""
        if not self._go(self.moments, by):
            self.seek(self.end if by > 0 else self.begin)

    def next_mark(self, by: int) -> bool:
        """To the next mark (`by` 1) or the one before (-1); whether there is one."""
        return self._go([mark.t for mark in self.marks], by)

    def search(self, text: str, by: int = 1) -> bool:
        """To the next event whose words hold `text`, or to the one before; whether there is one."""
        return self._go(self.found(text), by)

    def to(self, label: str) -> bool:
        """To the first mark of this label ("impact", "recovered"), as soon as it is known; whether there is one."""
        mark = next((each for each in self.marks if each.label == label), None)
        if mark is not None:
            self.seek(mark.t if mark.known is None else mark.known)
        return mark is not None

    def _go(self, times: Sequence[float], by: int) -> bool:
        at = bisect_right(times, self.t + _HERE) if by > 0 else bisect_left(times, self.t - _HERE) - 1
        if 0 <= at < len(times):
            self.seek(times[at])
            return True
        return False
