"""The conductor's own log, beside the transcript: for whoever looks why something went wrong in the tool itself."""

from __future__ import annotations

import contextlib
import sys


def note(text: str) -> None:
    """One more line, where there is room: what fills the disk up must not end the run that it fills up."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(text if text.endswith("\n") else f"{text}\n")
        sys.stderr.flush()
