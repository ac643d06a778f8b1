"""What may answer a question."""

from __future__ import annotations

import re
from collections.abc import Sequence


def why_unfit(value: str, choices: Sequence[str], pattern: str) -> str:
    """Why this cannot be an answer where these `choices` or this `pattern` were asked for ('' is any); '' when it can."""
    if choices and value not in choices:
        return f"it is none of: {', '.join(choices)}"
    return f"it does not match {pattern}" if pattern and re.fullmatch(pattern, value) is None else ""
