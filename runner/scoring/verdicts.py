"""Objectives, the two verdicts and the ending: what the figures amount to."""

from __future__ import annotations

from collections.abc import Callable

from runner.errors import ExitCode, worst
from runner.lazy_dataclass import lazy_dataclass
from runner.scoring.figures import Figures
from runner.scoring.findings import (
    TELLS,
    ScoreFindings,
    hypothesis,
    proves_nothing,
    unheard,
    unobserved,
    vacuous_checks,
)
from runner.scoring.scorecard import Objective, StepScore, Time, Verdict
from runner.scoring.step_figures import UNFINISHED
from runner.scoring.times import first_alert, noticed_first

MET, MISSED, NOT_RECOVERED, NOT_APPLICABLE = "met", "missed", "not recovered", "not applicable"

_ENDINGS: dict[str, ExitCode] = {
    "refused": ExitCode.REFUSED,
    "broken": ExitCode.BROKEN,
    "aborted": ExitCode.ABORTED,
    "stopped": ExitCode.ABORTED,
    "failed": ExitCode.FAILED,
    "inconclusive": ExitCode.INCONCLUSIVE,
}

#: Ends after which the objectives and the runbook decide.
_JUDGED = ("complete", "time-box", "runbook-stopped", "deviated")


@lazy_dataclass(frozen=True)
class Ending:
    """How the run ended; '' while it goes on."""

    word: str = ""
    code: ExitCode = ExitCode.PASSED
    why: str = ""


# -- objectives --------------------------------------------------------------------------------------------------------


def objectives(found: ScoreFindings) -> tuple[Objective, ...]:
    plan = found.plan
    if plan.bare:
        return ()
    judged: list[Objective] = []
    if plan.expect == "no-impact" and found.measurable:
        judged.append(_no_impact(found))
    judged += _steady_state(found)
    bounds: tuple[tuple[str, float | None, Callable[[ScoreFindings, float], Objective]], ...] = (
        ("time-to-detect", plan.time_to_detect, _detect),
        ("time-to-notice", plan.time_to_notice, _notice),
        ("time-to-acknowledge", plan.time_to_acknowledge, _acknowledge),
        ("time-to-mitigate", plan.time_to_mitigate, _mitigate),
        ("time-to-recover", plan.time_to_recover, _recover),
    )
    judged += [judge(found, bound) for _, bound, judge in bounds if bound is not None]
    if plan.time_to_recover is None and plan.expect != "no-impact" and found.measurable:
        judged.append(_recover(found, None))
    return tuple(judged)


def _no_impact(found: ScoreFindings) -> Objective:
    broken = next((episode for episode in found.episodes if episode.impact is not None), None)
    if broken is not None:
        return Objective(name="no impact", status=MISSED, evidence=f"{broken.indicator} broke at {broken.impact:.1f} s")
    if found.figures.live:
        return Objective(name="no impact", evidence="no breach so far")
    if not found.episodes:
        return Objective(name="no impact", status=NOT_APPLICABLE, evidence="no fault was injected")
    if found.unobserved:
        return Objective(name="no impact", status=NOT_APPLICABLE, evidence=unobserved(found, found.unobserved[0]))
    return Objective(name="no impact", status=MET, evidence="no indicator broke")


def _steady_state(found: ScoreFindings) -> list[Objective]:
    """The experiments' own hypotheses, from the method on, where they are what there is to judge by."""
    asked = [each for each in found.hypotheses if each.when != "before"] if found.judges_hypotheses else []
    if not asked:
        return []
    unmet = next((each for each in asked if each.met is False), None)
    unknown = next((each for each in asked if each.met is None), None)
    if unmet is not None:
        return [Objective(name="hypothesis", status=MISSED, evidence=hypothesis(unmet))]
    if unknown is not None:
        return [Objective(name="hypothesis", status=NOT_APPLICABLE, evidence=hypothesis(unknown))]
    if found.figures.live:
        return [Objective(name="hypothesis", evidence="it held so far")]
    return [Objective(name="hypothesis", status=MET, evidence="it held each time it was asked")]


def _detect(found: ScoreFindings, bound: float) -> Objective:
    name, time = "time-to-detect", found.times.detected
    reachable = bool(found.plan.alerts) or _people_can(found, "detected")
    unjudged = "" if reachable else "needs people"
    if not found.figures.live:
        unjudged = unjudged or "; ".join(unheard(found))
    return _timed(found, name, bound, time, unjudged, "nobody noticed and no alert fired")


def _notice(found: ScoreFindings, bound: float) -> Objective:
    time = found.times.detected_by_person
    unjudged = "" if _people_can(found, "detected") else "needs people"
    return _timed(found, "time-to-notice", bound, time, unjudged, "no participant noticed")


