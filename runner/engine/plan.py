"""What a run runs: the checked files with every default filled in.

`runner.planning.compile` makes a `RunPlan` from the specs; it is written whole into the first event of the transcript, so
a transcript explains itself for ever. Times are seconds, ratios 0..1. Everything is JSON-plain but for these classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from runner.lazy_dataclass import lazy_dataclass
from runner.specs.answer import why_unfit
from runner.specs.failure_rule import AskPeople, FailureRule
from runner.specs.injection_moment import AfterWarmUp, InjectionMoment

Json = Any
#: Characters of a plan's hash that people are shown, and must give back.
HASH_SHOWN = 16
Milestone = Literal["detected", "acknowledged", "mitigated", "resolved"]
MILESTONES: tuple[Milestone, ...] = ("detected", "acknowledged", "mitigated", "resolved")


@lazy_dataclass(frozen=True, kw_only=True)
class Ask:
    """A question a step puts to a person; the answer reaches later commands as an environment variable.

    It is one of the `choices`, or matches `pattern` as a whole, where there are any. `default` is what an empty answer
    means, and the answer where nobody is there.
    """

    name: str
    prompt: str
    secret: bool = False
    choices: tuple[str, ...] = ()
    default: str = ""
    pattern: str = ""

    def why_unfit(self, value: str) -> str:
        """Why this cannot be the answer; '' when it can. What was typed for a secret is not repeated."""
        if not value:
            return f"{self.name} needs a value"
        why = why_unfit(value, self.choices, self.pattern)
        said = "what was typed" if self.secret else repr(value)
        return f"{self.name} cannot be {said}: {why}" if why else ""


@lazy_dataclass(frozen=True, kw_only=True)
class Verify:
    """How a step's effect is proven, within so many seconds: an indicator that holds `lasting` seconds, a probe, or an
    impact that was measured.
    """

    indicator: str = ""
    lasting: float = 0.0
    impact: bool = False
    probe: Mapping[str, Json] | None = None
    within: float = 60.0
    every: float = 1.0


@lazy_dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a runbook. `automated` when `run` is set, unless a person does it `by_hand` all the same: then the
    command is a text. `anytime` steps stand outside the sequence. `on_timeout` is
    as `on_failure` when it is None. `output`: variable → where its value stands in what
    the command printed, see `runner.specs.output`.
    """

    id: str
    name: str
    description: str = ""
    run: str = ""
    shell: str = ""
    working_directory: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    output: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None
    retry_max: int = 0
    retry_delay: float = 0.0
    confirm: str = ""
    approve: str = ""
    choose: Mapping[str, str] = field(default_factory=dict)
    ask: tuple[Ask, ...] = ()
    verify: Verify | None = None
    milestone: str = ""
    target_time: float | None = None
    hint: str = ""
    on_failure: FailureRule = AskPeople()
    on_timeout: FailureRule | None = None
    condition: str = ""
    critical: bool = True
    anytime: bool = False
    every: float = 900.0
    unattended: str = "skip"
    role: str = ""
    tags: tuple[str, ...] = ()
    by_hand: bool = False
    where: str = ""

    @property
    def automated(self) -> bool:
        return bool(self.run) and not self.by_hand


@lazy_dataclass(frozen=True, kw_only=True)
class Indicator:
    """A named measurement with a tolerance.

    source `load`: `metric` is success-ratio, failure-ratio, rate (1/s), p50, p95 or p99 (s) of `request`
    ("POST /checkout"; '' means all requests together). source `probe`: the metric is the share of probes in tolerance.
    Exactly one of `at_least` and `at_most` is set; `degraded` is the bound that counts as mitigated (same direction).
    """

    name: str
    source: Literal["load", "probe"]
    metric: str = "success-ratio"
    request: str = ""
    at_least: float | None = None
    at_most: float | None = None
    degraded: float | None = None
    probe: Mapping[str, Json] | None = None
    every: float = 1.0


@lazy_dataclass(frozen=True, kw_only=True)
class Check:
    """A probe with a name: a need, an alert, an `undone-when`."""

    name: str
    probe: Mapping[str, Json]
    every: float = 0.5


@lazy_dataclass(frozen=True, kw_only=True)
class StopRule:
    """End the run when `indicator` stays below/above a bound, or the `target` is gone, for `lasting` seconds."""

    indicator: str = ""
    target: Literal["", "gone"] = ""
    below: float | None = None
    above: float | None = None
    lasting: float = 0.0


