"""The times of a run, from its figures: each with its resolution and what it was measured by."""

from __future__ import annotations

from bisect import bisect_left

from runner.engine.breaches import FINEST, Moment
from runner.engine.episodes import Episode
from runner.scoring.figures import Figures, MilestoneTime
from runner.scoring.scorecard import AlertScore, EpisodeScore, Time, Times

#: Seconds between two looks at an alert, where the plan does not say.
_ALERT_EVERY = 0.5


def episode_scores(figures: Figures) -> tuple[EpisodeScore, ...]:
    scores: list[EpisodeScore] = []
    before = float("-inf")
    for episode in figures.episodes.episodes:
        scores.append(_episode(figures, episode, before))
        before = episode.recovered.t if episode.recovered else before
    return tuple(scores)


def run_times(figures: Figures, scores: tuple[EpisodeScore, ...]) -> Times:
    episodes = figures.episodes.episodes
    broken = next((episode for episode in episodes if episode.impact), None)
    injected = episodes[0].injected if episodes else None
    times = Times(
        injected=_at(injected, "the first action started"),
        returned=_at(None if injected is None else figures.faults.first_return(injected), "the first action returned"),
        mitigated=_longest([score.time_to_mitigate for score in scores]),
        recovered=_longest([score.time_to_recover for score in scores]),
    )
    return times if broken is None else _people(figures, broken, times)


def noticed_first(figures: Figures) -> bool:
    """A person noticed, and no alert had fired before that."""
    broken = next((episode for episode in figures.episodes.episodes if episode.impact), None)
    said = figures.noticed
    if broken is None or said is None or said.t < broken.injected:
        return False
    alert = first_alert(figures, broken.injected)
    return alert is None or said.t <= (alert.fired or 0.0)


def first_alert(figures: Figures, injected: float) -> AlertScore | None:
    """The alert that fired first of those that fired because of the fault."""
    fired = [alert for alert in figures.alerts if alert.status == "fired" and (alert.fired or 0.0) >= injected]
    return min(fired, key=lambda alert: alert.fired or 0.0, default=None)


def _episode(figures: Figures, episode: Episode, before: float) -> EpisodeScore:
    impact, recovered, mitigated = episode.impact, episode.recovered, episode.mitigated
    censored = impact is not None and recovered is None and figures.ended is not None
    return EpisodeScore(
        experiments=episode.experiments,
        injected=episode.injected,
        character=_character(figures, episode, before),
        indicator=impact.indicator if impact else "",
        impact=impact.t if impact else None,
        mitigated=mitigated.t if mitigated else None,
        recovered=recovered.t if recovered else None,
        time_to_mitigate=_between(impact, mitigated, "impact → every indicator inside its degraded tolerance"),
        time_to_recover=_between(impact, recovered, "impact → every indicator inside its tolerance, unbroken"),
        censored_after=max(0.0, _span(impact.t, figures.ended or 0.0)) if impact and censored else None,
        relapses=episode.relapses,
    )


def _character(figures: Figures, episode: Episode, before: float) -> str:
    if figures.live and (episode.impact is None or episode.recovered is None):
        return "open"
    if episode.impact is None:
        claimed = figures.plan.expect != "no-impact" and "mitigated" in figures.milestones
        return "prevented" if claimed else "no impact"
    if episode.recovered is None:
        return "not recovered"
    # Acts of an earlier incident do not count, those of this one do, from the moment the one before was over.
    acts = sorted(figures.team_acts)
    after = bisect_left(acts, before)
    return "recovered" if after < len(acts) and acts[after] <= episode.recovered.t else "self-healed"


def _people(figures: Figures, broken: Episode, times: Times) -> Times:
    impact = broken.impact or Moment(broken.injected)
    alert = first_alert(figures, broken.injected)
    person = _said(figures.noticed, "detected", impact, broken.injected)
    by_alert = _alert(figures, alert, impact)
    found = [time for time in (person, by_alert) if time.seconds is not None]
    last = next((e for e in reversed(figures.episodes.episodes) if e.recovered), None)
    return Times(
        injected=times.injected,
        returned=times.returned,
        impact=Time(seconds=impact.t, resolution=impact.resolution, how=f"first bad observation of {impact.indicator}"),
        detected_by_person=person,
        detected_by_alert=by_alert,
        detected=min(found, key=lambda time: time.seconds or 0.0, default=Time()),
        acknowledged=_acknowledged(figures, alert),
        mitigated_claimed=_said(figures.milestones.get("mitigated"), "mitigated", impact, impact.t),
        mitigated=times.mitigated,
        recovered=times.recovered,
        all_clear_error=_all_clear(figures, last),
    )


def _at(t: float | None, how: str) -> Time:
    return Time() if t is None else Time(seconds=t, resolution=FINEST, how=how)


def _between(start: Moment | None, end: Moment | None, how: str) -> Time:
    if start is None or end is None:
        return Time()
    return Time(seconds=max(0.0, _span(start.t, end.t)), resolution=_both(start.resolution, end.resolution), how=how)


def _span(start: float, end: float) -> float:
    """Stamps are exact to the microsecond, and so is what lies between them: a bound that is just met is met."""
    return round(end - start, 6)


def _both(one: float, other: float) -> float:
    """Two ends, each somewhere within its own resolution."""
    return round(one + other, 6)


def _longest(times: list[Time]) -> Time:
    known = [time for time in times if time.seconds is not None]
    return max(known, key=lambda time: time.seconds or 0.0, default=Time())


def _said(said: MilestoneTime | None, milestone: str, impact: Moment, earliest: float) -> Time:
    if said is None or said.t < earliest:
        return Time()
    how = f"impact → {milestone}, by step {said.step}" if said.step else f"impact → {milestone}, said by {said.by}"
    return Time(seconds=_span(impact.t, said.t), resolution=_both(impact.resolution, FINEST), how=how)


def _every(figures: Figures, alert: AlertScore) -> float:
    return next((check.every for check in figures.plan.alerts if check.name == alert.name), _ALERT_EVERY)


def _alert(figures: Figures, alert: AlertScore | None, impact: Moment) -> Time:
    if alert is None or alert.fired is None:
        return Time()
    resolution = _both(impact.resolution, _every(figures, alert))
    return Time(seconds=_span(impact.t, alert.fired), resolution=resolution, how=f"impact → alert {alert.name} fired")


def _acknowledged(figures: Figures, alert: AlertScore | None) -> Time:
    said = figures.milestones.get("acknowledged")
    if alert is None or alert.fired is None or said is None or said.t < alert.fired or noticed_first(figures):
        return Time()
    resolution = _both(_every(figures, alert), FINEST)
    return Time(
        seconds=_span(alert.fired, said.t), resolution=resolution, how=f"alert {alert.name} fired → acknowledged"
    )


def _all_clear(figures: Figures, last: Episode | None) -> Time:
    said = figures.milestones.get("resolved")
    if said is None or last is None or last.recovered is None:
        return Time()
    resolution = _both(last.recovered.resolution, FINEST)
    return Time(seconds=_span(last.recovered.t, said.t), resolution=resolution, how="recovered → resolved was said")