def _acknowledge(found: ScoreFindings, bound: float) -> Objective:
    name, time = "time-to-acknowledge", found.times.acknowledged
    why = "" if _people_can(found, "acknowledged") else "needs people"
    if not why and noticed_first(found.figures):
        why = "a person noticed before any alert fired"
    elif not why and found.impact and not found.figures.live and not _alerted(found):
        why = "no alert fired"
    return _timed(found, name, bound, time, why, "nobody acknowledged the alert")


def _alerted(found: ScoreFindings) -> bool:
    broken = next(episode for episode in found.episodes if episode.impact is not None)
    return first_alert(found.figures, broken.injected) is not None


def _mitigate(found: ScoreFindings, bound: float) -> Objective:
    open_one = any(episode.impact is not None and episode.mitigated is None for episode in found.episodes)
    time = Time() if open_one else found.times.mitigated
    why = "" if found.plan.indicators else "no indicator measures it"
    return _timed(found, "time-to-mitigate", bound, time, why, _until(found, "not mitigated"))


def _recover(found: ScoreFindings, bound: float | None) -> Objective:
    open_one = any(episode.impact is not None and episode.recovered is None for episode in found.episodes)
    time = Time() if open_one else found.times.recovered
    why = "" if found.plan.indicators else "no indicator measures it"
    name = "recovered" if bound is None else "time-to-recover"
    objective = _timed(found, name, bound, time, why, _until(found, "not recovered"), never=NOT_RECOVERED)
    healed = [episode for episode in found.episodes if episode.character == "self-healed"]
    if not healed or objective.measured is None:
        return objective
    note = f"{objective.evidence}; healed before any team action: the system's time, not the team's"
    return Objective(**{**vars(objective), "evidence": note})


def _until(found: ScoreFindings, what: str) -> str:
    lasted = max((episode.censored_after or 0.0 for episode in found.episodes), default=0.0)
    return f"{what} by {lasted:.1f} s after the impact, when the run ended"


def _people_can(found: ScoreFindings, milestone: str) -> bool:
    """Somebody could have said it: a person, or, but for what only people notice, an operator's answer to its step."""
    figures = found.figures
    if milestone == "detected" and figures.version >= TELLS:
        return figures.attended or figures.noticed is not None
    if figures.attended or milestone in figures.milestones:
        return True
    return any(step.milestone == milestone and step.id in figures.scripted for step in found.plan.steps)


def _timed(
    found: ScoreFindings, name: str, bound: float | None, time: Time, unjudged: str, missing: str, never: str = MISSED
) -> Objective:
    """Judge one time. `unjudged` says why it does not apply, `missing` what is said when it was never reached."""
    if not unjudged and not found.impact and not found.figures.live:
        unjudged = _why_no_impact(found)
    if unjudged:
        return Objective(name=name, bound=bound, status=NOT_APPLICABLE, evidence=unjudged)
    if time.seconds is None:
        if found.figures.live:
            return Objective(name=name, bound=bound)
        return Objective(name=name, bound=bound, status=never, evidence=missing)
    within = bound is None or time.seconds <= bound
    return Objective(
        name=name,
        bound=bound,
        measured=time.seconds,
        resolution=time.resolution,
        status=MET if within else MISSED,
        evidence=time.how,
    )


def _why_no_impact(found: ScoreFindings) -> str:
    if found.plan.experiments and not found.episodes:
        return "no fault was injected"
    if any(episode.character == "prevented" for episode in found.episodes):
        return "prevented: mitigated before any impact"
    return "no impact"


# -- verdicts ----------------------------------------------------------------------------------------------------------


def service(found: ScoreFindings, judged: tuple[Objective, ...]) -> Verdict:
    counted = [objective for objective in judged if objective.status != NOT_APPLICABLE]
    missed = [objective for objective in counted if objective.status in (MISSED, NOT_RECOVERED)]
    if missed:
        return Verdict(status="not met", why="; ".join(f"{each.name}: {_miss(each)}" for each in missed))
    if found.figures.live:
        return Verdict()
    if counted:
        return Verdict(status=MET, why=f"{len(counted)} of {len(counted)} objectives met")
    if found.unobserved:
        return Verdict(status=NOT_APPLICABLE, why="it was not observed all the time")
    if found.measurable and any(episode.character == "prevented" for episode in found.episodes):
        return Verdict(status=MET, why="prevented: mitigated before any impact")
    return Verdict(status=NOT_APPLICABLE, why=_why_no_impact(found) if found.measurable else "nothing to judge it by")


def _miss(objective: Objective) -> str:
    if objective.measured is None or objective.bound is None:
        return objective.evidence or objective.status
    return f"{objective.measured:.1f} s, the bound is {objective.bound:g} s"


