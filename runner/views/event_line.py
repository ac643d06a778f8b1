"""One line that an event of a run is worth to somebody who watches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log, its text not yet made inert. `by` is a person or ''; `under`: more of the line before.

    `truth`: it gives away what was broken, or how much it hurts, which a participant is to find out.
    """

    t: float
    sign: str
    text: str
    style: str = ""
    by: str = ""
    under: bool = False
    truth: bool = False
