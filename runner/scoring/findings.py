"""What a run does not prove, and what a team should look at whatever the verdict."""

from __future__ import annotations

from runner.engine.plan import RunPlan
from runner.engine.wording import broken_control
from runner.lazy_dataclass import lazy_dataclass
from runner.scoring.figures import Figures
from runner.scoring.scorecard import AlertScore, EpisodeScore, FaultScore, HypothesisScore, StepScore, Times, Unobserved

#: Ends before which each experiment is let to ask its hypothesis a last time.
_ASKED_AT_END = ("complete", "time-box", "runbook-stopped", "deviated")

#: From this version on a transcript says what was not observed; an older one is scored as it always was.
TELLS = 2


@lazy_dataclass(frozen=True, kw_only=True)
class ScoreFindings:
    """What is measured, before it is judged."""

    figures: Figures
    episodes: tuple[EpisodeScore, ...]
    times: Times
    steps: tuple[StepScore, ...]

    @property
    def plan(self) -> RunPlan:
        return self.figures.plan

    @property
    def measurable(self) -> bool:
        """A fault may show, and something would see it."""
        return bool(self.plan.experiments and self.plan.indicators) and not self.plan.bare

    @property
    def impact(self) -> bool:
        return any(episode.impact is not None for episode in self.episodes)

    @property
    def unobserved(self) -> tuple[Unobserved, ...]:
        """Where an indicator was not observed between the first injection and the end."""
        figures = self.figures
        injected = min(figures.episodes.injected.values(), default=None)
        if injected is None or figures.ended is None or figures.version < TELLS:
            return ()
        return figures.coverage.gaps(injected, figures.ended, figures.load.ended)

    @property
    def hypotheses(self) -> tuple[HypothesisScore, ...]:
        """Those asked, and once the end is decided those that should have been."""
        over = any(end.cause in _ASKED_AT_END for end in self.figures.ends[:1])
        return self.figures.hypotheses.scores(over=over)

    @property
    def judges_hypotheses(self) -> bool:
        """Nothing else says how the service is, or it was to stay as it is. Else the indicators judge: in a drill the
        fault is still in when the hypothesis is asked.
        """
        alone = not self.plan.indicators or self.plan.expect == "no-impact"
        return alone and not self.plan.bare and not self.plan.tabletop and self.figures.version >= TELLS


# -- what proves nothing -----------------------------------------------------------------------------------------------


def proves_nothing(found: ScoreFindings) -> list[str]:
    """Why a run whose end was not forced proves nothing, the plainest reason first; empty when it does prove something."""
    if not found.plan.experiments:
        return []
    if not found.figures.episodes.injected:
        return _not_asked(found) if found.plan.bare else ["no fault was injected"]
    reasons = [*_not_proven_in(found), *_not_observed(found), *_not_asked(found), *unheard(found)]
    return [*reasons, *(_unfinished(found) if found.plan.bare else _without_impact(found))]


def _not_proven_in(found: ScoreFindings) -> list[str]:
    figures = found.figures
    if figures.version < TELLS:
        return []
    if found.plan.bare:
        # An action that failed outright fails the run; one that only may have done nothing is proven by a deviation.
        deviated = any(end.deviated for end in figures.experiment_ends)
        why = [] if deviated else [doubt(fault) for fault in figures.faults.doubted if fault.doubt]
    else:
        why = [doubt(fault) for fault in figures.faults.doubted if not _bit(found, fault.experiment)]
        why += [_cut(slug, status) for slug, status in figures.cut.items() if not _bit(found, slug)]
    return [f"{each}, and nothing shows that the fault was in" for each in why]


def _bit(found: ScoreFindings, experiment: str) -> bool:
    """Something broke after that experiment had begun."""
    begun = found.figures.episodes.injected.get(experiment)
    return begun is not None and any(
        experiment in episode.experiments and episode.impact is not None and episode.impact >= begun
        for episode in found.episodes
    )


def _cut(experiment: str, status: str) -> str:
    return f"experiment {experiment} did not get through its method ({status})"


def _not_observed(found: ScoreFindings) -> list[str]:
    return [unobserved(found, gap) for gap in found.unobserved]


def unobserved(found: ScoreFindings, gap: Unobserved) -> str:
    """One gap in words, and why it came to it where that is known."""
    load = found.figures.load
    by_load = any(each.name == gap.indicator and each.source == "load" for each in found.plan.indicators)
    ended = by_load and load.ended is not None and load.ended <= gap.until
    why = f": the load had ended at {load.ended:.1f} s ({load.why or 'by itself'})" if ended else ""
    return f"{gap.indicator} was not observed from {gap.since:.1f} s to {gap.until:.1f} s{why}"


def unheard(found: ScoreFindings) -> list[str]:
    """Alerts that nobody could see fire, where the time to detect rests on them: nobody noticed, no other fired."""
    rests = found.plan.time_to_detect is not None and found.impact and found.times.detected.seconds is None
    return [_silent(alert) for alert in found.figures.alerts if alert.silent is not None] if rests else []


def _silent(alert: AlertScore) -> str:
    why = f": {alert.why}" if alert.why else ""
    return f"alert {alert.name} could not be asked for from {alert.silent or 0.0:.1f} s on{why}"


