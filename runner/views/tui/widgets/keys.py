"""The keys that matter on this screen, in its last line; a click on one presses it.

Textual's `Footer` mounts a widget for each key anew whenever anything is focused or asked, and keeps the old ones alive: a
room is open for hours.
"""

from __future__ import annotations

from typing import Any

from textual.events import Click
from textual.screen import Screen

from runner.views.tui.paint import Part, line
from runner.views.tui.widgets.panel import Panel

#: Shown whatever the width: without these two nobody finds the rest.
_ALWAYS = ("question_mark", "q")


class Keys(Panel):
    """As many of the screen's shown bindings as fit; `?` and `q` always do."""

    def __init__(self) -> None:
        super().__init__(id="keys")
        self._spots: list[tuple[range, str]] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def on_resize(self) -> None:
        self._changed(self.screen)

    def _changed(self, screen: Screen[Any]) -> None:
        if screen is self.screen and self.is_attached:
            self.show(line(*self._fitting()))

    def _fitting(self) -> list[Part]:
        shown = (active.binding for active in self.screen.active_bindings.values() if active.binding.show)
        # Of several keys for one deed the last one named.
        bindings = {binding.action: binding for binding in shown}.values()
        words = {each.key: (f" {self.app.get_key_display(each)} ", f"{each.description} ") for each in bindings}
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
