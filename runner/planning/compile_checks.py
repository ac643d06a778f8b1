"""What of a drill is measured and asked: specs of indicators, stop rules and probes → the plan's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from runner.engine.plan import Check, Indicator, StopRule
from runner.specs import drill as spec
from runner.specs import target_spec as target_spec
from runner.specs.drill import parse_bound
from runner.specs.probe_spec import ProbeSpec


def compiled_indicator(indicator: spec.IndicatorSpec) -> Indicator:
    metric = indicator.metric
    at_least, at_most, degraded = (
        None if bound is None else parse_bound(metric, bound)
        for bound in (indicator.at_least, indicator.at_most, indicator.degraded)
    )
    if indicator.probe is not None and at_least is None:
        at_least = 1.0
    return Indicator(
        name=indicator.name,
        source="load" if indicator.load else "probe",
        metric=metric,
        request=indicator.load.request if indicator.load else "",
        at_least=at_least,
        at_most=at_most,
        degraded=degraded,
        probe=None if indicator.probe is None else named_probe(indicator.probe, indicator.name),
        every=indicator.every,
    )


def compiled_stop_rule(rule: spec.StopRuleSpec, indicators: Iterable[spec.IndicatorSpec]) -> StopRule:
    if rule.target or rule.indicator is None:
        return StopRule(target=rule.target or "", lasting=rule.for_)
    metric = next(each.metric for each in indicators if each.name == rule.indicator)
    below, above = (None if bound is None else parse_bound(metric, bound) for bound in (rule.below, rule.above))
    return StopRule(indicator=rule.indicator, below=below, above=above, lasting=rule.for_)


def compiled_checks(probes: Iterable[ProbeSpec], prefix: str) -> tuple[Check, ...]:
    return tuple(compiled_check(probe, f"{prefix} {number}") for number, probe in enumerate(probes, start=1))


def compiled_check(probe: ProbeSpec, otherwise: str) -> Check:
    return Check(name=probe.name or otherwise, probe=named_probe(probe, otherwise))


def named_probe(probe: ProbeSpec, otherwise: str) -> dict[str, Any]:
    return {**probe.as_document(), "name": probe.name or otherwise}
