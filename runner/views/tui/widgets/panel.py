"""A part of the room whose text is painted again only when it differs."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class Panel(Static):
    """Shows one `Content`."""

    can_focus = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__("", id=id, markup=False)
        self._shown: Content | None = None

    def show(self, content: Content) -> None:
        if content != self._shown:
            # To lay the screen out anew costs far more than to paint some lines of it.
            same = self._shown is not None and self._rows(content) == self._rows(self._shown) != 0
            self._shown = content
            self.update(content, layout=not same)

    def _rows(self, content: Content) -> int:
        """Rows that it takes at this width, 0 when some line is wrapped, which is for the layout to count."""
        rows = content.split(allow_blank=True)
        return len(rows) if all(row.cell_length <= self.size.width for row in rows) else 0
