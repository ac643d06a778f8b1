"""What can happen in a run, in the past tense: the vocabulary of the transcript.

Events are frozen and JSON-plain, written by `runner.transcript`, and folded by whoever wants to know something: the
engine's state, the printer, the scorecard, the room. Times named `..._t` or ending in `t` are seconds of the run's
clock; the moment of the event itself is in its envelope, `Recorded`. A field added later has a default, so that old
transcripts still read; a kind is never renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, ClassVar

from runner.lazy_dataclass import lazy_dataclass

Json = Any

#: Version of the vocabulary, written into `run-started`. 2: what was not observed counts, and who said a milestone.
VERSION = 2

KINDS: dict[str, type[Event]] = {}


@lazy_dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened. `kind` is its name on disk."""

    kind: ClassVar[str] = ""

    def __init_subclass__(cls, *, kind: str) -> None:
        cls.kind = kind
        KINDS[kind] = cls


@lazy_dataclass(frozen=True, slots=True)
class Recorded:
    """An event as it stands in a transcript: line number, wall clock, run clock (s), who, what."""

    seq: int
    at: str
    t: float
    by: str
    event: Event


# -- the run -----------------------------------------------------------------------------------------------------------


@lazy_dataclass(frozen=True, kw_only=True)
class RunStarted(Event, kind="run-started"):
    """The first line. `plan` is a `RunPlan` as JSON; `origin` is CLOCK_BOOTTIME in ns at t = 0 of boot `boot_id`.

    `cwd` is the folder in which everything of the run works, its undo too; '' where an older release did not say.

    `attended`: people answer. Else steps take their `unattended` way, but for the `scripted` ones, which an operator
    file answers.
    """

    run: str
    version: int = VERSION
    plan: Mapping[str, Json]
    attended: bool
    scripted: tuple[str, ...] = ()
    person: str = ""
    uid: int = -1
    host: str = ""
    boot_id: str = ""
    origin: int = 0
    tool: str = ""
    cwd: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class ProcessStarted(Event, kind="process-started"):
    """A process of the run: guardian, conductor, chaos, load, undo, sandbox, command. `start_time` in clock ticks."""

    role: str
    pid: int
    start_time: int = 0


@lazy_dataclass(frozen=True, kw_only=True)
class PhaseEntered(Event, kind="phase-entered"):
    """preflight, warm-up, live, undoing, debrief or closed."""

    phase: str


@lazy_dataclass(frozen=True, kw_only=True)
class NeedChecked(Event, kind="need-checked"):
    """A preflight probe: a need, the target's identity, an `undone-when` before the fault.

    After the preflight: the target's identity does not hold any more, and no fault has gone in yet.
    """

    name: str
    met: bool
    why: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class TargetReady(Event, kind="target-ready"):
    """The target as resolved: what `${target.x}` and `$TARGET_X` stand for from here on."""

    url: str = ""
    vars: Mapping[str, str] = field(default_factory=dict)


@lazy_dataclass(frozen=True, kw_only=True)
class TargetLost(Event, kind="target-lost"):
    """The target does not answer any more, or not as the one that was declared. Only a drill that asks for it is told."""

    why: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class TargetFound(Event, kind="target-found"):
    """The target that was lost answers again."""


@lazy_dataclass(frozen=True, kw_only=True)
class BaselineTaken(Event, kind="baseline-taken"):
    """The steady state before the first fault. `held` names the indicators that held all through the baseline."""

    met: bool
    since: float
    held: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    why: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class EndDecided(Event, kind="end-decided"):
    """Why the run ends. cause: complete, aborted, stopped, refused, broken, time-box, runbook-stopped, deviated.

    `reason` is, for an abort, real-incident, unsafe, logistics, stuck or halted; else a word of the cause. `own_fault` marks a
    stop caused by the drill's own fault.
    """

    cause: str
    reason: str = ""
    why: str = ""
    own_fault: bool = False


@lazy_dataclass(frozen=True, kw_only=True)
class Halted(Event, kind="halted"):
    """Somebody stopped every run on this machine, this one too."""

    why: str
    uid: int = -1


