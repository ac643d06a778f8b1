"""Drills: what is rehearsed, where, under which load, and what must come of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from runner.specs.duration import Duration, PositiveDuration, parse_duration
from runner.specs.fields import Flag, Id, Model, Name, Passing, wrong
from runner.specs.injection_moment import AfterWarmUp, AtStep, Between, InjectionMoment, read_moment
from runner.specs.load_spec import LoadSpec
from runner.specs.probe_spec import ProbeSpec
from runner.specs.target_spec import SHARE_SCHEMA, Secrets, parse_share

Metric = Literal["success-ratio", "failure-ratio", "rate", "p50", "p95", "p99"]
RATIOS = ("success-ratio", "failure-ratio")


class Expectation(NamedTuple):
    """Whether the fault should be felt, and within how many seconds (None: the default)."""

    impact: bool
    within: float | None


def parse_bound(metric: str, value: object) -> float:
    """A bound in the unit of its metric: a share 0..1, requests per second, or seconds. Raises pydantic's error."""
    if metric in RATIOS:
        return parse_share(value)
    if metric == "rate":
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            wrong(f"{value!r} is not a rate", "a number of requests per second")
        return float(value)
    return _seconds(value)


def _seconds(value: object) -> float:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise PydanticCustomError("duration", "{what}", {"what": str(error)}) from None


def _inject(value: Any) -> InjectionMoment:
    if value in ("after-warm-up", "on-command"):
        return read_moment(value)
    if isinstance(value, dict) and list(value) == ["at-step"] and isinstance(value["at-step"], str):
        return AtStep(value["at-step"])
    if isinstance(value, dict) and list(value) == ["between"]:
        return _between(value["between"])
    return wrong(
        f"{value!r} is no moment" if isinstance(value, str) else "this is no moment",
        "one of: after-warm-up, on-command, {at-step: ID}, {between: [1m, 8m]}",
    )


def _between(value: Any) -> Between:
    if not isinstance(value, list) or len(value) != 2:
        wrong("between takes two moments", "write [1m, 8m]")
    first, last = _seconds(value[0]), _seconds(value[1])
    if first >= last:
        wrong(f"nothing lies between {value[0]} and {value[1]}", "the earlier moment comes first")
    return Between(first, last)


def _expect(value: Any) -> Any:
    if value in ("no-impact", "impact"):
        return Expectation(value == "impact", None)
    if isinstance(value, dict) and list(value) == ["impact-within"]:
        return Expectation(True, _seconds(value["impact-within"]))
    return wrong(
        f"{value!r} cannot be expected" if isinstance(value, str) else "this cannot be expected",
        "one of: no-impact, {impact-within: 60s}",
    )


def _bound(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        wrong("this is no bound", "write it like 99%, 400ms or 20")
    return value


def _only(key: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {key: value}, "required": [key], "additionalProperties": False}


_DURATION = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]}
Injection = Annotated[
    InjectionMoment,
    PlainValidator(_inject),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["after-warm-up", "on-command"]},
                _only("at-step", {"type": "string"}),
                _only("between", {"type": "array", "items": _DURATION, "minItems": 2, "maxItems": 2}),
            ],
            "default": "after-warm-up",
        }
    ),
]
Expect = Annotated[
    Expectation,
    BeforeValidator(_expect),
    WithJsonSchema({"anyOf": [{"enum": ["impact", "no-impact"]}, _only("impact-within", _DURATION)]}),
]
#: As written; `parse_bound` reads it, for its unit depends on the metric.
Bound = Annotated[
    str | int | float,
    BeforeValidator(_bound),
    WithJsonSchema({"anyOf": [*SHARE_SCHEMA["anyOf"], {"type": "number"}, _DURATION]}),
]


class PlannedExperiment(Model):
    """One experiment of the drill."""

    experiment: Name
    """The name of a file in experiments/, without its ending."""
    inject: Injection = Field(default_factory=AfterWarmUp)
    """When: after-warm-up, on-command, {at-step: ID} or {between: [1m, 8m]}."""
    no_undo: Name | None = None
    """Why nothing needs to be undone."""


class LoadMetric(Model):
    """What of the load is measured."""

    metric: Metric
    """success-ratio, failure-ratio, rate (1/s), p50, p95 or p99."""
    request: str = ""
    """The method and name of the requests, such as POST /checkout; all when left out."""


