"""JSON paths. The library takes 60 ms to import: only what has a path in it pays for that."""

from __future__ import annotations

import contextlib
import io
from functools import lru_cache
from typing import Any


def why_no_path(text: str) -> str:
    """Why this is not a JSON path; '' when it is one."""
    from jsonpath2.path import Path

    try:
        # The parser also prints its complaint.
        with contextlib.redirect_stderr(io.StringIO()):
            Path.parse_str(text.strip())
    except ValueError as error:
        return str(error)
    return ""


@lru_cache(maxsize=256)
def parsed_path(text: str) -> Any:
    """The path as the library has it: `.match(value)` gives what it finds. Parsing one takes up to 4 ms."""
    from jsonpath2.path import Path

    return Path.parse_str(text)
