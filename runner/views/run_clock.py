"""What the clock of a drill says at one moment, for a role: pure, so that every view tells the same time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from runner.engine.state import State
from runner.views.goals import Goal, goals
from runner.views.text import whole
from runner.views.view_model import revealed

#: From this share of an objective on, time is getting short.
_SHORT = 0.75
_SIGNS = {"good": "●", "warn": "▲", "bad": "■", "": "·"}


@dataclass(frozen=True, kw_only=True)
class RunClock:
    """`digits` counts what `label` names; `level`: "", good, warn or bad, and `word` says the same without a colour."""

    phase: str
    digits: str
    label: str
    word: str = ""
    level: str = ""

    @property
    def sign(self) -> str:
        """Stands before the word, for whoever sees no colours."""
        return _SIGNS[self.level]


def read_clock(state: State, now: float, role: str) -> RunClock:
    """The clock at `now` (s of the run's clock)."""
    phase = "paused" if state.paused else state.phase or "starting"
    if state.phase in ("", "preflight", "warm-up"):
        return RunClock(phase=phase, digits=_digits(now), label=_waiting(state))
    if not revealed(state, role):
        return RunClock(phase="on call", digits=_digits(now - (state.live_t or 0.0)), label="press 1 when you notice")
    impact = state.episodes.impact
    if impact is None:
        since = state.last_injection
        if since is None:
            label = "tabletop: no fault" if state.plan.tabletop else "live, no fault yet"
            return RunClock(phase=phase, digits=_digits(state.live_seconds(now)), label=label)
        seconds = _until(state, now) - since
        return RunClock(phase=phase, digits=_digits(seconds), label="since the fault, no impact yet", level="warn")
    return _since_impact(state, now, phase, impact, state.episodes.recovered)


def _since_impact(state: State, now: float, phase: str, impact: float, recovered: float | None) -> RunClock:
    bound = state.plan.time_to_recover
    until = _until(state, now) if recovered is None else recovered
    word, level = _recovery(state, _until(state, now), until - impact, recovered is not None)
    others = _lost(goals(state), _until(state, now))
    return RunClock(
        phase=phase,
        digits=_digits(until - impact),
        label=f"{'since impact' if recovered is None else 'to recover'}{f' · goal {whole(bound)}' if bound is not None else ''}",
        word="; ".join([word, *others]),
        # What is lost cannot be made good by what is still in time.
        level="warn" if others and level == "good" else level,
    )


def _recovery(state: State, now: float, seconds: float, recovered: bool) -> tuple[str, str]:
    """The goal that comes first of those that can still be met; without one, how it stands with the recovery."""
    bound = state.plan.time_to_recover
    left = None if bound is None else round(bound - seconds, 6)
    if recovered:
        return (f"recovered, {whole(-left)} late", "bad") if left is not None and left < 0 else ("recovered", "good")
    if left is not None and left < 0:
        return f"LATE by {whole(-left)}", "bad"
    coming = [goal for goal in goals(state) if goal.at is None and goal.left(now) >= 0]
    first = min(coming, key=lambda goal: goal.left(now), default=None)
    if first is not None and (left is None or first.left(now) < left):
        return f"{whole(first.left(now))} left to {first.verb}", _pace(first.left(now), first.bound)
    if left is None or bound is None:
        return "not recovered", "warn"
    return f"{whole(left)} left", _pace(left, bound)


def _pace(left: float, bound: float) -> str:
    return "warn" if bound - left > _SHORT * bound else "good"


def _lost(several: Iterable[Goal], now: float) -> list[str]:
    """The goals that can no more be met: what came too late, and what has not come at all."""
    lost = [goal for goal in several if goal.left(now) < 0]
    done = dict.fromkeys(goal.done for goal in lost if goal.at is not None)
    still = dict.fromkeys(goal.noun for goal in lost if goal.at is None)
    return [*([f"{', '.join(done)} too late"] if done else []), *([f"{', '.join(still)} late"] if still else [])]


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
