"""What must hold before a fault may happen, judged on the plan; `gate` judges each action again as it is about to run.

A refusal names the rule, the value, and the file. In doubt, refuse.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from importlib.machinery import PathFinder
from typing import Any
from urllib.parse import urlsplit

from runner.engine.plan import Experiment, RunPlan, Step
from runner.values import dataclass

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One reason why not. `where` is file or file:line."""

    rule: str
    what: str
    where: str
    cure: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f"; {self.cure}" if self.cure else "") + f" [{self.rule}]"


def judge_plan(
    plan: RunPlan, *, attended: bool, scripted: Sequence[str] = (), consent: str = ""
) -> tuple[Refusal, ...]:
    """Every reason not to begin; empty when the run may. `consent` is the target's name as a person typed it."""
    return tuple(
        refusal
        for rule in _RULES
        for refusal in rule(plan, _Asked(attended=attended, scripted=frozenset(scripted), consent=consent))
    )


@dataclass(frozen=True, kw_only=True)
class _Asked:
    attended: bool
    scripted: frozenset[str]
    consent: str


def _production(plan: RunPlan, asked: _Asked) -> Iterator[Refusal]:
    if plan.target.environment != "production":
        return
    where = plan.file or plan.slug
    if not plan.allow_production:
        cure = "write `allow-production: true` in the drill if that is really meant"
        yield Refusal(rule="production", what=f"target {plan.target.name} is production", where=where, cure=cure)
    elif not asked.attended:
        yield Refusal(rule="production", what="a run on production is never unattended", where=where)
    elif asked.consent != plan.target.name:
        cure = f"type its name: --consent {plan.target.name}"
        yield Refusal(rule="production", what=f"nobody consented to {plan.target.name}", where=where, cure=cure)


def _undo(plan: RunPlan, _: _Asked) -> Iterator[Refusal]:
    if plan.target.environment == "sandbox":
        return
    for experiment in plan.experiments:
        if experiment.actions and not experiment.rollbacks and not experiment.no_undo:
            cure = "give it rollbacks, or state why it needs none under extensions: no-undo"
            what = f"experiment {experiment.slug} has a fault and nothing that undoes it"
            yield Refusal(rule="undo", what=what, where=experiment.file, cure=cure)


def _people(plan: RunPlan, asked: _Asked) -> Iterator[Refusal]:
    if asked.attended:
        return
    for step in plan.steps:
        if step.id in asked.scripted or step.anytime:
            continue
        for need, present in _needs_a_person(step).items():
            if present:
                cure = "answer it in an --operator file"
                what = f"step {step.id} has `{need}`, and nobody is there to answer"
                yield Refusal(rule="people", what=what, where=step.where or plan.runbook_file, cure=cure)


def _needs_a_person(step: Step) -> Mapping[str, bool]:
    return {"ask": bool(step.ask), "approve": bool(step.approve), "choose": bool(step.choose)}


def _hosts(plan: RunPlan, _: _Asked) -> Iterator[Refusal]:
    if plan.load is not None and plan.load.host and (why := host_refused(plan, plan.load.host)):
        yield Refusal(rule="hosts", what=f"the load's host: {why}", where=plan.file)
    for experiment, activity in activities(plan):
        url = (activity.get("provider") or {}).get("url")
        if isinstance(url, str) and "${" not in url and (why := host_refused(plan, url)):
            what = f"{activity.get('name')}: {why}"
            yield Refusal(rule="hosts", what=what, where=experiment.file)


def _tools(plan: RunPlan, _: _Asked) -> Iterator[Refusal]:
    for experiment, activity in activities(plan):
        provider = activity.get("provider") or {}
        path = provider.get("path")
        if provider.get("type") == "process" and isinstance(path, str) and "${" not in path and not shutil.which(path):
            what = f"{activity.get('name')}: the command {path!r} is not on this machine"
            yield Refusal(rule="tools", what=what, where=experiment.file, cure="install it, or write its full path")
        module = provider.get("module")
        if provider.get("type") == "python" and isinstance(module, str) and "${" not in module and not _found(module):
            what = f"{activity.get('name')}: there is no Python module {module!r} on this machine"
            cure = f"install the package that has it, beside this program: {sys.prefix}"
            yield Refusal(rule="tools", what=what, where=experiment.file, cure=cure)


def _found(module: str) -> bool:
    """Whether the package that a module is in can be found. Nothing is imported: that would run it."""
    package = module.partition(".")[0]
    return package in sys.stdlib_module_names or PathFinder.find_spec(package) is not None


def _opaque(plan: RunPlan, _: _Asked) -> Iterator[Refusal]:
    if plan.target.environment != "production":
        return
    allowed = set(plan.target.allow.get("allow-opaque", ()))
    for what in plan.opaque:
        if what not in allowed and what.partition(": ")[0] not in allowed:
            cure = "name it under allow-opaque"
            yield Refusal(rule="opaque", what=f"the guard cannot see into {what}", where=plan.file, cure=cure)


def _kubernetes(plan: RunPlan, _: _Asked) -> Iterator[Refusal]:
    if plan.target.kind == "kubernetes":
        what = (
            f"target {plan.target.name} is a Kubernetes cluster, whose identity and blast radius cannot be judged yet"
        )
        yield Refusal(rule="kubernetes", what=what, where=plan.file or plan.slug)


_RULES: tuple[Callable[[RunPlan, _Asked], Iterator[Refusal]], ...] = (
    _production,
    _kubernetes,
    _undo,
    _people,
    _hosts,
    _tools,
    _opaque,
)


def activities(plan: RunPlan) -> Iterator[tuple[Experiment, Mapping[str, Any]]]:
    """Every action and rollback of the plan's experiments."""
    for experiment in plan.experiments:
        document = experiment.document
        for activity in (*_list(document.get("method")), *_list(document.get("rollbacks"))):
            if isinstance(activity, Mapping) and "provider" in activity:
                yield experiment, activity


def _list(value: object) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else ()


def host_refused(plan: RunPlan, url: str) -> str:
    """Why a request to `url` is outside what the target allows; '' when it is inside."""
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return f"{url!r} is not an address that can be judged"
    allowed = allowed_hosts(plan)
    if any(fnmatchcase(host, pattern.lower()) for pattern in allowed):
        return ""
    return (
        f"{host or url!r} is not among the hosts that target {plan.target.name} allows ({', '.join(allowed) or 'none'})"
    )


def allowed_hosts(plan: RunPlan) -> tuple[str, ...]:
    """Host patterns: the declared ones; the target's own addresses; for sandbox and local, this machine alone."""
    if plan.target.kind in ("sandbox", "local"):
        return _LOOPBACK
    declared = tuple(plan.target.allow.get("hosts", ()))
    own = (plan.target.url, *plan.target.vars.values())
    return declared or tuple(sorted({host for url in own if (host := urlsplit(url).hostname)}))
