"""What the clock of a drill says at one moment, for a role: pure, so that every view tells the same time."""

from __future__ import annotations

from dataclasses import dataclass

from runner.engine.state import State
from runner.views.story import revealed
from runner.views.text import whole

#: From this share of an objective on, time is getting short.
_SHORT = 0.75


@dataclass(frozen=True, kw_only=True)
class Dial:
    """`digits` counts what `label` names; `level`: "", good, warn or bad, and `word` says the same without a colour."""

    phase: str
    digits: str
    label: str
    word: str = ""
    level: str = ""


def dial(state: State, now: float, role: str) -> Dial:
    """The clock at `now` (s of the run's clock)."""
    phase = "paused" if state.paused else state.phase or "starting"
    if state.phase in ("", "preflight", "warm-up"):
        return Dial(phase=phase, digits=_digits(now), label=_waiting(state))
    if not revealed(state, role):
        return Dial(
            phase="on call", digits=_digits(now - (state.live_t or 0.0)), label="watching; press 1 when you notice"
        )
    impact = state.episodes.impact
    if impact is None:
        since = state.last_injection
        if since is None:
            label = "tabletop: no fault" if state.plan.tabletop else "live, no fault yet"
            return Dial(phase=phase, digits=_digits(state.live_seconds(now)), label=label)
        seconds = _until(state, now) - since
        return Dial(phase=phase, digits=_digits(seconds), label="since the fault, no impact yet", level="warn")
    return _since_impact(state, now, phase, impact, state.episodes.recovered)


def _since_impact(state: State, now: float, phase: str, impact: float, recovered: float | None) -> Dial:
    goal = state.plan.time_to_recover
    seconds = (_until(state, now) if recovered is None else recovered) - impact
    aim = f" · goal {whole(goal)}" if goal is not None else ""
    if recovered is not None:
        word = "recovered" if goal is None or seconds <= goal else f"recovered, {whole(seconds - goal)} late"
        level = "good" if goal is None or seconds <= goal else "bad"
        return Dial(phase=phase, digits=_digits(seconds), label=f"to recover{aim}", word=word, level=level)
    word, level = _pace(seconds, goal)
    return Dial(phase=phase, digits=_digits(seconds), label=f"since impact{aim}", word=word, level=level)


def _pace(seconds: float, goal: float | None) -> tuple[str, str]:
    if goal is None:
        return "not recovered", "warn"
    if seconds > goal:
        return f"LATE by {whole(seconds - goal)}", "bad"
    return f"{whole(goal - seconds)} left", "warn" if seconds > _SHORT * goal else "good"


def _until(state: State, now: float) -> float:
    """An end that was decided stops the clock: an undo is no recovery."""
    return now if state.end_t is None else state.end_t


def _waiting(state: State) -> str:
    if state.phase == "warm-up" and state.load.users:
        return f"warming up, {state.load.users} users"
    return "nothing has been changed yet"


def _digits(seconds: float) -> str:
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
