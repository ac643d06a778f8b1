"""The alert rules, and the life of an alert: inactive, pending, firing, gone. Pure; the monitor feeds it.

The windows are the sandbox's pace: seconds where staging has minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.sandbox.metric_history import Samples

WINDOW = 2.0


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Fires when `value` has been above `limit` for `wait` seconds. None: nothing to judge. `query` is for people."""

    name: str
    severity: str
    summary: str
    query: str
    limit: float
    value: Callable[[Samples], float | None]
    wait: float = 1.0


def _down(job: str) -> Callable[[Samples], float | None]:
    return lambda samples: None if (up := samples.up(job)) is None else 1.0 - up


def _errors(route: str) -> Callable[[Samples], float | None]:
    def share(samples: Samples) -> float | None:
        by_status = samples.increase_by("status", "storefront", "http_requests_total", WINDOW, route=route)
        total = sum(by_status.values())
        bad = sum(count for status, count in by_status.items() if status.startswith("5"))
        return bad / total if total else None

    return share


def _p95(route: str) -> Callable[[Samples], float | None]:
    return lambda samples: samples.quantile(0.95, "storefront", "http_request_seconds", WINDOW, route=route)


def _cache_misses(samples: Samples) -> float | None:
    outcomes = samples.increase_by("outcome", "storefront", "storefront_cache_lookups_total", WINDOW)
    total = sum(outcomes.values())
    # A handful of look-ups says nothing about a cache.
    return 1 - outcomes.get("hit", 0.0) / total if total >= 5 else None


def _failed_calls(samples: Samples) -> float | None:
    outcomes = samples.increase_by("outcome", "checkout", "gateway_calls_total", WINDOW)
    total = sum(outcomes.values())
    return 1 - outcomes.get("ok", 0.0) / total if total else None


def _average(job: str, name: str) -> Callable[[Samples], float | None]:
    # A queue of callers who all wait for the same slow thing moves in waves; its length at one moment flaps.
    return lambda samples: samples.average(job, name, WINDOW)


def _gauge(job: str, name: str) -> Callable[[Samples], float | None]:
    return lambda samples: samples.latest(job, name)


def _errors_rule(name: str, severity: str, route: str) -> Rule:
    errors, total = (
        f'http_requests_total{{job="storefront",route="{route}"{more}}}' for more in (',status=~"5.."', "")
    )
    return Rule(
        name=name,
        severity=severity,
        summary=f"More than 5 % of {route} fail.",
        query=f"sum(rate({errors}[2s])) / sum(rate({total}[2s])) > 0.05",
        limit=0.05,
        value=_errors(route),
    )


def _slow_rule(name: str, severity: str, route: str, limit: float) -> Rule:
    buckets = f'http_request_seconds_bucket{{job="storefront",route="{route}"}}'
    return Rule(
        name=name,
        severity=severity,
        summary=f"The slowest twentieth of {route} takes longer than {limit * 1000:g} ms.",
        query=f"histogram_quantile(0.95, sum by (le) (rate({buckets}[2s]))) > {limit:g}",
        limit=limit,
        value=_p95(route),
    )


def _down_rule(name: str, severity: str, job: str) -> Rule:
    return Rule(
        name=name,
        severity=severity,
        summary=f"{job} does not answer.",
        query=f'up{{job="{job}"}} == 0',
        limit=0.5,
        value=_down(job),
    )


RULES: tuple[Rule, ...] = (
    _errors_rule("CheckoutErrorsHigh", "page", "POST /checkout"),
    _slow_rule("CheckoutSlow", "page", "POST /checkout", 0.4),
    _errors_rule("CatalogueErrorsHigh", "page", "GET /catalogue"),
    _slow_rule("CatalogueSlow", "page", "GET /catalogue", 0.3),
    _down_rule("StorefrontDown", "page", "storefront"),
    _down_rule("CheckoutDown", "page", "checkout"),
    _down_rule("CacheDown", "ticket", "cache"),
    Rule(
        name="CacheHitRatioLow",
        severity="ticket",
        summary="Fewer than half of the cache look-ups hit.",
        query='1 - sum(rate(storefront_cache_lookups_total{outcome="hit"}[2s])) / sum(rate(storefront_cache_lookups_total[2s])) > 0.5',
        limit=0.5,
        value=_cache_misses,
    ),
    Rule(
        name="QueueBuildingUp",
        severity="page",
        summary="On average more than 5 requests wait for a worker of the storefront.",
        query="avg_over_time(storefront_queue_length[2s]) > 5",
        limit=5,
        value=_average("storefront", "storefront_queue_length"),
    ),
    Rule(
        name="BackendSaturated",
        severity="ticket",
        summary="On average more than 5 queries wait for a connection to the catalogue database.",
        query="avg_over_time(backend_waiting[2s]) > 5",
        limit=5,
        value=_average("backend", "backend_waiting"),
    ),
    Rule(
        name="GatewayErrorsHigh",
        severity="ticket",
        summary="More than 5 % of the calls of the payment gateway in use fail or are refused by the breaker.",
        query='1 - sum(rate(gateway_calls_total{outcome="ok"}[2s])) / sum(rate(gateway_calls_total[2s])) > 0.05',
        limit=0.05,
        value=_failed_calls,
    ),
    Rule(
        name="BreakerOpen",
        severity="ticket",
        summary="The circuit breaker of the payment gateway in use is open.",
        query="breaker_state > 0",
        limit=0,
        value=_gauge("checkout", "breaker_state"),
    ),
)


@dataclass(frozen=True)
class Alert:
    """`since` and `at` say when its condition began to hold: on the monitor's clock, and as ISO 8601 UTC."""

    rule: Rule
    value: float
    since: float
    at: str
    firing: bool

    @property
    def state(self) -> str:
        return "firing" if self.firing else "pending"

    def as_json(self) -> dict[str, Any]:
        return {
            "labels": {"alertname": self.rule.name, "severity": self.rule.severity},
            "annotations": {"summary": self.rule.summary},
            "state": self.state,
            "activeAt": self.at,
            "value": f"{self.value:e}",
        }


@dataclass
class AlertBook:
    """The alerts that are pending or firing."""

    rules: tuple[Rule, ...] = RULES
    active: dict[str, Alert] = field(default_factory=dict)
    values: dict[str, float | None] = field(default_factory=dict)

    def evaluate(self, samples: Samples, now: float, at: str) -> None:
        for rule in self.rules:
            value = self.values[rule.name] = rule.value(samples)
            if value is None or value <= rule.limit:
                self.active.pop(rule.name, None)
                continue
            known = self.active.get(rule.name)
            since, began = (known.since, known.at) if known else (now, at)
            self.active[rule.name] = Alert(rule, value, since, began, firing=now - since >= rule.wait)

    def states(self) -> Mapping[str, str]:
        """Rule name → inactive, pending or firing."""
        return {
            rule.name: self.active[rule.name].state if rule.name in self.active else "inactive" for rule in self.rules
        }