@lazy_dataclass(frozen=True, kw_only=True)
class HaltLifted(Event, kind="halt-lifted"):
    """The halt that stopped this run is lifted. May stand behind `run-closed`."""

    why: str
    uid: int = -1


@lazy_dataclass(frozen=True, kw_only=True)
class DebriefClosed(Event, kind="debrief-closed"):
    """Nobody has anything to add: a person said so, or nobody is there."""


@lazy_dataclass(frozen=True, kw_only=True)
class RunClosed(Event, kind="run-closed"):
    """The last line. `ending` is a verdict word of the design; `exit_code` what the process answered."""

    ending: str
    exit_code: int
    headline: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class Paused(Event, kind="paused"):
    """Step clocks and the time-box stand still; indicators go on."""

    why: str


@lazy_dataclass(frozen=True, kw_only=True)
class Resumed(Event, kind="resumed"):
    """They go on."""


@lazy_dataclass(frozen=True, kw_only=True)
class SuspendSeen(Event, kind="suspend-seen"):
    """The machine slept for `seconds`."""

    seconds: float


@lazy_dataclass(frozen=True, kw_only=True)
class TailTorn(Event, kind="tail-torn"):
    """A half-written last line was moved aside to `file`."""

    file: str
    bytes: int


@lazy_dataclass(frozen=True, kw_only=True)
class Warned(Event, kind="warned"):
    """Something a person should know."""

    text: str


@lazy_dataclass(frozen=True, kw_only=True)
class Unrecognised(Event, kind="unrecognised"):
    """An event of a newer release."""

    name: str
    fields: Mapping[str, Json] = field(default_factory=dict)


# -- people ------------------------------------------------------------------------------------------------------------


@lazy_dataclass(frozen=True, kw_only=True)
class PersonJoined(Event, kind="person-joined"):
    person: str
    uid: int
    role: str


@lazy_dataclass(frozen=True, kw_only=True)
class PersonLeft(Event, kind="person-left"):
    person: str
    uid: int = -1


@lazy_dataclass(frozen=True, kw_only=True)
class CommandGiven(Event, kind="command-given"):
    """A person, `by` in the envelope, asked for something and it was possible; what follows from it comes next.

    `uid` is the account it came from, as the kernel says.
    """

    command: str
    uid: int = -1
    role: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class CommandRefused(Event, kind="command-refused"):
    """A command that was not possible then, and why; nothing changed."""

    command: str
    why: str
    uid: int = -1
    role: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class MilestoneReached(Event, kind="milestone-reached"):
    """detected, acknowledged, mitigated or resolved, said by a person or by a step that carries it.

    `role` is that of who said it, or did the step; `system` for what nobody did. detected comes a second time when a
    participant notices after somebody else had said it.
    """

    milestone: str
    step: str = ""
    role: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class NoteWritten(Event, kind="note-written"):
    """note, action, mark or rating; the `text` of a rating is 1 to 5, `about` what it rates."""

    text: str
    type: str = "note"
    about: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class StepDisputed(Event, kind="step-disputed"):
    """A person says this step is wrong, and what it should say."""

    step: str
    text: str


# -- steps -------------------------------------------------------------------------------------------------------------


@lazy_dataclass(frozen=True, kw_only=True)
class StepStarted(Event, kind="step-started"):
    """The step became current. `visit` counts from 1."""

    step: str
    visit: int = 1


@lazy_dataclass(frozen=True, kw_only=True)
class StepConfirmed(Event, kind="step-confirmed"):
    step: str
    waived: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class StepAnswered(Event, kind="step-answered"):
    """An answer; for a secret one `value` is empty and the value never touches the disk.

    `waived` says why nobody gave it ("unattended"): then it is the question's default.
    """

    step: str
    name: str
    value: str = ""
    secret: bool = False
    waived: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class StepApproved(Event, kind="step-approved"):
    """A second person said yes; `waived` says why there was none ("alone")."""

    step: str
    person: str = ""
    waived: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class StepChosen(Event, kind="step-chosen"):
    step: str
    label: str
    to: str