@lazy_dataclass(frozen=True, kw_only=True)
class Experiment:
    """One experiment of the run, and when it is injected."""

    slug: str
    document: Mapping[str, Json]
    document_hash: str
    file: str = ""
    inject: InjectionMoment = AfterWarmUp()
    undone_when: tuple[Check, ...] = ()
    no_undo: str = ""
    undo_deadline: float = 30.0
    control_deadline: float = 60.0
    actions: int = 0
    rollbacks: int = 0


@lazy_dataclass(frozen=True, kw_only=True)
class Load:
    """The load on the target, all through the run. Files are relative to the repository's root.

    `locustfile` names them all, parted by commas; `locustfiles` are the same one by one (none in an older transcript), and
    `conf` is the locust.conf beside them, '' when there is none. `locustfile_hash` is over the contents of all.
    """

    locustfile: str
    locustfiles: tuple[str, ...] = ()
    conf: str = ""
    host: str = ""
    users: int = 1
    spawn_rate: float = 1.0
    processes: int = 1
    warm_up: float = 10.0
    env: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    user_classes: tuple[str, ...] = ()
    locustfile_hash: str = ""


@lazy_dataclass(frozen=True, kw_only=True)
class Target:
    """Where the run happens, as declared in `file` ('' for what is built in); a sandbox has its addresses once it runs."""

    name: str
    file: str = ""
    kind: str
    environment: str
    url: str = ""
    vars: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    identity: Mapping[str, Json] | None = None
    context: str = ""
    cluster_uid: str = ""
    allow: Mapping[str, Json] = field(default_factory=dict)


@lazy_dataclass(frozen=True, kw_only=True)
class Link:
    """A page that the runbook says is worth having open."""

    name: str
    url: str


@lazy_dataclass(frozen=True, kw_only=True)
class RunPlan:
    """Everything the engine, the actuators and the scorecard need to know; nothing is read from a file afterwards.

    `bare` is a run of an experiment alone: no runbook, no load; it is undone when its method ends. `tabletop` is a run of
    a runbook alone: no target, no fault, no load, every step by hand. `secret_sources`: name → {} (the environment),
    {file} or {command}, of every secret that the drill or the target declares. `env` are the variables of the shell that
    the drill lets through, names or patterns, beside those of its target; `passed` are those that were there, with their
    values, `passed_secrets` the names of those that look secret. `settings` is Chaos Toolkit's own file of that name, with
    the modules of the `global_controls` in it.
    """

    name: str
    slug: str
    bare: bool = False
    tabletop: bool = False
    file: str = ""
    briefing: str = ""
    description: str = ""
    team: str = ""
    target: Target
    runbook: str = ""
    runbook_file: str = ""
    links: tuple[Link, ...] = ()
    steps: tuple[Step, ...] = ()
    experiments: tuple[Experiment, ...] = ()
    load: Load | None = None
    indicators: tuple[Indicator, ...] = ()
    hold: float = 60.0
    alerts: tuple[Check, ...] = ()
    needs: tuple[Check, ...] = ()
    undone_when: tuple[Check, ...] = ()
    stop_when: tuple[StopRule, ...] = ()
    expect: str = "impact"
    impact_within: float = 60.0
    time_to_detect: float | None = None
    time_to_notice: float | None = None
    time_to_acknowledge: float | None = None
    time_to_mitigate: float | None = None
    time_to_recover: float | None = None
    time_box: float = 3600.0
    max_pause: float = 900.0
    abandon_after: float = 300.0
    reveal: str = "detected"
    allow_production: bool = False
    secrets: tuple[str, ...] = ()
    secret_sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    env: tuple[str, ...] = ()
    passed: Mapping[str, str] = field(default_factory=dict)
    passed_secrets: tuple[str, ...] = ()
    settings: str = ""
    settings_hash: str = ""
    global_controls: Mapping[str, str] = field(default_factory=dict)
    group: str = ""
    opaque: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    plan_hash: str = ""

    def step(self, step_id: str) -> Step:
        """The step of that id. Raises KeyError."""
        return next((step for step in self.steps if step.id == step_id), None) or _missing(step_id)

    @property
    def sequence(self) -> tuple[Step, ...]:
        """The steps that follow one another, in order."""
        return tuple(step for step in self.steps if not step.anytime)


def _missing(step_id: str) -> Step:
    raise KeyError(step_id)
