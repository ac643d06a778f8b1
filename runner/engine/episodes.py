"""Episodes: from a fault to the service's recovery, found in the judged buckets.

An episode begins with the first action of an experiment. Its impact is the first breach after that; it is recovered
when every indicator has held for the plan's `hold`; a later breach takes the recovery back. An injection after a
recovery opens the next episode. Nothing that is judged after the run's end was decided counts: an undo is no recovery.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from runner.engine.breaches import BREACH, BreachTrack, Moment, Trait, bad_until
from runner.engine.events import (
    ActivityStarted,
    BaselineTaken,
    EndDecided,
    Event,
    ExperimentEnded,
    ExperimentFailed,
    FaultRefused,
    ImpactSeen,
    IndicatorJudged,
    MethodEnded,
    MitigationSeen,
    PhaseEntered,
    Recorded,
    RecoverySeen,
    Relapsed,
    RollbackStarted,
    RunClosed,
    UndoStarted,
)
from runner.engine.indicators import BUCKET
from runner.engine.phases import is_ending
from runner.engine.plan import RunPlan
from runner.lazy_dataclass import lazy_dataclass
from runner.specs.injection_moment import OnCommand

#: Bad buckets kept from before an injection: its event may come a moment after the bucket it falls into.
_RECENT = 8

#: Bad seconds told apart before the older half is only counted: no indicator is that far behind another.
_APART = 128

_OfExperiment = ActivityStarted | MethodEnded | ExperimentEnded | ExperimentFailed | FaultRefused


@lazy_dataclass(frozen=True, kw_only=True)
class Episode:
    """One incident of the run. Moments are on the run's clock (s); None is not, or not yet.

    `injected` is the start of its first action, `last_injected` that of the first action of its latest experiment.
    `relapse` is the latest breach that took a recovery back.
    """

    injected: float
    last_injected: float
    experiments: tuple[str, ...]
    impact: Moment | None = None
    mitigated: Moment | None = None
    recovered: Moment | None = None
    relapses: int = 0
    relapse: Moment | None = None


class EpisodeFold:
    """The episodes of a run, grown event by event. `Episodes` is the same as a value."""

    def __init__(self, plan: RunPlan) -> None:
        self._hold = plan.hold
        self.pending = tuple(e.slug for e in plan.experiments if not isinstance(e.inject, OnCommand))
        self.injected: dict[str, float] = {}
        self.past: tuple[Episode, ...] = ()
        self.current: Episode | None = None
        self.ended: float | None = None
        self._watch(Trait.of(indicator) for indicator in plan.indicators)
        self._recent: deque[IndicatorJudged] = deque(maxlen=_RECENT)
        self._spoilt: set[float] = set()
        self._spoilt_before = 0
        self._edge = -math.inf

    def copy(self) -> EpisodeFold:
        twin = object.__new__(EpisodeFold)
        twin.__dict__.update(self.__dict__)
        twin.injected = dict(self.injected)
        twin._tracks, twin._degraded = dict(self._tracks), dict(self._degraded)
        twin._shared = set(self._tracks)
        twin._recent = deque(self._recent, _RECENT)
        twin._spoilt = set(self._spoilt)
        return twin

    def snapshot(self) -> tuple[object, ...]:
        """Everything that tells two folds apart."""
        tracks = tuple((*self._tracks[name].state(), *self._degraded[name].state()) for name in self._tracks)
        seconds = (self._spoilt_before, self._edge, frozenset(self._spoilt))
        found = (self.past, self.current, self.ended, self.pending, tuple(self.injected.items()))
        return (self._hold, tuple(self._tracks), tracks, tuple(self._recent), seconds, found)

    def add(self, recorded: Recorded) -> bool:
        """Take one event in; whether it could change anything."""
        handler = _HANDLERS.get(type(recorded.event))
        if handler is None or self.ended is not None:
            return False
        return handler(self, recorded.event, recorded.t)

    @property
    def episodes(self) -> tuple[Episode, ...]:
        return self.past if self.current is None else (*self.past, self.current)

    @property
    def out_of_tolerance(self) -> float:
        """Seconds, since the first injection, in which at least one indicator was bad."""
        return self._spoilt_before + len(self._spoilt) * BUCKET

    @property
    def held_since(self) -> float | None:
        """Since when every indicator is inside, after an impact; None while one is not."""
        if self.current is None or self.current.impact is None:
            return None
        if self.current.recovered is not None:
            return self.current.recovered.t
        start = self._inside_since(self._tracks, self.current.impact)
        return None if start is None else start.t

    def _watch(self, traits: Iterable[Trait]) -> None:
        self._tracks = {trait.name: BreachTrack(trait) for trait in traits}
        self._degraded = {name: BreachTrack(track.trait) for name, track in self._tracks.items()}
        #: Indicators whose tracks another fold may still have; before one changes it is copied.
        self._shared: set[str] = set()

    def _baseline(self, event: BaselineTaken, _t: float) -> bool:
        if self.current is not None or not event.met:
            return False
        self._watch([track.trait for name, track in self._tracks.items() if name in event.held])
        return True

    def _phase(self, event: PhaseEntered, t: float) -> bool:
        return is_ending(event.phase) and self._end(event, t)

    def _end(self, _event: Event, t: float) -> bool:
        self.ended = t
        return True

    def _no_longer_pending(self, event: _OfExperiment, _t: float) -> bool:
        if event.experiment not in self.pending:
            return False
        self.pending = tuple(slug for slug in self.pending if slug != event.experiment)
        return True

    def _action(self, event: ActivityStarted, t: float) -> bool:
        if event.type != "action" or event.experiment in self.injected:
            return False
        self.injected[event.experiment] = t
        self._no_longer_pending(event, t)
        open_one = self.current
        if open_one is not None and open_one.recovered is None:
            experiments = (*open_one.experiments, event.experiment)
            self.current = replace(open_one, last_injected=t, experiments=experiments)
            return True
        self.past = self.episodes
        self.current = Episode(injected=t, last_injected=t, experiments=(event.experiment,))
        for name in self._tracks:
            for track in self._own(name):
                track.forget()
        for bucket in tuple(self._recent):
            self._count(self.current, bucket)
        return True

    def _judged(self, bucket: IndicatorJudged, _t: float) -> bool:
        if bucket.indicator not in self._tracks:
            return False
        if not bucket.ok:
            self._recent.append(bucket)
        if self.current is not None:
            self._count(self.current, bucket)
            return True
        return not bucket.ok

    def _count(self, episode: Episode, bucket: IndicatorJudged) -> None:
        if bucket.since + BUCKET <= episode.injected:
            return
        track, degraded = self._own(bucket.indicator)
        _follow(degraded, bucket, bucket.degraded_ok, bad_until(bucket, degraded=True), episode.injected)
        if _follow(track, bucket, bucket.ok, bad_until(bucket), episode.injected):
            self._spoil(bucket.since)
            if track.run >= BREACH:
                self.current = episode = _breached(episode, track)
            if not degraded.good:
                return
        if episode.impact is not None and (episode.recovered is None or episode.mitigated is None):
            self.current = self._searched(episode, episode.impact)

    def _own(self, name: str) -> tuple[BreachTrack, BreachTrack]:
        if name in self._shared:
            self._shared.remove(name)
            self._tracks[name], self._degraded[name] = self._tracks[name].copy(), self._degraded[name].copy()
        return self._tracks[name], self._degraded[name]

    def _spoil(self, second: float) -> None:
        if second < self._edge:
            return
        self._spoilt.add(second)
        if len(self._spoilt) > _APART:
            self._edge = sorted(self._spoilt)[_APART // 2]
            recent = {second for second in self._spoilt if second >= self._edge}
            self._spoilt_before += len(self._spoilt) - len(recent)
            self._spoilt = recent

    def _searched(self, episode: Episode, impact: Moment) -> Episode:
        mitigated, recovered = episode.mitigated, episode.recovered
        if recovered is None:
            recovered = self._held(self._tracks, impact)
        if mitigated is None:
            inside = self._held(self._degraded, impact)
            # A service that creeps towards an outage is inside its degraded tolerance at first: not mitigated.
            left = inside is not None and inside.t > impact.t
            mitigated = inside if left or recovered is not None else None
        if (mitigated, recovered) == (episode.mitigated, episode.recovered):
            return episode
        return replace(episode, mitigated=mitigated, recovered=recovered)

    def _held(self, tracks: Mapping[str, BreachTrack], impact: Moment) -> Moment | None:
        start = self._inside_since(tracks, impact)
        if start is None or min(track.until for track in tracks.values()) - start.t < self._hold:
            return None
        return start

    def _inside_since(self, tracks: Mapping[str, BreachTrack], impact: Moment) -> Moment | None:
        start, latest = impact.t, None
        for track in tracks.values():
            if not track.good or track.clear_t is None:
                return None
            if track.clear_t > start:
                start, latest = track.clear_t, track
        return impact if latest is None else latest.clear_from(start)


def _follow(track: BreachTrack, bucket: IndicatorJudged, ok: bool, last: float | None, floor: float) -> bool:
    """Whether the bucket is bad by something seen after `floor` (s)."""
    if ok or (last is not None and last < floor):
        track.inside(bucket)
        return False
    track.outside(bucket, last, floor)
    return True


def _breached(episode: Episode, track: BreachTrack) -> Episode:
    if episode.impact is None or (episode.recovered is None and track.began.t < episode.impact.t):
        return replace(episode, impact=track.began)
    if episode.recovered is None:
        return episode
    return replace(episode, recovered=None, relapses=episode.relapses + 1, relapse=track.began)


_HANDLERS: dict[type[Event], Callable[[EpisodeFold, Any, float], bool]] = {
    IndicatorJudged: EpisodeFold._judged,
    ActivityStarted: EpisodeFold._action,
    BaselineTaken: EpisodeFold._baseline,
    MethodEnded: EpisodeFold._no_longer_pending,
    ExperimentEnded: EpisodeFold._no_longer_pending,
    ExperimentFailed: EpisodeFold._no_longer_pending,
    FaultRefused: EpisodeFold._no_longer_pending,
    EndDecided: EpisodeFold._end,
    PhaseEntered: EpisodeFold._phase,
    UndoStarted: EpisodeFold._end,
    RollbackStarted: EpisodeFold._end,
    RunClosed: EpisodeFold._end,
}


class Episodes:
    """The episodes of a run as a value: folding gives a new one, and the old one stays as it was.

    The plain properties speak of the latest episode; `episodes` has them all.
    """

    __slots__ = ("_fold",)

    def __init__(self, fold: EpisodeFold) -> None:
        self._fold = fold

    @classmethod
    def empty(cls, plan: RunPlan) -> Episodes:
        return cls(EpisodeFold(plan))

    def fold(self, recorded: Recorded) -> Episodes:
        if type(recorded.event) not in _HANDLERS:
            return self
        twin = self._fold.copy()
        return Episodes(twin) if twin.add(recorded) else self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Episodes) and self._fold.snapshot() == other._fold.snapshot()

    def __hash__(self) -> int:
        return hash(self._fold.snapshot())

    def __repr__(self) -> str:
        return f"Episodes({', '.join(map(repr, self.episodes))})"

    @property
    def episodes(self) -> tuple[Episode, ...]:
        return self._fold.episodes

    @property
    def current(self) -> Episode | None:
        return self._fold.current

    @property
    def injected(self) -> float | None:
        """Start of the latest episode's first action (s)."""
        return self.current.injected if self.current else None

    @property
    def last_injected(self) -> float | None:
        """Start of the first action of the experiment injected last (s)."""
        return self.current.last_injected if self.current else None

    @property
    def impact(self) -> float | None:
        return self.current.impact.t if self.current and self.current.impact else None

    @property
    def mitigated(self) -> float | None:
        return self.current.mitigated.t if self.current and self.current.mitigated else None

    @property
    def recovered(self) -> float | None:
        """Start of the held window (s); known once it has lasted `hold`."""
        return self.current.recovered.t if self.current and self.current.recovered else None

    @property
    def held_since(self) -> float | None:
        return self._fold.held_since

    @property
    def relapses(self) -> int:
        return sum(episode.relapses for episode in self.episodes)

    @property
    def ended(self) -> float | None:
        """When the run's end was decided (s): nothing counts after it."""
        return self._fold.ended


def news(before: Episodes, after: Episodes) -> tuple[Event, ...]:
    """What became known between two folds, as events. An impact is told again when it proves to be earlier."""
    old, new = before.current, after.current
    if new is None or old is new:
        return ()
    if old is None or old.injected != new.injected:
        old = Episode(injected=new.injected, last_injected=new.last_injected, experiments=new.experiments)
    told: list[Event] = []
    if new.impact is not None and new.impact != old.impact:
        told.append(ImpactSeen(indicator=new.impact.indicator, since=new.impact.t))
    if new.relapse is not None and new.relapses > old.relapses:
        told.append(Relapsed(indicator=new.relapse.indicator, since=new.relapse.t))
    if new.mitigated is not None and old.mitigated is None:
        told.append(MitigationSeen(since=new.mitigated.t))
    if new.recovered is not None and new.recovered != old.recovered:
        told.append(RecoverySeen(since=new.recovered.t))
    return tuple(told)