def runbook(found: ScoreFindings) -> Verdict:
    steps = [step for step in found.steps if not step.anytime]
    if not any(step.visits or step.outcome for step in steps):
        return Verdict(status=NOT_APPLICABLE, why="no step was begun" if steps else "no runbook")
    wrong = [f"step {step.id}: {why}" for step in found.steps if step.critical and (why := _wrong(step))]
    wrong += [f"step {step.id}: not reached" for step in _not_reached(found, steps) if step.critical]
    if wrong:
        recovered = any(episode.recovered is not None for episode in found.episodes)
        return Verdict(status="not met", why=("recovered off-script: " if recovered else "") + "; ".join(wrong))
    if found.figures.live:
        return Verdict()
    if not any(step.critical and step.outcome == "succeeded" for step in found.steps):
        return Verdict(status=NOT_APPLICABLE, why="no critical step was left to judge")
    return Verdict(status=MET, why="every critical step succeeded as written")


def _wrong(step: StepScore) -> str:
    """Why a step did not succeed as written; '' when it did, or leaves the denominators (`if`, unattended)."""
    if step.outcome in ("failed", "timed-out", UNFINISHED):
        return step.outcome + (f", {step.why}" if step.why else "")
    if not step.as_written:
        return "skipped" + (f", {step.why}" if step.why else "") if step.outcome == "skipped" else "gone round"
    return ""


def _not_reached(found: ScoreFindings, steps: list[StepScore]) -> list[StepScore]:
    """Steps behind the furthest one, unless the runbook came to its own end; those before it were jumped over."""
    if found.figures.live:
        return []
    causes = {end.cause for end in found.figures.ends}
    came_to_its_end = causes <= {"complete", "time-box"} and all(step.outcome != UNFINISHED for step in steps)
    if came_to_its_end:
        return []
    furthest = max(place for place, step in enumerate(steps) if step.visits or step.outcome)
    return steps[furthest + 1 :]


# -- the ending --------------------------------------------------------------------------------------------------------


def ending(found: ScoreFindings, service_verdict: Verdict, runbook_verdict: Verdict) -> Ending:
    """The gravest of all endings that apply."""
    figures = found.figures
    if figures.live:
        return Ending()
    apply = [*_left_behind(found), *_cut_short(figures)]
    if any(end.cause in _JUDGED for end in figures.ends):
        apply += _bare(found) if found.plan.bare else _judged(found, service_verdict, runbook_verdict)
    if not apply:
        vacuous = vacuous_checks(found)
        if vacuous:
            return Ending("inconclusive", ExitCode.INCONCLUSIVE, f"{vacuous[0]} held while the fault was in")
        return Ending("passed")
    code = worst(each.code for each in apply)
    return next(each for each in apply if each.code == code)


def _left_behind(found: ScoreFindings) -> list[Ending]:
    faults = found.figures.faults
    stay = dict(faults.left)
    if found.figures.over:
        stay.update(dict.fromkeys(faults.open, "nothing says that it was undone"))
    if stay:
        why = "; ".join(f"{slug}: {reason}" for slug, reason in stay.items())
        return [Ending("broken", ExitCode.LEFT_BEHIND, f"a fault was left behind: {why}")]
    if faults.ever_left:
        return [Ending("broken", ExitCode.BROKEN, "a fault was left behind and undone later")]
    return []


def _cut_short(figures: Figures) -> list[Ending]:
    found = [
        Ending(end.cause, _ENDINGS[end.cause], ": ".join(part for part in (end.reason, end.why) if part))
        for end in figures.ends
        if end.cause in _ENDINGS
    ]
    if not figures.ends and figures.closed is None:
        return [Ending("broken", ExitCode.BROKEN, "the run ended without giving a reason")]
    return found


def _bare(found: ScoreFindings) -> list[Ending]:
    figures = found.figures
    why = [f"{end.experiment} {end.status}" for end in figures.experiment_ends if end.status in ("failed", "aborted")]
    why += [f"{end.experiment} deviated" for end in figures.experiment_ends if end.deviated]
    why += [f"action {fault.name} {fault.status}" for fault in figures.faults.failed_actions]
    why += [end.why or "it deviated" for end in figures.ends if end.cause == "deviated" and not why]
    return [*_unproven(found), *([Ending("failed", ExitCode.FAILED, "; ".join(why))] if why else [])]


def _unproven(found: ScoreFindings) -> list[Ending]:
    return [Ending("inconclusive", ExitCode.INCONCLUSIVE, why) for why in proves_nothing(found)]


def _judged(found: ScoreFindings, service_verdict: Verdict, runbook_verdict: Verdict) -> list[Ending]:
    apply = _unproven(found)
    for name, verdict in (("service", service_verdict), ("runbook", runbook_verdict)):
        if verdict.status == "not met":
            apply.append(Ending("failed", ExitCode.FAILED, f"{name}: {verdict.why}"))
    return apply
