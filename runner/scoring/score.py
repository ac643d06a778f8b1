"""The scorecard: one more fold over a transcript, in one pass."""

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
    tally = Figures()
    tally.add_all(records)
    episodes = episode_scores(tally)
    times = run_times(tally, episodes)
    upto = tally.t if tally.ended is None else tally.ended
    found = ScoreFindings(tally=tally, episodes=episodes, times=times, steps=tally.steps.scores(upto))
    judged = objectives(found)
    service_verdict, runbook_verdict = service(found, judged), runbook(found)
    return _card(found, judged, service_verdict, runbook_verdict)


def _card(
    found: ScoreFindings, judged: tuple[Objective, ...], service_verdict: Verdict, runbook_verdict: Verdict
) -> Scorecard:
    tally, plan, how = found.tally, found.plan, ending(found, service_verdict, runbook_verdict)
    met = sum(objective.status == MET for objective in judged)
    counted = sum(objective.status != NOT_APPLICABLE for objective in judged)
    goals = [step.in_time for step in found.steps if step.in_time is not None]
    lasting = [episode.censored_after for episode in found.episodes if episode.censored_after is not None]
    end = tally.ends[0] if tally.ends else None
    headline = _headline(how, met, counted, service_verdict, runbook_verdict)
    return Scorecard(
        run=tally.run,
        drill=plan.name,
        slug=plan.slug,
        target=plan.target.name,
        environment=plan.target.environment,
        tabletop=plan.tabletop,
        started_at=tally.started_at,
        attended=tally.attended,
        people=tuple(tally.people),
        phase=tally.phase,
        ending=how.word,
        exit_code=int(how.code),
        why=how.why,
        headline=_of_tabletop(headline) if plan.tabletop else headline,
        cause=end.cause if end else "",
        reason=end.reason if end else "",
        success=_success(how, tally),
        ended=tally.ended,
        duration=tally.t if tally.ended is None else tally.ended,
        paused=tally.pause_total,
        suspended=tally.suspended,
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
        out_of_tolerance=tally.episodes.out_of_tolerance,
        episodes=found.episodes,
        steps=found.steps,
        alerts=tally.alerts,
        faults=tally.faults.scores(),
        checks=tally.faults.checks,
        vacuous=(*vacuous_checks(found), *vacuous_verifies(found.steps)),
        unobserved=found.unobserved,
        hypotheses=found.hypotheses,
        findings=findings(found),
        load=tally.load,
        notes=tuple(tally.notes["note"]),
        actions=tuple(tally.notes["action"]),
        marks=tuple(tally.notes["mark"]),
        disputes=tuple(tally.disputes),
        ratings=tally.ratings,
        warnings=tuple(tally.warnings),
    )


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


def _success(how: Ending, tally: Figures) -> bool | None:
    """What the run counts as in a success rate: None is left out."""
    if tally.plan.tabletop:
        return None
    if how.word in ("passed", "failed"):
        return how.word == "passed"
    stuck = how.word == "aborted" and any(end.cause == "aborted" and end.reason == "stuck" for end in tally.ends)
    own_fault = how.word == "stopped" and any(end.cause == "stopped" and end.own_fault for end in tally.ends)
    return False if stuck or own_fault else None