def _not_asked(found: ScoreFindings) -> list[str]:
    """Hypotheses that the verdict would rest on, and that were not asked to their end."""
    if not (found.plan.bare or found.judges_hypotheses):
        return []
    return [hypothesis(each) for each in found.hypotheses if each.when != "before" and each.met is None]


def _unfinished(found: ScoreFindings) -> list[str]:
    """Experiments that the end cut short: what the toolkit would have said of them nobody knows."""
    ended = {end.experiment for end in found.figures.experiment_ends if end.status != "interrupted"}
    if found.figures.version < TELLS:
        return []
    return [f"{slug} was cut short" for slug in found.figures.episodes.injected if slug not in ended]


def _without_impact(found: ScoreFindings) -> list[str]:
    plan = found.plan
    if not found.measurable or plan.expect == "no-impact":
        return []
    if any(episode.character == "no impact" for episode in found.episodes):
        return [f"no impact within {plan.impact_within:g} s of the fault: a fault that does not bite proves nothing"]
    late = [
        episode.impact.t - episode.last_injected
        for episode in found.figures.episodes.episodes
        if episode.impact and episode.impact.t - episode.last_injected > plan.impact_within
    ]
    return [f"the impact came {late[0]:.1f} s after the fault, later than {plan.impact_within:g} s"] if late else []


# -- what to look at ---------------------------------------------------------------------------------------------------


def findings(found: ScoreFindings) -> tuple[str, ...]:
    """What a team should look at, whatever the verdict."""
    reasons = [f"{check} held while the fault was in: it proves nothing" for check in vacuous_checks(found)]
    reasons += [f"{check} held before the step was done: it proves nothing" for check in vacuous_verifies(found.steps)]
    reasons += [*_of_observation(found), *_of_experiments(found), *_of_alerts(found), *_of_people(found)]
    if found.plan.experiments and not found.plan.indicators and not found.plan.bare:
        reasons.append("no indicator: neither impact nor recovery is measured")
    return tuple(reasons)


def _of_observation(found: ScoreFindings) -> list[str]:
    figures, load = found.figures, found.figures.load
    reasons = [unobserved(found, gap) for gap in found.unobserved]
    watched = {rule.indicator for rule in found.plan.stop_when}
    blind = dict.fromkeys(gap.indicator for gap in found.unobserved if gap.indicator in watched)
    reasons += [f"stop-when on {name} could not see anything then" for name in blind]
    if (
        load.ended is not None
        and figures.version >= TELLS
        and not any("the load had ended" in each for each in reasons)
    ):
        reasons.append(f"the load ended by itself at {load.ended:.1f} s: {load.why or 'nobody stopped it'}")
    if found.plan.load and figures.episodes.injected and not load.requests and not figures.live:
        reasons.append("the load made no request")
    return reasons


def _of_experiments(found: ScoreFindings) -> list[str]:
    figures = found.figures
    reasons = [doubt(fault) for fault in figures.faults.doubted]
    if not found.plan.bare:
        reasons += [_cut(slug, status) for slug, status in figures.cut.items()]
    if figures.version >= TELLS:
        reasons += [
            _with_reason(f"probe {each.name!r} {each.status}", each.exception) for each in figures.faults.broken_probes
        ]
    reasons += [broken_control(event) for event in figures.broken_controls]
    reasons += [hypothesis(each) for each in found.hypotheses if each.met is not True]
    if figures.episodes.injected and not figures.live:
        reasons += [f"experiment {slug} was never injected" for slug in figures.episodes.pending]
    return reasons


def _of_alerts(found: ScoreFindings) -> list[str]:
    alerts = found.figures.alerts
    reasons = []
    if found.impact and not found.figures.live:
        never = [alert for alert in alerts if alert.status == "never"]
        reasons += [f"alert {alert.name} never fired" for alert in never if alert.silent is None]
    reasons += [_silent(alert) for alert in alerts if alert.silent is not None]
    return reasons + [f"alert {alert.name} fired before the fault" for alert in alerts if alert.status == "before"]


def _of_people(found: ScoreFindings) -> list[str]:
    """Without people nobody expects a notice, whatever a script says or a step carries."""
    said = found.figures.milestones.get("detected")
    if not found.figures.attended or said is None or said.noticed or said.role == "system":
        return []
    return [f"detected was said by the {said.role} {said.by}: that is no participant's notice"]


def doubt(fault: FaultScore) -> str:
    """Why an action proves nothing by itself."""
    if fault.doubt:
        return f"action {fault.name!r} {fault.doubt}"
    return _with_reason(f"action {fault.name} {fault.status}", fault.why)


def _with_reason(what: str, why: str) -> str:
    return f"{what}: {why}" if why else what


def hypothesis(score: HypothesisScore) -> str:
    """One that does not hold, in words."""
    head = f"hypothesis {score.when} of {score.experiment}"
    if score.met is None:
        return f"{head}: {score.why}"
    times = f" {score.unmet} of {score.asked} times" if score.asked > 1 else ""
    return f"{head} {'could not be asked' if score.broke else 'did not hold'}{times}: {score.why}"


def vacuous_checks(found: ScoreFindings) -> tuple[str, ...]:
    """The `undone-when` checks that held with the fault in."""
    return tuple(f"undone-when {check.name!r}" for check in found.figures.faults.checks if check.bites is False)


def vacuous_verifies(steps: tuple[StepScore, ...]) -> tuple[str, ...]:
    return tuple(f"verify of step {step.id}" for step in steps if step.vacuous_verify)
