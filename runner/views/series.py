"""A line of values over time, of bounded size: what a plot needs, however long the run."""

from __future__ import annotations

from typing import NamedTuple

#: Points kept; when there are more, neighbours are merged, the worse of both kept.
MOST = 2048
#: Seconds: a finer part of the time is none.
_FINEST = 1e-6


class Point(NamedTuple):
    """What an indicator was from `t` on (s): `value` None when nothing came, `ok` inside its tolerance."""

    t: float
    value: float | None
    ok: bool


class Series:
    """Points in the order of their time."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        #: Seconds that one point stands for, at least.
        self.step = 0.0

    def copy(self) -> Series:
        twin = Series()
        twin.points, twin.step = list(self.points), self.step
        return twin

    def add(self, point: Point) -> None:
        last = self.points[-1] if self.points else None
        if last is not None and point.t - last.t < self.step:
            self.points[-1] = _worse(last, point)
            return
        self.points.append(point)
        if len(self.points) > MOST:
            self._thin()

    def between(self, since: float, until: float, cells: int) -> list[Point | None]:
        """One point for each of `cells` equal parts of the time, the worst in it; None where nothing was judged."""
        found: list[Point | None] = [None] * cells
        width = (until - since) / cells if cells else 0.0
        if width < _FINEST:
            return found
        for point in self.points:
            if not since <= point.t < until:
                continue
            index = int((point.t - since) / width)
            if index < cells:
                held = found[index]
                found[index] = point if held is None else _worse(held, point)
        return found

    def _thin(self) -> None:
        points = self.points
        self.points = [_worse(a, b) for a, b in zip(points[::2], points[1::2], strict=False)] + (
            [points[-1]] if len(points) % 2 else []
        )
        self.step = max(2 * self.step, 2 * (points[-1].t - points[0].t) / len(points))


def _worse(a: Point, b: Point) -> Point:
    """Of two neighbours the one that is out of tolerance, else the later; at the time of the earlier."""
    worse = a if not a.ok and b.ok else b
    return Point(a.t, worse.value, worse.ok)
