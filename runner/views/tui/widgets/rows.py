"""Lines that change one by one: a slow line is sent the one that changed, not all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from runner.views.tui.widgets.panel import Panel

#: Rows that a plot is high at most.
_HIGHEST = 4
#: Below this width, where a line may be slow, plots are only so high that no more of their rows are sent in a second:
#: those of a young run move often, and are low.
_WIDE = 80
_A_SECOND = 2.4


@dataclass(frozen=True)
class Tall:
    """A plot that moves `every` so many seconds: `rows` makes as many rows of it as there is room for."""

    rows: Callable[[int], Iterable[Content]]
    every: float


class Rows(Vertical):
    """One panel a row; as many as were ever needed."""

    def show(self, parts: Iterable[Content | Tall]) -> None:
        panels = list(self.query(Panel))
        # What this stands in scrolls; its own height is that of what it shows.
        room = self.parent.scrollable_content_region.size if isinstance(self.parent, Widget) else self.size
        several = list(fitted(list(parts), room))
        fresh = [Panel() for _ in several[len(panels) :]]
        if fresh:
            self.mount(*fresh)
        for panel, row in zip([*panels, *fresh], several, strict=False):
            panel.display = True
            panel.show(row)
        for panel in panels[len(several) :]:
            panel.display = False


def fitted(parts: Sequence[Content | Tall], room: Size) -> Iterator[Content]:
    """Every part in rows: the plots as high as the room allows, all alike, one row at least."""
    plots = [part for part in parts if isinstance(part, Tall)]
    lines = sum(_wrapped(part, room.width) for part in parts if isinstance(part, Content))
    height = _height(plots, room.height - lines, room.width) if plots else 1
    for part in parts:
        if isinstance(part, Tall):
            yield from part.rows(height)
        else:
            yield part


def _height(plots: Sequence[Tall], rows: int, width: int) -> int:
    few = rows if width >= _WIDE else min(rows, int(_A_SECOND * min(plot.every for plot in plots)))
    return max(1, min(_HIGHEST, few // len(plots)))


def _wrapped(content: Content, width: int) -> int:
    """Rows that it takes, about."""
    return sum(max(1, -(-row.cell_length // max(1, width))) for row in content.split(allow_blank=True))
