"""What every view writes with: times as people read them, colours, and text from elsewhere that does nothing."""

from __future__ import annotations

import os
from typing import TextIO

from runner.inert import inert as inert

_STYLES = {"dim": "2", "bold": "1", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


def duration(seconds: float | None) -> str:
    """`4.3 s`, `2:05.0`, `1:02:03`; `—` for none."""
    if seconds is None:
        return "—"
    # Rounded before it is taken apart, or 59.96 s would be shown as 60.0 s.
    tenths = round(abs(seconds) * 10)
    sign = "-" if seconds < 0 and tenths else ""
    if tenths < 600:
        return f"{sign}{tenths / 10:.1f} s"
    minutes, rest = divmod(tenths, 600)
    if minutes < 60:
        return f"{sign}{minutes}:{rest / 10:04.1f}"
    return f"{sign}{minutes // 60}:{minutes % 60:02}:{rest // 10:02}"


def whole(seconds: float) -> str:
    """`57 s`, `1:05`, `1:02:03`: for what counts on while it is read, and for what somebody set as a goal."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"


def clock(seconds: float) -> str:
    """`+00:04.31`, the run's clock in a left column."""
    minutes, rest = divmod(round(max(seconds, 0.0) * 100), 6000)
    hours, minutes = divmod(minutes, 60)
    return f"+{hours}:{minutes:02}:{rest / 100:05.2f}" if hours else f"+{minutes:02}:{rest / 100:05.2f}"


class Paint:
    """Colours for one stream: none when it is no terminal, or with NO_COLOR. Colour never carries meaning alone."""

    def __init__(self, stream: TextIO) -> None:
        self._on = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def __call__(self, style: str, text: str) -> str:
        if not self._on or not style:
            return text
        codes = ";".join(_STYLES[word] for word in style.split())
        return f"\x1b[{codes}m{text}\x1b[0m"
