"""Measured values in words, for reasons that people read."""

from __future__ import annotations

from runner.engine.events import ControlBroke
from runner.engine.plan import Indicator

_RATIOS = ("success-ratio", "failure-ratio")


def measured(indicator: Indicator, value: float | None) -> str:
    """`97.5 %`, `410 ms`, `12.3/s`; 'nothing was measured' when empty."""
    if value is None:
        return "nothing was measured"
    if indicator.source == "probe" or indicator.metric in _RATIOS:
        return f"{value * 100:.4g} %"
    if indicator.metric == "rate":
        return f"{value:.4g}/s"
    return f"{value * 1000:.4g} ms" if value < 1 else f"{value:.4g} s"


def bound(indicator: Indicator) -> str:
    """The tolerance: `at least 99 %`."""
    if indicator.at_least is not None:
        return f"at least {measured(indicator, indicator.at_least)}"
    return f"at most {measured(indicator, indicator.at_most)}"


def clock(seconds: float) -> str:
    """A moment of the run: `04:10`, or `1:04:10` after the first hour."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def broken_control(event: ControlBroke) -> str:
    """`control 'ask' broke before activity 'kill a pod': ValueError: no answer`."""
    around = f"{event.when} {event.activity!r}" if event.activity else event.when
    return f"control {event.control!r} broke {around}: {event.why}"
