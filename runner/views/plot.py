"""A row of blocks for a series, and the row of marks under it: plain text, each cell with how it is meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from runner.views.series import Point, Series
from runner.views.story import Mark

_BLOCKS = "▁▂▃▄▅▆▇█"
#: Nothing was judged then; nothing came, which is out of tolerance while users run.
_NOT_JUDGED = " "
_NOTHING_CAME = "×"

Cell = tuple[str, str]


def blocks(
    series: Series, since: float, until: float, cells: int, low: float | None = None, high: float | None = None
) -> list[Cell]:
    """One character a cell: higher is more, `bad` cells are out of tolerance. The scale is the data's unless given."""
    points = series.between(since, until, cells)
    bottom, top = _scale(points, low, high)
    return [_cell(point, bottom, top) for point in points]


def marks(found: Iterable[Mark], since: float, until: float, cells: int) -> list[Cell]:
    """The signs of the marks that lie in this time, each below its cell; a later one takes the next free cell."""
    row: list[Cell] = [(" ", "")] * cells
    if until <= since or not cells:
        return row
    for mark in sorted(found, key=lambda each: each.t):
        if not since <= mark.t <= until:
            continue
        # What happens right now is the last cell's; with no room on its right a mark steps to its left.
        index = min(int((mark.t - since) / (until - since) * cells), cells - 1)
        free = next((at for at in (*range(index, cells), *range(index, -1, -1)) if row[at][0] == " "), None)
        if free is not None:
            row[free] = (mark.sign, mark.style)
    return row


def _scale(points: Sequence[Point | None], low: float | None, high: float | None) -> tuple[float, float]:
    values = [point.value for point in points if point is not None and point.value is not None]
    bottom = min(values, default=0.0) if low is None else low
    top = max(values, default=1.0) if high is None else high
    return bottom, top if top > bottom else bottom + 1.0


def _cell(point: Point | None, bottom: float, top: float) -> Cell:
    if point is None:
        return _NOT_JUDGED, ""
    style = "good" if point.ok else "bad"
    if point.value is None:
        return (_NOTHING_CAME if not point.ok else "·"), style
    share = (point.value - bottom) / (top - bottom)
    return _BLOCKS[min(len(_BLOCKS) - 1, max(0, int(share * len(_BLOCKS))))], style
