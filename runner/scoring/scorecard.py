"""What a transcript says, as values. `runner.scoring.score` fills them; docs/measures.md defines every figure.

Times are seconds, ratios 0..1. A moment is on the run's clock. None means: not measured, not reached, or not yet.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from runner.lazy_dataclass import lazy_dataclass

#: Version of the JSON form. A field may be added; none is renamed or changes its meaning without a new number.
VERSION = 1


@lazy_dataclass(frozen=True, kw_only=True)
class Time:
    """A duration or a moment, how well it is known (s), and what it was measured by."""

    seconds: float | None = None
    resolution: float | None = None
    how: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class Times:
    """The times of the run.

    `injected`, `returned` and `impact` are moments; the others last from the definitions' start to their end. With
    several episodes `mitigated` and `recovered` are the longest, the others belong to the first with an impact.
    `detected` is the earlier of the person's and the alert's.
    """

    injected: Time = Time()
    returned: Time = Time()
    impact: Time = Time()
    detected_by_person: Time = Time()
    detected_by_alert: Time = Time()
    detected: Time = Time()
    acknowledged: Time = Time()
    mitigated_claimed: Time = Time()
    mitigated: Time = Time()
    recovered: Time = Time()
    all_clear_error: Time = Time()


@lazy_dataclass(frozen=True, kw_only=True)
class Objective:
    """status: met, missed, not recovered, not applicable, or open while the run goes on. `bound` in seconds."""

    name: str
    bound: float | None = None
    measured: float | None = None
    resolution: float | None = None
    status: str = "open"
    evidence: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class Verdict:
    """status: met, not met, not applicable, or open while the run goes on."""

    status: str = "open"
    why: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class EpisodeScore:
    """One incident. character: recovered, self-healed, prevented, no impact, not recovered, or open.

    `impact`, `mitigated` and `recovered` are moments; `censored_after` is how long (s) it had lasted when the run ended
    without a recovery.
    """

    experiments: tuple[str, ...]
    injected: float
    character: str
    indicator: str = ""
    impact: float | None = None
    mitigated: float | None = None
    recovered: float | None = None
    time_to_mitigate: Time = Time()
    time_to_recover: Time = Time()
    censored_after: float | None = None
    relapses: int = 0


@lazy_dataclass(frozen=True, kw_only=True)
class StepScore:
    """One step. outcome: succeeded, failed, timed-out, skipped, unfinished, open, or '' when it never became current.

    `seconds` is gross over all visits; it is the sum of `waiting`, `commands`, `verifying` and `paused`; `net` leaves
    the pauses out. `in_time` compares `net` with `target_time`. `who` is the person who acted last.
    """

    id: str
    name: str
    outcome: str = ""
    why: str = ""
    visits: int = 0
    attempts: int = 0
    seconds: float = 0.0
    net: float = 0.0
    waiting: float = 0.0
    commands: float = 0.0
    verifying: float = 0.0
    paused: float = 0.0
    target_time: float | None = None
    in_time: bool | None = None
    who: str = ""
    critical: bool = True
    anytime: bool = False
    as_written: bool = True
    vacuous_verify: bool = False
    hint_shown: bool = False
    milestone: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class AlertScore:
    """An alert. status: fired, never, or before (it already fired before the fault). Moments on the run's clock.

    `silent`: when, with a fault in, it could not be asked for, first, and `why`; then `never` only means: not seen.
    """

    name: str
    status: str
    fired: float | None = None
    cleared: float | None = None
    silent: float | None = None
    why: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class FaultScore:
    """An action and what became of it. state: refused, open, undone or left; `how` it was undone, or `why` not.

    `doubt`: why the fault may not have been in although the action came back: `exited with 1`.
    """

    experiment: str
    name: str
    state: str
    index: int = 0
    intended: float | None = None
    started: float | None = None
    returned: float | None = None
    status: str = ""
    doubt: str = ""
    undone: float | None = None
    how: str = ""
    why: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class CheckScore:
    """An `undone-when`. `bites`: false while the fault was in, as it must be; `held`: after the undo; None: not asked."""

    experiment: str
    name: str
    bites: bool | None = None
    held: bool | None = None
    why: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class HypothesisScore:
    """An experiment's steady-state hypothesis. when: before, during or after.

    `met`: it held each of the `asked` times; None when it was never asked to its end. `unmet` counts the times it did not
    hold, `since` (s) is the first; `broke`: its probe failed then, so that nobody knows.
    """

    experiment: str
    when: str
    met: bool | None = None
    asked: int = 0
    unmet: int = 0
    since: float | None = None
    broke: bool = False
    why: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class Unobserved:
    """An indicator was not observed from `since` to `until` (s), a time on which a verdict rests."""

    indicator: str
    since: float
    until: float


@lazy_dataclass(frozen=True, kw_only=True)
class RaisedFigures:
    """An error that simulated users raised: `where` (file:line:column; '' when unknown), `what`, and how often."""

    where: str = ""
    what: str = ""
    count: int = 0


@lazy_dataclass(frozen=True, kw_only=True)
class LoadScore:
    """The load over the whole run. `rate` is the mean (1/s) over `seconds`, the time in which there was a user or a request.

    `ended`: when it ended by itself (s), before anybody told it to, and `why`; None when it did not. `exceptions`: what
    users raised, the most frequent first; `cut`: the seconds after which `on_stop` and `test_stop` were cut, 0 when they were not.
    """

    requests: int = 0
    failures: int = 0
    rate: float = 0.0
    max_users: int = 0
    seconds: float = 0.0
    ended: float | None = None
    why: str = ""
    exceptions: tuple[RaisedFigures, ...] = ()
    cut: float = 0.0


@lazy_dataclass(frozen=True, kw_only=True)
class Said:
    """A note, an action, a mark or a dispute, and who wrote it when."""

    t: float
    by: str
    text: str
    step: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class Rating:
    """What people answered in the debrief, 1 to 5, without their names: each person's last word, lowest first."""

    about: str
    scores: tuple[int, ...] = ()


