"""The plan of a run as text: what is touched, in what order, what undoes it, under what load, what nobody can see into."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from runner.engine.plan import HASH_SHOWN, Experiment, Indicator, RunPlan
from runner.guard.hosts import allowed_hosts
from runner.guard.irreversible import lasting_action
from runner.guard.mentions import HOST_HEADERS
from runner.guard.refusal import Refusal
from runner.planning.calls import Call, asked_calls, planned_calls
from runner.planning.opaque_calls import command_line
from runner.specs.env_patterns import unmatched
from runner.specs.injection_moment import AfterWarmUp, AtStep, Between, InjectionMoment, OnCommand
from runner.targets.registry import driver_of
from runner.views.prompt_text import way
from runner.views.text import duration, inert

#: Cells of the column of names.
WIDTH = 16


@dataclass(frozen=True)
class Row:
    """One line below a heading: in the first column what it is about, in the second what it says."""

    name: str
    text: str

    def __str__(self) -> str:
        return f"  {self.label}{self.text}"

    @property
    def label(self) -> str:
        """The name, as wide as its column; a longer one is followed by a space all the same."""
        return f"{self.name:{WIDTH - 1}} "


#: A heading, an empty line, a line by itself (`  …`, `! …`), or a row.
Line = str | Row


def plan_text(plan: RunPlan, refusals: Sequence[Refusal]) -> str:
    """Everything the guard looks at, the guard's verdict, and the plan's hash."""
    # One place for all of them: whatever stands in a plan, it is shown, and does nothing.
    return "\n".join(inert(str(line)) for line in _lines(plan, refusals))


def _lines(plan: RunPlan, refusals: Sequence[Refusal]) -> Iterator[Line]:
    yield f"{plan.name}  ({plan.file or plan.slug})"
    yield from plan_lines(plan)
    yield ""
    if refusals:
        yield "the guard refuses:"
        yield from (f"  {refusal!s}" for refusal in refusals)
    else:
        yield "the guard has no objection so far; identity, needs and steady state are looked at when the run begins"
    yield f"plan {plan.plan_hash[:HASH_SHOWN]}"


def plan_lines(plan: RunPlan) -> Iterator[Line]:
    """What the guard looks at: an empty line before each heading. Texts are as they stand in the files, not yet inert."""
    yield from _target(plan)
    yield from _load(plan)
    yield from _faults(plan)
    yield from _steady_state(plan)
    yield from _steps(plan)
    yield from _limits(plan)
    if plan.opaque:
        yield ""
        yield "opaque: the guard cannot see into these"
        yield from (f"  {what}" for what in plan.opaque)
    for warning in plan.warnings:
        yield f"! {warning}"


def _target(plan: RunPlan) -> Iterator[Line]:
    target = plan.target
    yield ""
    yield "target"
    yield Row(target.name, f"{target.kind}, {target.environment}" + (f", {target.url}" if target.url else ""))
    yield Row("may touch", ", ".join(allowed_hosts(plan)) or "nothing by address")
    for name, value in target.allow.items():
        if value and name != "hosts":
            yield Row(name, ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))
    driver = driver_of(target.kind)
    yield from (Row(label, value) for label, value in driver.details(target))
    asked = list(asked_calls(plan))
    for proof in driver.identity_checks(target):
        yield Row("identity", _asks(proof.name, proof.probe, asked))
    for check in plan.needs:
        yield Row("needs", _asks(check.name, check.probe, asked))
    yield from _passed(plan)
    for name, source in plan.secret_sources.items():
        if name in plan.passed_secrets and not source:
            continue
        yield Row(
            "secret", f"{name}, from {' '.join(f'{key} {value}' for key, value in source.items()) or 'the environment'}"
        )


def _passed(plan: RunPlan) -> Iterator[Line]:
    """The variables of the shell that are let through."""
    for name, value in plan.passed.items():
        yield Row("env", f"{name}={value}")
    for name in plan.passed_secrets:
        yield Row("env", f"{name}, kept secret")
    for pattern in unmatched((*plan.target.env, *plan.env), (*plan.passed, *plan.passed_secrets)):
        yield Row("env", f"{pattern}, not set here")


def _load(plan: RunPlan) -> Iterator[Line]:
    load = plan.load
    if load is None:
        return
    yield ""
    yield "load"
    processes = f" in {load.processes} processes" if load.processes > 1 else ""
    yield Row("users", f"{load.users}, {load.spawn_rate:g} a second{processes}")
    yield Row("host", load.host or "the target's address")
    yield Row("warm-up", duration(load.warm_up))


def _faults(plan: RunPlan) -> Iterator[Line]:
    if plan.settings:
        yield ""
        yield f"settings of Chaos Toolkit  ({plan.settings})"
        for name, module in plan.global_controls.items():
            yield Row("control", f"{name}: {module}, around every experiment")
    for experiment in plan.experiments:
        yield ""
        yield f"experiment {experiment.slug}  ({_moment(experiment.inject)})"
        calls = {call.at: call for call in planned_calls(replace(plan, experiments=(experiment,)))}
        for at, asked in calls.items():
            if at[0] in ("configuration", "steady-state-hypothesis"):
                yield Row("asks", _call(asked.name, asked.provider))
        for verb, part in (("does", "method"), ("undoes", "rollbacks")):
            for index, activity in enumerate(experiment.document.get(part) or ()):
                asks = activity.get("type") == "probe" or "ref" in activity
                call = calls.get((part, index, "provider"))
                # As the guard sees it: with what is known of the configuration put in.
                seen = {**activity, "provider": call.provider} if call else activity
                yield Row("asks" if asks else verb, _activity(seen))
                if part == "rollbacks" and (pauses := _pauses(activity)):
                    yield Row("", pauses)
        yield from _undo(plan, experiment)


def _pauses(activity: Mapping[str, Any]) -> str:
    """How long a rollback waits before and after its work: the undo lasts so much longer, at each attempt."""
    pauses = activity.get("pauses")
    if not isinstance(pauses, Mapping):
        return ""
    said = (f"{_seconds(pauses[when])} {when} it" for when in ("before", "after") if pauses.get(when))
    return "waits " + " and ".join(said) if any(map(pauses.get, ("before", "after"))) else ""


def _seconds(value: object) -> str:
    return duration(float(value)) if isinstance(value, int | float) else f"{value} s"


def _undo(plan: RunPlan, experiment: Experiment) -> Iterator[Line]:
    if experiment.no_undo:
        yield Row("no undo", experiment.no_undo)
    elif lasting_action(plan, experiment) is not None:
        yield Row("no undo", "NOTHING undoes this fault")
    elif experiment.actions and not experiment.rollbacks:
        yield Row("no undo", "a controller of the cluster brings back what it takes")
    elif experiment.actions:
        yield Row("lasts", "until it is undone: it does not expire by itself")
    asked = list(asked_calls(replace(plan, experiments=(experiment,))))
    for check in (*experiment.undone_when, *plan.undone_when):
        yield Row("undone when", _asks(check.name, check.probe, asked))


def _moment(inject: InjectionMoment) -> str:
    match inject:
        case AfterWarmUp():
            return "after warm up"
        case OnCommand():
            return "on command"
        case AtStep(step=step):
            return f"when step {step} begins"
        case Between(first=first, last=last):
            return f"at a random moment between {duration(first)} and {duration(last)}"
        case _:
            assert_never(inject)


def _asks(name: str, probe: Mapping[str, Any], asked: Sequence[Call]) -> str:
    """A probe as the guard sees it: with what is known of its target put in."""
    own = probe.get("provider") or {}
    seen = next((call.provider for call in asked if call.probe is probe), own)
    expected = json.dumps(probe.get("tolerance", True), sort_keys=True)
    return f"{_call(name, seen)}, expecting {expected}" if seen else name


def _activity(activity: Mapping[str, Any]) -> str:
    provider = activity.get("provider") or {}
    return _call(str(activity.get("name", "")), provider) if provider else str(activity.get("ref", ""))


def _call(name: str, provider: Mapping[str, Any]) -> str:
    match provider.get("type"):
        case "http":
            body = provider.get("arguments")
            what = f"{provider.get('method', 'GET')} {provider.get('url')}" + (f" {json.dumps(body)}" if body else "")
            what += _headers(provider.get("headers"))
        case "tcp":
            what = f"{provider.get('host')}:{provider.get('port')}"
        case "process":
            what = command_line(provider)
        case "python":
            what = f"{provider.get('module')}.{provider.get('func')}({_arguments(provider.get('arguments'))})"
        case _:
            return name
    return f"{name}: {what}" if name else what


def _headers(headers: object) -> str:
    """Their names, since a value may be a password; all of those that say which machine is meant."""
    if not isinstance(headers, Mapping) or not headers:
        return ""
    said = (f"{name}: {value}" if name.lower() in HOST_HEADERS else name for name, value in headers.items())
    return f" (headers: {', '.join(said)})"


def _arguments(arguments: object) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in arguments.items()) if isinstance(arguments, Mapping) else ""


def _steady_state(plan: RunPlan) -> Iterator[Line]:
    if plan.indicators:
        yield ""
        yield f"steady state, held for {duration(plan.hold)}"
    asked = list(asked_calls(plan))
    for indicator in plan.indicators:
        yield Row("", f"{indicator.name}: {_tolerance(indicator)}")
        if indicator.probe:
            yield Row("asks", _asks(indicator.name, indicator.probe, asked))
    for check in plan.alerts:
        yield Row("alert", _asks(check.name, check.probe, asked))
    for rule in plan.stop_when:
        if rule.target:
            yield Row("stops when", f"the target is {rule.target} for {duration(rule.lasting)}")
            continue
        sign, bound = ("below", rule.below) if rule.below is not None else ("above", rule.above)
        metric = next((each.metric for each in plan.indicators if each.name == rule.indicator), "")
        yield Row("stops when", f"{rule.indicator} is {sign} {_bound(metric, bound)} for {duration(rule.lasting)}")


def _tolerance(indicator: Indicator) -> str:
    sign, bound = ("at least", indicator.at_least) if indicator.at_least is not None else ("at most", indicator.at_most)
    of = f" of {indicator.request or 'all requests'}" if indicator.source == "load" else " of probes"
    return f"{indicator.metric}{of} {sign} {_bound(indicator.metric, bound)}"


def _bound(metric: str, bound: float | None) -> str:
    if bound is None:
        return "anything"
    if metric.endswith("ratio"):
        return f"{bound * 100:g} %"
    return f"{bound:g} a second" if metric == "rate" else f"{bound * 1000:g} ms"


def _steps(plan: RunPlan) -> Iterator[Line]:
    if plan.steps:
        yield ""
        yield f"runbook {plan.runbook}  ({plan.runbook_file})"
    asked = list(asked_calls(plan))
    for number, step in enumerate(plan.steps, 1):
        yield Row(f"{number:>3}. {way(step)}", step.name)
        for line in step.run.strip().splitlines():
            yield Row("", f"  $ {line}")
        for name, reading in step.output.items():
            yield Row("", f"  {name} is read from what it prints: {reading}")
        if step.verify and step.verify.probe:
            yield Row("", f"  verified by {_asks('', step.verify.probe, asked)}")


def _limits(plan: RunPlan) -> Iterator[Line]:
    yield ""
    yield "limits"
    yield Row("time-box", duration(plan.time_box))
    if plan.expect == "no-impact":
        yield Row("expects", "no impact")
    elif plan.indicators:
        yield Row("expects", f"an impact within {duration(plan.impact_within)}")
    for name in ("detect", "notice", "acknowledge", "mitigate", "recover"):
        bound = getattr(plan, f"time_to_{name}")
        if bound is not None:
            yield Row("objective", f"time to {name} at most {duration(bound)}")
