"""What happens to the experiments, and when their faults go in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from runner.engine.events.event import Event, Json
from runner.lazy_dataclass import lazy_dataclass


@lazy_dataclass(frozen=True, kw_only=True)
class ExperimentLoaded(Event, kind="experiment-loaded"):
    """It stands ready. `asks`: when from its method on its hypothesis will be asked: during, after, both, never."""

    experiment: str
    asks: tuple[str, ...] = ()


@lazy_dataclass(frozen=True, kw_only=True)
class ArmingBegun(Event, kind="arming-begun", decided=True):
    """The experiment's before-hypothesis is being checked, under load."""

    experiment: str


@lazy_dataclass(frozen=True, kw_only=True)
class HypothesisChecked(Event, kind="hypothesis-checked", hidden=True):
    """when: before, during, after. `probes`: [{name, met, value, error}]."""

    experiment: str
    when: str
    met: bool
    probes: tuple[Mapping[str, Json], ...] = ()


@lazy_dataclass(frozen=True, kw_only=True)
class ExperimentArmed(Event, kind="experiment-armed", hidden=True):
    """It stands before its method: the fault starts within milliseconds of the word."""

    experiment: str


@lazy_dataclass(frozen=True, kw_only=True)
class InjectionScheduled(Event, kind="injection-scheduled"):
    """The random moment of a `between` was drawn: `due`, in s of the run's clock."""

    experiment: str
    due: float


@lazy_dataclass(frozen=True, kw_only=True)
class InjectionOrdered(Event, kind="injection-ordered", decided=True):
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
class ConfigurationChanged(Event, kind="configuration-changed", decided=True):
    """What controls and activities made of an experiment while its method or its rollbacks ran; undo goes on from it.

    `document` is the experiment where it was changed too, empty where it is as in the plan. Both are redacted; `withheld`
    names the values that changed and could not be written down, because they hold a secret.
    """

    experiment: str
    configuration: Mapping[str, Json] = field(default_factory=dict)
    document: Mapping[str, Json] = field(default_factory=dict)
    withheld: tuple[str, ...] = ()


@lazy_dataclass(frozen=True, kw_only=True)
class FaultIntended(Event, kind="fault-intended", decided=True):
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
class FaultRefused(Event, kind="fault-refused", decided=True, hidden=True):
    """The guard said no at the gate."""

    experiment: str
    index: int
    name: str
    why: str


@lazy_dataclass(frozen=True, kw_only=True)
class ActivityStarted(Event, kind="activity-started", hidden=True):
    """type: action or probe. For an action this moment is `injected`."""

    experiment: str
    index: int
    name: str
    type: str


@lazy_dataclass(frozen=True, kw_only=True)
class ActivityEnded(Event, kind="activity-ended", hidden=True):
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
class ControlBroke(Event, kind="control-broke", hidden=True):
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
class ExperimentEnded(Event, kind="experiment-ended", hidden=True):
    """Chaos Toolkit's own verdict: status completed, failed, aborted, interrupted; and whether it deviated."""

    experiment: str
    status: str
    deviated: bool = False


@lazy_dataclass(frozen=True, kw_only=True)
class ExperimentFailed(Event, kind="experiment-failed", hidden=True):
    """Its child broke, went silent or could not load it."""

    experiment: str
    why: str