@lazy_dataclass(frozen=True, kw_only=True)
class CommandIntended(Event, kind="command-intended"):
    """A step's command is about to run. `attempt` counts from 1."""

    step: str
    attempt: int


@lazy_dataclass(frozen=True, kw_only=True)
class CommandStarted(Event, kind="command-started"):
    step: str
    attempt: int
    pid: int = 0


@lazy_dataclass(frozen=True, kw_only=True)
class CommandEnded(Event, kind="command-ended"):
    """`exit_code` is negative for a signal; `output` names the file in the run folder, `tail` its last lines.

    `outputs`: the step's variables and their values, all of them or none. `why`: what went wrong beside the exit code.
    """

    step: str
    attempt: int
    exit_code: int
    timed_out: bool = False
    duration: float
    output: str = ""
    tail: str = ""
    why: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)


@lazy_dataclass(frozen=True, kw_only=True)
class RetryScheduled(Event, kind="retry-scheduled"):
    """The command is tried again at `due` (s of the run's clock)."""

    step: str
    attempt: int
    due: float


@lazy_dataclass(frozen=True, kw_only=True)
class StepDone(Event, kind="step-done"):
    """A person says that a manual step is done (its verification may still come). `role`: what that person is, or `system`."""

    step: str
    role: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class VerifyPrimed(Event, kind="verify-primed"):
    """A step's `verify` probe, asked once as the step became current: one that holds already proves nothing."""

    step: str
    held: bool


@lazy_dataclass(frozen=True, kw_only=True)
class VerifyStarted(Event, kind="verify-started"):
    """`vacuous`: it already held when the step became current, so it proves nothing."""

    step: str
    vacuous: bool = False


@lazy_dataclass(frozen=True, kw_only=True)
class VerifyEnded(Event, kind="verify-ended"):
    step: str
    held: bool
    why: str = ""
    vacuous: bool = False


@lazy_dataclass(frozen=True, kw_only=True)
class StepFailing(Event, kind="step-failing"):
    """A step failed and `on-failure: ask` waits for a person: retry, skip, fail, go back."""

    step: str
    why: str


@lazy_dataclass(frozen=True, kw_only=True)
class StepRetried(Event, kind="step-retried"):
    """A person tries the failing step again, from what it still waits for."""

    step: str


@lazy_dataclass(frozen=True, kw_only=True)
class StepEnded(Event, kind="step-ended"):
    """outcome: succeeded, failed, skipped, timed-out. `as_written` is false when a person went round the step."""

    step: str
    outcome: str
    why: str = ""
    to: str = ""
    as_written: bool = True


@lazy_dataclass(frozen=True, kw_only=True)
class StepReminded(Event, kind="step-reminded"):
    """An anytime step is due again."""

    step: str


@lazy_dataclass(frozen=True, kw_only=True)
class HintShown(Event, kind="hint-shown"):
    step: str


@lazy_dataclass(frozen=True, kw_only=True)
class HandedOver(Event, kind="handed-over"):
    """The current step is now `to`'s."""

    step: str
    to: str


# -- experiments and faults --------------------------------------------------------------------------------------------


@lazy_dataclass(frozen=True, kw_only=True)
class ExperimentLoaded(Event, kind="experiment-loaded"):
    """It stands ready. `asks`: when from its method on its hypothesis will be asked: during, after, both, never."""

    experiment: str
    asks: tuple[str, ...] = ()


@lazy_dataclass(frozen=True, kw_only=True)
class ArmingBegun(Event, kind="arming-begun"):
    """The experiment's before-hypothesis is being checked, under load."""

    experiment: str


@lazy_dataclass(frozen=True, kw_only=True)
class HypothesisChecked(Event, kind="hypothesis-checked"):
    """when: before, during, after. `probes`: [{name, met, value, error}]."""

    experiment: str
    when: str
    met: bool
    probes: tuple[Mapping[str, Json], ...] = ()


@lazy_dataclass(frozen=True, kw_only=True)
class ExperimentArmed(Event, kind="experiment-armed"):
    """It stands before its method: the fault starts within milliseconds of the word."""

    experiment: str


