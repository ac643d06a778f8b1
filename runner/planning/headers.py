"""A target's own headers, on every probe that asks the target. Their secrets stay placeholders: a plan holds none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from runner.engine.plan import Check, RunPlan, Target
from runner.specs.hostname import canonical

Document = Mapping[str, Any]

#: Ports that go without saying. A token that was meant for one of them must not go to another.
_PORTS = {"http": 80, "https": 443}


def with_target_headers(plan: RunPlan) -> RunPlan:
    """The plan with `target.headers` on its http probes, where a probe does not say otherwise itself."""
    target = plan.target
    if not target.headers:
        return plan
    return replace(
        plan,
        target=replace(target, identity=_maybe(target.identity, target)),
        needs=_checks(plan.needs, target),
        alerts=_checks(plan.alerts, target),
        undone_when=_checks(plan.undone_when, target),
        indicators=tuple(replace(each, probe=_maybe(each.probe, target)) for each in plan.indicators),
        experiments=tuple(replace(each, undone_when=_checks(each.undone_when, target)) for each in plan.experiments),
        steps=tuple(
            replace(step, verify=replace(step.verify, probe=_maybe(step.verify.probe, target))) if step.verify else step
            for step in plan.steps
        ),
    )


def _checks(checks: tuple[Check, ...], target: Target) -> tuple[Check, ...]:
    return tuple(replace(check, probe=_headed(check.probe, target)) for check in checks)


def _maybe(probe: Document | None, target: Target) -> Document | None:
    return None if probe is None else _headed(probe, target)


def _headed(probe: Document, target: Target) -> Document:
    provider = probe.get("provider") or {}
    if provider.get("type") != "http" or not _is_of(str(provider.get("url", "")), target):
        return probe
    return {**probe, "provider": {**provider, "headers": {**target.headers, **(provider.get("headers") or {})}}}


def _is_of(url: str, target: Target) -> bool:
    """A token must reach nobody but the target."""
    if url.startswith(("${target.", "${TARGET_")):
        return True
    own = {_place_of(each) for each in (target.url, *target.vars.values()) if each}
    return _place_of(url) in own - {None}


def _place_of(url: str) -> tuple[str, int | None] | None:
    """Machine and port, whichever way they are written; None for what is no address, or is read differently by clients."""
    try:
        parts = urlsplit(url)
        host, port = canonical(parts.hostname or ""), parts.port
    except ValueError:
        return None
    return (host, port or _PORTS.get(parts.scheme)) if host and "\\" not in url else None
