"""Lines out of what comes in pieces."""

from __future__ import annotations


class Lines:
    """Cuts a stream at its line ends. Each byte is looked at once, however long a line and however small its pieces."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []

    def take(self, data: bytes) -> list[bytes]:
        """The lines that are whole with this piece, without their ends."""
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = b"".join([*self._begun, lines[0]])
            self._begun = []
        if rest:
            self._begun.append(rest)
        return lines