@lazy_dataclass(frozen=True, kw_only=True)
class InjectionScheduled(Event, kind="injection-scheduled"):
    """The random moment of a `between` was drawn: `due`, in s of the run's clock."""

    experiment: str
    due: float


@lazy_dataclass(frozen=True, kw_only=True)
class InjectionOrdered(Event, kind="injection-ordered"):
    """The word was given."""

    experiment: str


@lazy_dataclass(frozen=True, kw_only=True)
class MethodBegun(Event, kind="method-begun"):
    """On disk before a method begins in which something may run before an action asks, such as a probe or a control.

    Open from here on, as an intent is: its rollbacks will run. `configuration` and `document` as in ConfigurationChanged.
    """

    experiment: str
    document_hash: str
    configuration: Mapping[str, Json] = field(default_factory=dict)
    document: Mapping[str, Json] = field(default_factory=dict)
    withheld: tuple[str, ...] = ()


@lazy_dataclass(frozen=True, kw_only=True)
class ConfigurationChanged(Event, kind="configuration-changed"):
    """What controls and activities made of an experiment while its method or its rollbacks ran; undo goes on from it.

    `document` is the experiment where it was changed too, empty where it is as in the plan. Both are redacted; `withheld`
    names the values that changed and could not be written down, because they hold a secret.
    """

    experiment: str
    configuration: Mapping[str, Json] = field(default_factory=dict)
    document: Mapping[str, Json] = field(default_factory=dict)
    withheld: tuple[str, ...] = ()


@lazy_dataclass(frozen=True, kw_only=True)
class FaultIntended(Event, kind="fault-intended"):
    """On disk before the action may start; open until its experiment is undone.

    `provider` and `configuration` are as resolved at this moment, redacted; undo restores this very configuration, or
    the one of the `configuration-changed` after it.
    """

    experiment: str
    index: int
    name: str
    document_hash: str
    provider: Mapping[str, Json] = field(default_factory=dict)
    configuration: Mapping[str, Json] = field(default_factory=dict)
    background: bool = False


@lazy_dataclass(frozen=True, kw_only=True)
class FaultRefused(Event, kind="fault-refused"):
    """The guard said no at the gate."""

    experiment: str
    index: int
    name: str
    why: str


@lazy_dataclass(frozen=True, kw_only=True)
class ActivityStarted(Event, kind="activity-started"):
    """type: action or probe. For an action this moment is `injected`."""

    experiment: str
    index: int
    name: str
    type: str


@lazy_dataclass(frozen=True, kw_only=True)
class ActivityEnded(Event, kind="activity-ended"):
    """`doubt`: why an action that came back may not have done anything, as `runner.engine.doubt` finds; '' for none."""

    experiment: str
    index: int
    name: str
    type: str
    status: str
    duration: float = 0.0
    output: Json = None
    exception: str = ""
    tolerance_met: bool | None = None
    doubt: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class ControlBroke(Event, kind="control-broke"):
    """A control could not do its work. `when`: such as `before activity`, `after method`, `configuring`; `activity`: the
    one it stood around, '' at any other level. `stops`: what it stood before does not happen.
    """

    experiment: str
    control: str
    when: str
    activity: str = ""
    why: str
    stops: bool = False


@lazy_dataclass(frozen=True, kw_only=True)
class MethodEnded(Event, kind="method-ended"):
    """Every action was applied; the fault is held until the run ends (a bare experiment goes on at once)."""

    experiment: str


@lazy_dataclass(frozen=True, kw_only=True)
class ExperimentEnded(Event, kind="experiment-ended"):
    """Chaos Toolkit's own verdict: status completed, failed, aborted, interrupted; and whether it deviated."""

    experiment: str
    status: str
    deviated: bool = False


@lazy_dataclass(frozen=True, kw_only=True)
class ExperimentFailed(Event, kind="experiment-failed"):
    """Its child broke, went silent or could not load it."""

    experiment: str
    why: str


# -- undo --------------------------------------------------------------------------------------------------------------


