"""Standard output and standard error as they may be found: in any encoding, closed, on a full disk.

A sign that the encoding lacks is replaced, and progress lines that nobody can read change nothing. Standard output that
cannot be written is an error of the command, reported when it ends, but for a run, whose exit code is its verdict.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys

#: What stands for the signs of ours that an encoding lacks; one for one, so that columns stay columns.
_SIGNS = {
    "-": "─━—–‐",
    "|": "│┃",
    ">": "→⇒≥▶▷»",
    "<": "←≤«",
    "^": "↑▲△",
    "v": "↓▼▽",
    "+": "✓✔",
    "x": "✗✘×",
    "@": "●◉",
    "o": "○◌",
    "*": "•★✎",
    ".": "·…",
    "~": "≈≋",
    "#": "■",
    "!": "↯⏰",
    "r": "↻",
    "u": "↶",
    "=": "‖",
    "/": "⏎↗",
    '"': "“”„",
    "'": "‘’",
}
_PLAIN = {ord(sign): plain for plain, signs in _SIGNS.items() for sign in signs}
_ERRORS = "gameday-plain"


def ready() -> None:
    """Make the standard streams take whatever is written to them."""
    for descriptor in range(3):
        _open(descriptor)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - as long as the process
    sys.stdout = PlainStream.over(sys.stdout or open(1, "w", closefd=False))  # noqa: SIM115
    sys.stderr = PlainStream.over(sys.stderr or open(2, "w", closefd=False), unfailing=True)  # noqa: SIM115


def _open(descriptor: int) -> None:
    """Have it open, so that no file of ours gets its number and no child writes into that."""
    try:
        os.fstat(descriptor)
    except OSError:
        # The lowest free number: those before it are open.
        os.open(os.devnull, os.O_RDWR)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return plain(error.object[error.start : error.end]), error.end


def plain(text: str) -> str:
    """`text` in ASCII, as long as it was."""
    return text.translate(_PLAIN).encode("ascii", "replace").decode()


codecs.register_error(_ERRORS, _replaced)


class PlainStream(io.TextIOWrapper):
    """A text stream over another one's bytes that no character stops; with `unfailing` no error either."""

    def __init__(self, stream: io.TextIOWrapper, *, unfailing: bool = False) -> None:
        self._is_ascii = codecs.lookup(stream.encoding).name == "ascii"
        self._unfailing = unfailing
        # Whose bytes these are closes them when it goes.
        self._owner = stream
        super().__init__(
            stream.buffer,
            # click takes a stream in ASCII for one that is set up wrongly, and writes UTF-8 past it.
            encoding="utf-8" if self._is_ascii else stream.encoding,
            errors=_ERRORS,
            newline="\n",
            line_buffering=stream.line_buffering,
        )

    @classmethod
    def over(cls, stream: object, *, unfailing: bool = False) -> io.TextIOWrapper:
        """One in the place of `stream`; what has no bytes below it is left as it is."""
        if not isinstance(stream, io.TextIOWrapper):
            return stream  # type: ignore[return-value]  # a stand-in of a test's
        return cls(stream, unfailing=unfailing)

    def write(self, text: str) -> int:
        with self._errors():
            super().write(plain(text) if self._is_ascii else text)
        return len(text)

    def flush(self) -> None:
        with self._errors():
            super().flush()

    def _errors(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.suppress(OSError) if self._unfailing else contextlib.nullcontext()
