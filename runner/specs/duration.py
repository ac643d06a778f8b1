"""Durations as people write them: `90s`, `5m`, `1h30m`, `500ms`; a bare number is seconds."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

#: What a JSON Schema says of a duration written as text. Units go from large to small, each at most once.
PATTERN = r"^(?=.)(\d+(\.\d+)?|(\d+(\.\d+)?d)?(\d+(\.\d+)?h)?(\d+(\.\d+)?m)?(\d+(\.\d+)?s)?(\d+(\.\d+)?ms)?)$"

_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_WRITTEN = re.compile(PATTERN, re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])", re.ASCII)
#: Characters.
_LONGEST = 60
_MEANT = "write it like 90s, 5m, 1h30m or 500ms; a bare number is seconds"


def parse_duration(text: object) -> float:
    """Seconds, finite and not negative, from a number of seconds or text such as `1m30s`.

    Raises ValueError with one line that says what is wrong and what was meant.
    """
    seconds = _from_text(text) if isinstance(text, str) else _from_number(text)
    if not math.isfinite(seconds):
        raise ValueError(f"{text!r} is not a duration: it must be finite; {_MEANT}")
    if seconds < 0:
        raise ValueError(f"{text!r} is not a duration: it cannot be negative; {_MEANT}")
    return seconds


def _from_number(number: object) -> float:
    if type(number) not in (int, float):
        raise ValueError(f"{number!r} is not a duration; {_MEANT}")
    try:
        return float(number)  # type: ignore[arg-type]
    except OverflowError:
        return math.inf


def _from_text(text: str) -> float:
    written = text.strip()
    # Looked at first: what follows takes the square of the length for a text of digits.
    if len(written) > _LONGEST or not _WRITTEN.fullmatch(written):
        why = ": it cannot be negative" if written.startswith("-") else ""
        text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
        raise ValueError(f"{text!r} is not a duration{why}; {_MEANT}")
    parts = _PART.findall(written)
    if not parts:
        return float(written)
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def format_duration(seconds: float) -> str:
    """The shortest text that `parse_duration` reads back: `1m30s`, `1.5s`, `200ms`, `90d`, `0s`.

    Rounded to a millisecond from one second on, to a microsecond below. Raises ValueError for what is no duration.
    """
    exact = parse_duration(seconds)
    if exact < 1:
        milliseconds = round(exact * 1000, 3)
        if milliseconds < 1000:
            return f"{milliseconds:.3f}".rstrip("0").rstrip(".") + "ms" if milliseconds else "0s"
    total = round(exact * 1000)
    text = ""
    for unit in ("d", "h", "m"):
        count, total = divmod(total, int(_SECONDS[unit] * 1000))
        text += f"{count}{unit}" if count else ""
    if total:
        text += f"{total / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    return text


def _validated(value: Any) -> float:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise PydanticCustomError("duration", "{what}", {"what": str(error)}) from None


_SCHEMA = {
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": PATTERN}],
    "description": "A duration: 90s, 5m, 1h30m, 500ms; a bare number is seconds.",
}

#: Seconds, from a number or text; zero is allowed.
Duration = Annotated[float, BeforeValidator(_validated), WithJsonSchema(_SCHEMA)]
#: Seconds, more than zero.
PositiveDuration = Annotated[float, Field(gt=0), BeforeValidator(_validated), WithJsonSchema(_SCHEMA)]