@lazy_dataclass(frozen=True, kw_only=True)
class Fenced(Event, kind="fenced"):
    """Whatever could still apply a fault was killed."""

    pids: tuple[int, ...] = ()


@lazy_dataclass(frozen=True, kw_only=True)
class UndoStarted(Event, kind="undo-started"):
    """The undo worker holds the lock. `experiments`: those whose method has begun, latest injected first."""

    experiments: tuple[str, ...] = ()
    pid: int = 0


@lazy_dataclass(frozen=True, kw_only=True)
class RollbackStarted(Event, kind="rollback-started"):
    experiment: str
    index: int
    name: str
    attempt: int = 1


@lazy_dataclass(frozen=True, kw_only=True)
class RollbackEnded(Event, kind="rollback-ended"):
    experiment: str
    index: int
    name: str
    attempt: int = 1
    status: str
    duration: float = 0.0
    exception: str = ""
    output: Json = None


@lazy_dataclass(frozen=True, kw_only=True)
class UndoChecked(Event, kind="undo-checked"):
    """An `undone-when`. while_in: asked with the fault in, when it must not hold."""

    experiment: str
    name: str
    held: bool
    while_in: bool = False
    why: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class FaultUndone(Event, kind="fault-undone"):
    """how: verified (an `undone-when` that bites), rollbacks (nothing to check it with), heals (it says so, in `no-undo`, or
    a controller of the cluster does it), discarded (with its sandbox, at the end of the run), vanished (with its sandbox,
    before), unneeded (there was no action, and no rollback).
    """

    experiment: str
    how: str


@lazy_dataclass(frozen=True, kw_only=True)
class UndoFailed(Event, kind="undo-failed"):
    """It could not be undone: say so everywhere."""

    experiment: str
    why: str


@lazy_dataclass(frozen=True, kw_only=True)
class FaultAccepted(Event, kind="fault-accepted"):
    """A person answers for what can never be undone: nobody waits for it any more. May stand behind `run-closed`."""

    experiments: tuple[str, ...]
    why: str
    uid: int


@lazy_dataclass(frozen=True, kw_only=True)
class UndoEnded(Event, kind="undo-ended"):
    left: tuple[str, ...] = ()


# -- load, indicators, alerts ------------------------------------------------------------------------------------------


@lazy_dataclass(frozen=True, kw_only=True)
class LoadStarted(Event, kind="load-started"):
    users: int
    pid: int = 0


@lazy_dataclass(frozen=True, kw_only=True)
class LoadSpawned(Event, kind="load-spawned"):
    """The ramp is complete."""

    users: int


@lazy_dataclass(frozen=True, kw_only=True)
class LoadSampled(Event, kind="load-sampled"):
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
class LoadFailed(Event, kind="load-failed"):
    """It never was, or broke down; with `locustfile` by a fault of that file's own."""

    why: str
    locustfile: bool = False


@lazy_dataclass(frozen=True, kw_only=True)
class ProbesSampled(Event, kind="probes-sampled"):
    """The open-loop probes of one indicator: shots of (t sent, in tolerance, seconds taken, why not)."""

    indicator: str
    shots: tuple[tuple[float, bool, float, str], ...] = ()


@lazy_dataclass(frozen=True, kw_only=True)
class IndicatorJudged(Event, kind="indicator-judged"):
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
class ImpactSeen(Event, kind="impact-seen"):
    """The first breach after injection; the moment itself is `since`."""

    indicator: str
    since: float


@lazy_dataclass(frozen=True, kw_only=True)
class MitigationSeen(Event, kind="mitigation-seen"):
    """Every indicator was inside its degraded tolerance from `since` on, for `hold`."""

    since: float


@lazy_dataclass(frozen=True, kw_only=True)
class RecoverySeen(Event, kind="recovery-seen"):
    """Every indicator held from `since` on, for `hold`; final only if unbroken until the end."""

    since: float


@lazy_dataclass(frozen=True, kw_only=True)
class Relapsed(Event, kind="relapsed"):
    """A new breach after a recovery was seen."""

    indicator: str
    since: float