class IndicatorSpec(Model):
    """A named measurement with a tolerance, sampled all through the run."""

    name: Name
    """What it says, such as: checkouts succeed."""
    load: LoadMetric | None = None
    """A measurement of the load."""
    probe: ProbeSpec | None = None
    """A probe; its share of good answers is the measurement."""
    every: PositiveDuration = 1.0
    """How often the probe asks."""
    at_least: Bound | None = None
    """The lowest value that is in tolerance."""
    at_most: Bound | None = None
    """The highest value that is in tolerance."""
    degraded: Bound | None = None
    """The value that is good enough to call the incident mitigated."""

    @property
    def metric(self) -> str:
        """What is measured; a probe's share of good answers is a success-ratio."""
        return self.load.metric if self.load else "success-ratio"


class SteadyState(Model):
    """What normal looks like."""

    hold: PositiveDuration = 60.0
    """How long every indicator must hold for the service to count as recovered."""
    indicators: Annotated[tuple[IndicatorSpec, ...], Field(min_length=1)]
    """The measurements."""


class Objectives(Model):
    """What the team wants to reach, counted from the first impact."""

    time_to_detect: PositiveDuration | None = None
    """Until an alert fires or a participant notices."""
    time_to_notice: PositiveDuration | None = None
    """Until a participant notices, whatever alerts fire."""
    time_to_acknowledge: PositiveDuration | None = None
    """From the alert until somebody takes it."""
    time_to_mitigate: PositiveDuration | None = None
    """Until the service is good enough."""
    time_to_recover: PositiveDuration | None = None
    """Until everything holds again."""


class Limits(Model):
    """What ends a run whatever happens."""

    time_box: PositiveDuration = 3600.0
    """How long it may live."""
    max_pause: PositiveDuration = 900.0
    """How long a pause may be."""
    abandon_after: PositiveDuration = 300.0
    """How long it goes on when no person attends it."""


class StopRuleSpec(Model):
    """Collateral damage: the run ends when an indicator stays out of a bound, or the target is gone."""

    indicator: Name | None = None
    """An indicator of the steady state."""
    target: Literal["gone"] | None = None
    """gone: the target does not answer any more, or not as the one that was declared."""
    below: Bound | None = None
    """End below this."""
    above: Bound | None = None
    """End above this."""
    for_: Duration = 0.0
    """How long."""


class Drill(Model):
    """A rehearsal of an incident."""

    name: Name
    """What it is called."""
    briefing: str = ""
    """All that a participant sees before the run."""
    description: str = ""
    """For facilitators."""
    team: Name | None = None
    """Who rehearses."""
    cadence: PositiveDuration | None = None
    """How often it should be rehearsed; overdue after that."""
    target: Id
    """Where it happens: a name in targets.yaml, or sandbox, or local."""
    runbook: Name | None = None
    """The name of a file in runbooks/, without its ending."""
    needs: tuple[ProbeSpec, ...] = ()
    """Probes that must hold, or the run is refused."""
    experiments: tuple[PlannedExperiment, ...] = ()
    """The faults."""
    load: LoadSpec | None = None
    """The load, by Locust."""
    steady_state: SteadyState | None = None
    """What normal looks like."""
    alerts: tuple[ProbeSpec, ...] = ()
    """Alerts that should fire."""
    expect: Expect = Expectation(True, None)
    """no-impact, or {impact-within: 60s}."""
    objectives: Objectives = Field(default_factory=Objectives)
    """What the team wants to reach."""
    limits: Limits = Field(default_factory=Limits)
    """What ends a run whatever happens."""
    stop_when: tuple[StopRuleSpec, ...] = ()
    """Collateral damage that ends the run."""
    undone_when: tuple[ProbeSpec, ...] = ()
    """How we know that the fault is really gone."""
    allow_production: Flag = False
    """Consent to a target whose environment is production."""
    allow_opaque: tuple[Name, ...] = ()
    """Activities the guard cannot see into, that may run in production all the same."""
    secrets: Secrets = Field(default_factory=dict)
    """What is secret, and where it comes from."""
    env: tuple[Passing, ...] = ()
    """Variables of the shell that everything the run does gets; * stands for any part of a name."""
    group: Name | None = None
    """The Unix group whose members may join a run."""
    reveal: Literal["detected", "always"] = "detected"
    """When participants see what is measured."""
