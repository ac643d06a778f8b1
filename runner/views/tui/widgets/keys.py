"""The keys that matter on this screen, in its last line; a click on one presses it.

Textual's `Footer` mounts a widget for each key anew whenever anything is focused or asked, and keeps the old ones alive: a
room is open for hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.binding import Binding
from textual.events import Click
from textual.screen import Screen

from runner.views.tui.paint import Part, line
from runner.views.tui.widgets.panel import Panel

#: Shown whatever the width: without these two nobody finds the rest.
_ALWAYS = ("question_mark", "q")
#: How a key is written where Textual has a word for it.
SIGNS = {
    "enter": "⏎",
    "exclamation_mark": "!",
    "question_mark": "?",
    "slash": "/",
    "right": "→",
    "left": "←",
    "full_stop": ".",
    "comma": ",",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "plus": "+",
    "minus": "-",
}


class Keys(Panel):
    """As many of the screen's shown bindings as fit, or of what was offered; `?` and `q` always do."""

    def __init__(self) -> None:
        super().__init__(id="keys")
        self._spots: list[tuple[range, str]] = []
        self._offered: Sequence[tuple[str, str]] | None = None

    def offer(self, rows: Sequence[tuple[str, str]]) -> None:
        """Key and label of each, the most urgent first, instead of the bindings that are always there."""
        if rows != self._offered:
            self._offered = rows
            self._changed(self.screen)

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def on_resize(self) -> None:
        self._changed(self.screen)

    def _changed(self, screen: Screen[Any]) -> None:
        if screen is self.screen and self.is_attached:
            self.show(line(*self._fitting()))

    def _labels(self) -> dict[str, tuple[str, str]]:
        """Sign and label by key, in the order in which they are shown."""
        bound: dict[str, Binding] = {}
        for active in self.screen.active_bindings.values():
            if active.binding.show:
                # Of several keys for one action the first one named.
                bound.setdefault(active.binding.action, active.binding)
        labels = {each.key: (self.app.get_key_display(each), each.description) for each in bound.values()}
        if self._offered is None:
            return labels
        offered = {key: (SIGNS.get(key, key), label) for key, label in self._offered}
        return offered | {key: labels[key] for key in _ALWAYS if key in labels}

    def _fitting(self) -> list[Part]:
        words = {key: (f" {sign} ", f"{label} ") for key, (sign, label) in self._labels().items()}
        room = self.size.width - sum(len("".join(words.get(key, ""))) for key in _ALWAYS)
        parts: list[Part] = []
        at, self._spots = 0, []
        for key, (sign, label) in words.items():
            long = len(sign + label)
            if key not in _ALWAYS:
                room -= long
                if room < 0:
                    continue
            parts += [(sign, "key"), label]
            self._spots.append((range(at, at + long), key))
            at += long
        return parts

    def on_click(self, event: Click) -> None:
        """Press what was clicked."""
        for spot, key in self._spots:
            if event.x in spot:
                self.app.simulate_key(key)