@lazy_dataclass(frozen=True, kw_only=True)
class Scorecard:
    """A run, judged. Works on a running one as well: then `ending` is '' and verdicts are open.

    `ending`: passed, failed, inconclusive, aborted, stopped, refused or broken. `success`: what the run counts as in a
    success rate; None leaves it out. `censored`: broken by the fault and not recovered when it ended, `censored_after`
    seconds after the impact. `findings` are what a team should look at. `ended` is when the end was decided, `started_at` the wall clock at t = 0.
    """

    version: int = VERSION
    run: str = ""
    drill: str = ""
    slug: str = ""
    target: str = ""
    environment: str = ""
    tabletop: bool = False
    started_at: str = ""
    attended: bool = False
    people: tuple[str, ...] = ()
    phase: str = ""
    ending: str = ""
    exit_code: int = 0
    why: str = ""
    headline: str = ""
    cause: str = ""
    reason: str = ""
    success: bool | None = None
    ended: float | None = None
    duration: float = 0.0
    paused: float = 0.0
    suspended: float = 0.0
    service: Verdict = Verdict()
    runbook: Verdict = Verdict()
    objectives: tuple[Objective, ...] = ()
    objectives_met: int = 0
    objectives_judged: int = 0
    targets_met: int = 0
    targets_judged: int = 0
    times: Times = Times()
    censored: bool = False
    censored_after: float | None = None
    relapses: int = 0
    out_of_tolerance: float = 0.0
    episodes: tuple[EpisodeScore, ...] = ()
    steps: tuple[StepScore, ...] = ()
    alerts: tuple[AlertScore, ...] = ()
    faults: tuple[FaultScore, ...] = ()
    checks: tuple[CheckScore, ...] = ()
    vacuous: tuple[str, ...] = ()
    unobserved: tuple[Unobserved, ...] = ()
    hypotheses: tuple[HypothesisScore, ...] = ()
    findings: tuple[str, ...] = ()
    load: LoadScore = LoadScore()
    notes: tuple[Said, ...] = ()
    actions: tuple[Said, ...] = ()
    marks: tuple[Said, ...] = ()
    disputes: tuple[Said, ...] = ()
    ratings: tuple[Rating, ...] = ()
    warnings: tuple[str, ...] = ()


def to_json(scorecard: Scorecard) -> dict[str, Any]:
    """The same as JSON-plain values, every field always there; seconds to the microsecond."""
    plain = _plain(scorecard)
    assert isinstance(plain, dict)  # noqa: S101 - a dataclass becomes a dict
    return plain


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return round(value, 6) if isinstance(value, float) else value
