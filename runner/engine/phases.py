"""The phases of a run, and the two questions that are asked of them everywhere."""

from __future__ import annotations

from typing import Literal

Phase = Literal["", "preflight", "warm-up", "live", "undoing", "debrief", "closed"]


def is_ending(phase: str) -> bool:
    """Whether a run in this phase is past its live part: its faults are being undone, or have been."""
    return phase == "undoing" or is_over(phase)


def is_over(phase: str) -> bool:
    """Whether the undo is behind a run in this phase."""
    return phase in ("debrief", "closed")
