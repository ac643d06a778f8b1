"""The screen below a question, as it is painted through the question's background."""

from __future__ import annotations

from textual.css.styles import RulesMap
from textual.screen import Screen
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual


class Below(Visual):
    """The lines of the screen below as they are.

    Textual takes a translucent background apart into segments and puts them together again, with links and actions taken
    out: a third of the time until a question is there. A room has neither of them.
    """

    def __init__(self, screen: Screen[object]) -> None:
        self._screen = screen

    # What Textual asks of every visual; what stands there already needs none of it.
    # ruff: noqa: ARG002
    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        lines = self._screen._compositor.render_strips()
        return [line.adjust_cell_length(width) for line in lines[:height]]

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        return self._screen.size.height
