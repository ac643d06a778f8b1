"""What is known of a run at one moment: its events reduced to one value by `runner.engine.apply`.

Everything here is immutable by convention, mappings too: an event makes a new `State` that shares what did not change.
Times are seconds of the run's clock. Its size depends on the plan and on what people write, never on how long the run
lasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from runner.engine.episodes import Episodes
from runner.engine.events import BaselineTaken, EndDecided, LoadSampled, RunClosed
from runner.engine.phases import Phase, is_ending, is_over
from runner.engine.plan import RunPlan, Step, Target
from runner.lazy_dataclass import but, lazy_dataclass

#: pending → asking → ready → running → ran → (retry-wait →) verifying → verified → ended; a person's step goes from
#: ready to done. `failing` waits for a person's decision. ran, done and verified last only until the next decision.
StepStatus = Literal[
    "pending",
    "asking",
    "ready",
    "running",
    "ran",
    "retry-wait",
    "done",
    "verifying",
    "verified",
    "failing",
    "ended",
]

#: waiting → loaded → arming → armed → ordered → injected → undoing → undone; else ended, failed or left.
ExperimentStatus = Literal[
    "waiting",
    "loaded",
    "arming",
    "armed",
    "ordered",
    "injected",
    "ended",
    "failed",
    "undoing",
    "undone",
    "left",
]

#: Buckets kept of each indicator while the baseline is taken.
BASELINE_BUCKETS = 120


@lazy_dataclass(frozen=True, kw_only=True)
class StepView:
    """One step of the runbook: of its latest visit, unless said otherwise.

    `visits` counts how often it became current (for an anytime step: how often it was done). `attempt` is the number
    of its latest command, `forgiven` those before a person last said "retry". `answered` names the questions that have
    an answer. `primed`: its verification already held when it became current; None when nobody looked. `role` is what
    the person is who said that it is done.
    """

    id: str
    status: StepStatus = "pending"
    visits: int = 0
    started_t: float | None = None
    paused_before: float = 0.0
    ended_t: float | None = None
    net_seconds: float | None = None
    outcome: str = ""
    why: str = ""
    as_written: bool = True
    approved: bool = False
    confirmed: bool = False
    answered: frozenset[str] = frozenset()
    choice: str = ""
    retried: bool = False
    attempt: int = 0
    forgiven: int = 0
    pid: int = 0
    command_t: float | None = None
    command_ended_t: float | None = None
    exit_code: int | None = None
    timed_out: bool = False
    output: str = ""
    tail: str = ""
    retry_due: float | None = None
    primed: bool | None = None
    verify_t: float | None = None
    verify_paused: float = 0.0
    held: bool | None = None
    vacuous: bool = False
    who: str = ""
    role: str = ""
    holder: str = ""
    hint_shown: bool = False
    reminded_t: float | None = None
    reminded_paused: float = 0.0
    disputes: int = 0


@lazy_dataclass(frozen=True, kw_only=True)
class ExperimentView:
    """One experiment: how far it is, and what is known of its fault.

    `due`: the drawn moment of a `between`. `begun`: its method runs without waiting for an action. `injected_t`: its first action started. `returned_t`: its method ended.
    `hypothesis`: when ("before", "during", "after") → met. `undone`: how it was undone.
    """

    slug: str
    status: ExperimentStatus = "waiting"
    arming_t: float | None = None
    due: float | None = None
    ordered_t: float | None = None
    injected_t: float | None = None
    returned_t: float | None = None
    ended_t: float | None = None
    hypothesis: Mapping[str, bool] = field(default_factory=dict)
    activity: str = ""
    begun: bool = False
    intents: int = 0
    actions_started: int = 0
    actions_failed: int = 0
    verdict: str = ""
    deviated: bool = False
    refused: str = ""
    why: str = ""
    undone: str = ""

    @property
    def fault_open(self) -> bool:
        """Its method has begun, or an intent is on disk, and nobody has undone it yet."""
        return (self.begun or self.intents > 0) and self.status != "undone"


@lazy_dataclass(frozen=True)
class Bucket:
    """One second of an indicator, from `since` on."""

    since: float
    ok: bool
    value: float | None


@lazy_dataclass(frozen=True, kw_only=True)
class IndicatorView:
    """An indicator's latest second; `ok_since`: when its unbroken good run began; `baseline`: what it is judged by."""

    name: str
    value: float | None = None
    ok: bool | None = None
    degraded_ok: bool | None = None
    n: int = 0
    since: float | None = None
    ok_since: float | None = None
    baseline: tuple[Bucket, ...] = ()

    @property
    def until(self) -> float | None:
        """The end of the latest judged second."""
        return None if self.since is None else self.since + 1.0

    def good_since(self, t: float) -> float | None:
        """How long it has held without a break, counted from `t` at the earliest (s); None when it does not."""
        if self.ok_since is None or self.since is None:
            return None
        return self.since + 1.0 - max(self.ok_since, t)


@lazy_dataclass(frozen=True, kw_only=True)
class LoadView:
    """The load: its users, its latest window, and what it sent so far. `why` it ended, by itself or told to.

    `names` are those its requests had so far, the first of them when there are many.
    """

    users: int = 0
    started_t: float | None = None
    spawned_t: float | None = None
    ended_t: float | None = None
    why: str = ""
    failed: str = ""
    fault_of_its_own: bool = False
    requests: int = 0
    failures: int = 0
    names: tuple[str, ...] = ()
    last: LoadSampled | None = None


