"""Files for what children print."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from runner.private import open_private

#: Bytes of one child's output that are kept.
MOST_BYTES = 1 << 24

_AND_MORE = "\n[gameday keeps the first {:,} bytes; what came after them is left out]\n"


class KeptOutput:
    """The beginning of an output, at the end of a file that its owner alone may read.

    Without room for it, or for a file at all, it is lost: that is no reason not to do what is printed about.
    """

    def __init__(self, path: Path) -> None:
        self._room = MOST_BYTES
        self._file = -1
        with suppress(OSError):
            self._file = open_private(path, os.O_WRONLY | os.O_APPEND)

    def write(self, text: str) -> None:
        """More of it, as far as it is kept; where it is cut, that is said."""
        if self._file < 0 or self._room <= 0:
            return
        data = text.encode("utf-8", "replace")
        kept, self._room = data[: self._room], self._room - len(data)
        with suppress(OSError):
            os.write(self._file, kept)
            if self._room < 0:
                os.write(self._file, _AND_MORE.format(MOST_BYTES).encode())

    def close(self) -> None:
        """That is all."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1
