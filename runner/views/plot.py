"""Blocks for a series, one row high or several, and the row of marks under them: plain text, each cell with how it is meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from runner.views.series import Point, Series
from runner.views.view_model import Mark

_BLOCKS = " ▁▂▃▄▅▆▇█"
#: Parts of a row that a block can fill.
_PARTS = len(_BLOCKS) - 1
#: Nothing was judged then, or what was is not that high; nothing came, which is out of tolerance while users run.
_EMPTY = (" ", "")
_NOTHING_CAME = "×"
#: Which of several marks in one cell stays: those that come first here.
_RANK = "▼↯▲△◉★"

Cell = tuple[str, str]


def blocks(
    series: Series,
    since: float,
    until: float,
    cells: int,
    low: float | None = None,
    high: float | None = None,
    rows: int = 1,
) -> list[list[Cell]]:
    """Rows, the topmost first: higher is more, `bad` cells are out of tolerance. The scale is the data's unless given."""
    points = series.between(since, until, cells)
    bottom, top = _scale(points, low, high)
    columns = [_column(point, bottom, top, rows) for point in points]
    return [[column[row] for column in columns] for row in reversed(range(rows))]


def marks(found: Iterable[Mark], since: float, until: float, cells: int) -> list[Cell]:
    """The signs of the marks that lie in this time, in its order, each below its cell.

    Several in one cell stand side by side up to the next cell that has one; with less room the most important stay.
    """
    row: list[Cell] = [_EMPTY] * cells
    groups = _by_cell(found, since, until, cells)
    ends = [index for index, _ in groups[1:]]
    for (index, group), end in zip(groups, [*ends, cells], strict=False):
        for at, mark in enumerate(_foremost(group, end - index), start=index):
            row[at] = (mark.sign, mark.style)
    return row


def _by_cell(found: Iterable[Mark], since: float, until: float, cells: int) -> list[tuple[int, list[Mark]]]:
    """Cells that have marks, from left to right, each with its marks in the order of their time."""
    groups: dict[int, list[Mark]] = {}
    if until > since and cells:
        for mark in sorted(found, key=lambda each: each.t):
            if since <= mark.t <= until:
                # What happens right now is the last cell's.
                index = min(int((mark.t - since) / (until - since) * cells), cells - 1)
                groups.setdefault(index, []).append(mark)
    return sorted(groups.items())


def _foremost(group: Sequence[Mark], room: int) -> list[Mark]:
    """One of each sign, no more than there is room for."""
    first = list({mark.sign: mark for mark in reversed(group)}.values())
    kept = sorted(first, key=lambda mark: _RANK.find(mark.sign) % (len(_RANK) + 1))[:room]
    return [mark for mark in group if any(mark is each for each in kept)]


def _scale(points: Sequence[Point | None], low: float | None, high: float | None) -> tuple[float, float]:
    values = [point.value for point in points if point is not None and point.value is not None]
    bottom = min(values, default=0.0) if low is None else low
    top = max(values, default=1.0) if high is None else high
    return bottom, top if top > bottom else bottom + 1.0


def _column(point: Point | None, bottom: float, top: float, rows: int) -> list[Cell]:
    """What one point fills of each row, the lowest first: of the lowest a part at least."""
    if point is None:
        return [_EMPTY] * rows
    style = "good" if point.ok else "bad"
    if point.value is None:
        return [(_NOTHING_CAME if not point.ok else "·", style)] + [_EMPTY] * (rows - 1)
    parts = rows * _PARTS
    filled = 1 + min(parts - 1, max(0, int((point.value - bottom) / (top - bottom) * parts)))
    heights = (min(_PARTS, max(0, filled - row * _PARTS)) for row in range(rows))
    return [(_BLOCKS[height], style) if height else _EMPTY for height in heights]
