"""The scorecard of a transcript, in one pass."""

from __future__ import annotations

from collections.abc import Iterable

from runner.engine.events import Recorded
from runner.scoring.figures import Figures
from runner.scoring.findings import ScoreFindings, findings, vacuous_checks, vacuous_verifies
from runner.scoring.scorecard import Objective, Scorecard, Verdict, to_json
from runner.scoring.times import episode_scores, run_times
from runner.scoring.verdicts import MET, NOT_APPLICABLE, Ending, ending, objectives, runbook, service

__all__ = ["Scorecard", "score", "to_json"]


def score(records: Iterable[Recorded]) -> Scorecard:
    """What these events say. Any beginning of a transcript can be scored, an empty one as well."""
    figures = Figures()
    figures.add_all(records)
    episodes = episode_scores(figures)
    times = run_times(figures, episodes)
    upto = figures.t if figures.ended is None else figures.ended
    found = ScoreFindings(figures=figures, episodes=episodes, times=times, steps=figures.steps.scores(upto))
    judged = objectives(found)
    service_verdict, runbook_verdict = service(found, judged), runbook(found)
    return _card(found, judged, service_verdict, runbook_verdict)


def _card(
    found: ScoreFindings, judged: tuple[Objective, ...], service_verdict: Verdict, runbook_verdict: Verdict
) -> Scorecard:
    figures, plan, how = found.figures, found.plan, ending(found, service_verdict, runbook_verdict)
    met, counted = _counted(judged)
    goals = [step.in_time for step in found.steps if step.in_time is not None]
    lasting = [episode.censored_after for episode in found.episodes if episode.censored_after is not None]
    end = figures.ends[0] if figures.ends else None
    headline = _headline(how, met, counted, service_verdict, runbook_verdict)
    return Scorecard(
        run=figures.run,
        drill=plan.name,
        slug=plan.slug,
        target=plan.target.name,
        environment=plan.target.environment,
        tabletop=plan.tabletop,
        started_at=figures.started_at,
        attended=figures.attended,
        people=tuple(figures.people),
        phase=figures.phase,
        ending=how.word,
        exit_code=int(how.code),
        why=how.why,
        headline=_of_tabletop(headline) if plan.tabletop else headline,
        cause=end.cause if end else "",
        reason=end.reason if end else "",
        success=_success(how, figures),
        ended=figures.ended,
        duration=figures.t if figures.ended is None else figures.ended,
        paused=figures.pause_total,
        suspended=figures.suspended,
        service=service_verdict,
        runbook=runbook_verdict,
        objectives=judged,
        objectives_met=met,
        objectives_judged=counted,
        targets_met=sum(goals),
        targets_judged=len(goals),
        times=found.times,
        censored=bool(lasting),
        censored_after=max(lasting, default=None),
        relapses=sum(episode.relapses for episode in found.episodes),
        out_of_tolerance=figures.episodes.out_of_tolerance,
        episodes=found.episodes,
        steps=found.steps,
        alerts=figures.alerts,
        faults=figures.faults.scores(),
        checks=figures.faults.checks,
        vacuous=(*vacuous_checks(found), *vacuous_verifies(found.steps)),
        unobserved=found.unobserved,
        hypotheses=found.hypotheses,
        findings=findings(found),
        load=figures.load,
        notes=tuple(figures.notes["note"]),
        actions=tuple(figures.notes["action"]),
        marks=tuple(figures.notes["mark"]),
        disputes=tuple(figures.disputes),
        ratings=figures.ratings,
        warnings=tuple(figures.warnings),
    )


def _counted(judged: tuple[Objective, ...]) -> tuple[int, int]:
    """How many objectives were met, of how many that applied."""
    met = sum(objective.status == MET for objective in judged)
    return met, sum(objective.status != NOT_APPLICABLE for objective in judged)


def _headline(how: Ending, met: int, counted: int, service_verdict: Verdict, runbook_verdict: Verdict) -> str:
    if how.word not in ("passed", "failed"):
        return ": ".join(part for part in (how.word or "running", how.why) if part)
    if not counted:
        judged = [verdict.why for verdict in (service_verdict, runbook_verdict) if verdict.status == MET]
        return "; ".join([how.word, *([how.why] if how.why else judged)])
    tail = "; runbook not met" if runbook_verdict.status == "not met" else ""
    return f"{met} of {counted} objectives met{tail}"


def _of_tabletop(headline: str) -> str:
    """What people talked through passes or fails nothing but the runbook's text."""
    return f"tabletop: {headline.removeprefix('passed; ').removeprefix('failed; ')}"


def _success(how: Ending, figures: Figures) -> bool | None:
    """What the run counts as in a success rate: None is left out."""
    if figures.plan.tabletop:
        return None
    if how.word in ("passed", "failed"):
        return how.word == "passed"
    stuck = how.word == "aborted" and any(end.cause == "aborted" and end.reason == "stuck" for end in figures.ends)
    own_fault = how.word == "stopped" and any(end.cause == "stopped" and end.own_fault for end in figures.ends)
    return False if stuck or own_fault else None