@lazy_dataclass(frozen=True, kw_only=True)
class AlertView:
    """An alert; `fired_t` is its first firing that counts, `before` one that was there before the fault."""

    name: str
    firing: bool = False
    before: bool = False
    fired_t: float | None = None


@lazy_dataclass(frozen=True, kw_only=True)
class Person:
    name: str
    uid: int
    role: str
    left_t: float | None = None

    @property
    def present(self) -> bool:
        return self.left_t is None


@lazy_dataclass(frozen=True)
class NoteView:
    t: float
    by: str
    type: str
    text: str


@lazy_dataclass(frozen=True)
class Reached:
    """A milestone: when, by whom and in which role, and through which step if one carries it."""

    t: float
    by: str
    step: str = ""
    role: str = ""


@lazy_dataclass(frozen=True)
class Need:
    met: bool
    why: str = ""


@lazy_dataclass(frozen=True)
class Streak:
    """A stop rule's bound has been broken from `since` until `until`."""

    since: float
    until: float


NO_PLAN = RunPlan(name="", slug="", target=Target(name="", kind="", environment=""))


@lazy_dataclass(frozen=True, kw_only=True)
class State:
    """A run at one moment. Look at `phase` first, then at `current`, `experiments`, `indicators` and `end`.

    `cursor` is the step of the sequence that ended last, at `cursor_t`; `jump` the step it sent us to. `driver` is who
    last moved the runbook on. `accounts` are the uids from which the names in the transcript were used last, `roles` what they
    were then.
    """

    run: str = ""
    plan: RunPlan = NO_PLAN
    attended: bool = False
    scripted: frozenset[str] = frozenset()
    person: str = ""
    started_at: str = ""
    seq: int = -1
    t: float = 0.0
    phase: Phase = ""
    phase_t: float = 0.0
    live_t: float | None = None
    live_ended_t: float | None = None
    target_url: str = ""
    target_vars: Mapping[str, str] = field(default_factory=dict)
    target_lost_t: float | None = None
    target_lost_why: str = ""
    needs: Mapping[str, Need] = field(default_factory=dict)
    baseline: BaselineTaken | None = None
    steps: Mapping[str, StepView] = field(default_factory=dict)
    current: str = ""
    cursor: str = ""
    cursor_t: float | None = None
    jump: str = ""
    driver: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    experiments: Mapping[str, ExperimentView] = field(default_factory=dict)
    load: LoadView = field(default_factory=LoadView)
    indicators: Mapping[str, IndicatorView] = field(default_factory=dict)
    alerts: Mapping[str, AlertView] = field(default_factory=dict)
    milestones: Mapping[str, Reached] = field(default_factory=dict)
    people: tuple[Person, ...] = ()
    accounts: Mapping[str, int] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[NoteView, ...] = ()
    warnings: tuple[NoteView, ...] = ()
    paused_t: float | None = None
    paused_why: str = ""
    paused_total: float = 0.0
    streaks: tuple[Streak | None, ...] = ()
    end: EndDecided | None = None
    end_t: float | None = None
    undo_ended: bool = False
    debrief_closed: bool = False
    left: tuple[str, ...] = ()
    closed: RunClosed | None = None
    episodes: Episodes = field(default_factory=lambda: Episodes.empty(NO_PLAN))

    @classmethod
    def empty(cls) -> State:
        """Before the first event."""
        return cls()

    def but(self, **changes: Any) -> State:
        """This state with other values for these fields."""
        return but(self, **changes)

    @property
    def ending(self) -> bool:
        """The run's end is decided: no fault goes in any more, and what is in is undone, or has been."""
        return self.end is not None or is_ending(self.phase)

    @property
    def over(self) -> bool:
        """The undo is behind it: what is left is the debrief, or nothing."""
        return is_over(self.phase)

    @property
    def paused(self) -> bool:
        return self.paused_t is not None

    @property
    def present(self) -> tuple[Person, ...]:
        """The people who are in the run now."""
        return tuple(person for person in self.people if person.present)

    @property
    def step(self) -> Step | None:
        """The current step as written."""
        return self.plan.step(self.current) if self.current in self.steps else None

    @property
    def last_injection(self) -> float | None:
        """When the latest fault went in."""
        return max((view.injected_t for view in self.experiments.values() if view.injected_t is not None), default=None)

    def paused_seconds(self, t: float) -> float:
        """How long the run has been paused up to `t`, in s."""
        return self.paused_total + (max(0.0, t - self.paused_t) if self.paused_t is not None else 0.0)

    def live_seconds(self, t: float) -> float:
        """Live time net of pauses up to `t`, in s: what the time-box counts."""
        if self.live_t is None:
            return 0.0
        until = t if self.live_ended_t is None else self.live_ended_t
        return max(0.0, until - self.live_t - self.paused_seconds(until))

    def step_seconds(self, step_id: str, t: float) -> float:
        """The step's latest visit so far, or as it ended, net of pauses, in s; 0 before it began."""
        view = self.steps[step_id]
        if view.net_seconds is not None or view.started_t is None:
            return view.net_seconds or 0.0
        until = t if self.live_ended_t is None else self.live_ended_t
        return max(0.0, until - view.started_t - (self.paused_seconds(until) - view.paused_before))

    def answered_by_people(self, step: Step) -> bool:
        """Somebody answers for this step: people, or the operator's script."""
        return self.attended or step.id in self.scripted
