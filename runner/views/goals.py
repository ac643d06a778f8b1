"""What a drill wants of its team in time, as it stands at one moment: the scorecard judges by the same moments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from runner.engine.episodes import Episode
from runner.engine.state import State
from runner.people import NOTICES


@dataclass(frozen=True, kw_only=True)
class Goal:
    """To `verb` within `bound` s of `since`; `at` is when it was done, None when it was not yet. Moments in s of the run's clock."""

    verb: str
    done: str
    noun: str
    bound: float
    since: float
    at: float | None

    def left(self, now: float) -> float:
        """Seconds that remain, or remained when it was done; below 0 it is lost."""
        # Stamps are exact to the microsecond: a bound that is just met is met.
        return round(self.bound - ((now if self.at is None else self.at) - self.since), 6)


def goals(state: State) -> Iterator[Goal]:
    """What is to be done in time besides recovering, of every incident so far."""
    plan = state.plan
    broken = [episode for episode in state.episodes.episodes if episode.impact is not None]
    if not broken or plan.bare:
        return
    alert = _first_alert(state, broken[0].injected)
    said = _noticed(state, broken[0].injected)
    if plan.time_to_detect is not None and (plan.alerts or state.attended or said is not None):
        noticed = min((t for t in (said, alert) if t is not None), default=None)
        yield _goal("detect", "detection", plan.time_to_detect, _impact(broken[0]), noticed)
    if plan.time_to_notice is not None and (state.attended or _noticed(state, broken[0].injected) is not None):
        at = _noticed(state, broken[0].injected)
        yield _goal("notice", "notice", plan.time_to_notice, _impact(broken[0]), at)
    # Who noticed before any alert has nothing to acknowledge.
    answers = alert is not None and state.attended and (said is None or said > alert)
    if plan.time_to_acknowledge is not None and alert is not None and answers:
        at = _said(state, "acknowledged", alert)
        yield _goal("acknowledge", "acknowledgement", plan.time_to_acknowledge, alert, at)
    if plan.time_to_mitigate is not None:
        for episode in broken:
            at = episode.mitigated.t if episode.mitigated else None
            yield _goal("mitigate", "mitigation", plan.time_to_mitigate, _impact(episode), at)


def _goal(verb: str, noun: str, bound: float, since: float, at: float | None) -> Goal:
    return Goal(verb=verb, done=verb.removesuffix("e") + "ed", noun=noun, bound=bound, since=since, at=at)


def _impact(episode: Episode) -> float:
    return episode.impact.t if episode.impact is not None else episode.injected


def _first_alert(state: State, injected: float) -> float | None:
    fired = [alert.fired_t for alert in state.alerts.values() if alert.fired_t is not None]
    return min((t for t in fired if t >= injected), default=None)


def _noticed(state: State, earliest: float) -> float | None:
    """When a participant noticed: what a facilitator or a script says is no notice."""
    reached = state.milestones.get("detected")
    return _said(state, "detected", earliest) if reached is not None and reached.role in NOTICES else None


def _said(state: State, milestone: str, earliest: float) -> float | None:
    reached = state.milestones.get(milestone)
    return reached.t if reached is not None and reached.t >= earliest else None
