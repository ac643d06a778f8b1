"""What is measured: load, indicators, alerts; and the impact, mitigation and recovery they show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from runner.engine.events.event import Event, Json
from runner.lazy_dataclass import lazy_dataclass


@lazy_dataclass(frozen=True, kw_only=True)
class LoadStarted(Event, kind="load-started"):
    users: int
    pid: int = 0


@lazy_dataclass(frozen=True, kw_only=True)
class LoadSpawned(Event, kind="load-spawned"):
    """The ramp is complete."""

    users: int


@lazy_dataclass(frozen=True, kw_only=True)
class LoadSampled(Event, kind="load-sampled", batched=True, sample=True):
    """A window [since, until) of requests by completion.

    `requests`: "POST /checkout" → {n, failures, rate (1/s), p50, p95, p99 (s, null when none)}.
    """

    since: float
    until: float
    users: int
    requests: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)


@lazy_dataclass(frozen=True, kw_only=True)
class LoadEnded(Event, kind="load-ended"):
    """It stopped; before the run's end was decided it did so by itself, and `why` says how.

    `exceptions`: what users raised, as {where (file:line:column), what, count}; `cut`: the seconds after which
    `on_stop` and `test_stop` were cut, 0 when they ended by themselves.
    """

    why: str = ""
    exceptions: tuple[Mapping[str, Json], ...] = ()
    cut: float = 0.0


@lazy_dataclass(frozen=True, kw_only=True)
class LoadFailed(Event, kind="load-failed", hidden=True):
    """It never was, or broke down; with `locustfile` by a fault of that file's own."""

    why: str
    locustfile: bool = False


@lazy_dataclass(frozen=True, kw_only=True)
class ProbesSampled(Event, kind="probes-sampled", batched=True, sample=True):
    """The open-loop probes of one indicator: shots of (t sent, in tolerance, seconds taken, why not)."""

    indicator: str
    shots: tuple[tuple[float, bool, float, str], ...] = ()


@lazy_dataclass(frozen=True, kw_only=True)
class IndicatorJudged(Event, kind="indicator-judged", batched=True, sample=True, hidden=True):
    """One indicator over the 1 s bucket that begins at `since`.

    `value` in the metric's unit, None when empty. `ok` and `degraded_ok`: inside the tolerance, inside the degraded one.
    `first`: the first observation in the bucket. `bad_from`, `bad_until`: first and last bad observation, else None;
    `degraded_bad_until`: the last one outside the degraded tolerance. An empty bucket has none of them.
    """

    indicator: str
    since: float
    n: int
    value: float | None = None
    ok: bool
    degraded_ok: bool = True
    first: float | None = None
    bad_from: float | None = None
    bad_until: float | None = None
    degraded_bad_until: float | None = None


@lazy_dataclass(frozen=True, kw_only=True)
class AlertFired(Event, kind="alert-fired"):
    """`before`: it was already firing before the first injection, and is ignored."""

    alert: str
    before: bool = False


@lazy_dataclass(frozen=True, kw_only=True)
class AlertCleared(Event, kind="alert-cleared"):
    alert: str


@lazy_dataclass(frozen=True, kw_only=True)
class AlertSilent(Event, kind="alert-silent"):
    """Where it is asked for nobody answers: whether it fires is not known until `AlertAnswers`."""

    alert: str
    why: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class AlertAnswers(Event, kind="alert-answers"):
    """It can be asked for again."""

    alert: str


@lazy_dataclass(frozen=True, kw_only=True)
class ImpactSeen(Event, kind="impact-seen", decided=True, hidden=True):
    """The first breach after injection; the moment itself is `since`."""

    indicator: str
    since: float


@lazy_dataclass(frozen=True, kw_only=True)
class MitigationSeen(Event, kind="mitigation-seen", decided=True, hidden=True):
    """Every indicator was inside its degraded tolerance from `since` on, for `hold`."""

    since: float


@lazy_dataclass(frozen=True, kw_only=True)
class RecoverySeen(Event, kind="recovery-seen", decided=True, hidden=True):
    """Every indicator held from `since` on, for `hold`; final only if unbroken until the end."""

    since: float


@lazy_dataclass(frozen=True, kw_only=True)
class Relapsed(Event, kind="relapsed", decided=True, hidden=True):
    """A new breach after a recovery was seen."""

    indicator: str
    since: float
