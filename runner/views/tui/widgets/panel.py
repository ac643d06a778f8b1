"""A part of the room whose text is painted again only when it differs."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class Panel(Static):
    """Shows one `Content`."""

    can_focus = False

    def __init__(self, *, id: str, title: str = "") -> None:  # noqa: A002 - Textual's own name for it
        super().__init__("", id=id, markup=False)
        self.border_title = title or None
        self._shown: Content | None = None

    def show(self, content: Content) -> None:
        if content != self._shown:
            self._shown = content
            self.update(content)
