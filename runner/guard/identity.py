"""Whether what a run does with its target goes to that one and to no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from runner.engine.plan import RunPlan
from runner.guard.refusal import Refusal
from runner.guard.secret_exposure import let_through_at
from runner.specs.place import Path_
from runner.targets.registry import driver_of


def judge_identity(plan: RunPlan) -> Iterator[Refusal]:
    """Whatever keeps this machine from the target, or would make it another one than the declared one."""
    target, driver = plan.target, driver_of(plan.target.kind)
    if lack := driver.unreachable(target):
        yield replace(_refusal(lack.what, target.file, ("targets", target.name, lack.key), lack.cure), here=True)
    another = f"would lead to another {driver.noun}"
    for name in filter(driver.misleads, plan.passed):
        yield _refusal(f"{name} {another}", *let_through_at(plan, name), "do not let it through")
    for name in filter(driver.misleads, plan.secret_sources):
        of_target = name in target.secrets
        file, at = (target.file, ("targets", target.name, "secrets")) if of_target else (plan.file, ("secrets",))
        yield _refusal(f"the secret {name} {another}", file, at, "give it another name")
    for experiment in plan.experiments:
        for name, place in _variables(experiment.document):
            if driver.misleads(name):
                what = f"{name} would lead {experiment.slug} to another {driver.noun} than {target.name}"
                cure = f"leave it out: the target says where its {driver.noun} is"
                yield _refusal(what, experiment.file, place, cure)


def _variables(document: Mapping[str, Any]) -> Iterator[tuple[str, Path_]]:
    """What its secrets are called, since the extension looks for them by name; and what else its process is given."""
    for group, entries in (document.get("secrets") or {}).items():
        for name in entries if isinstance(entries, Mapping) else ():
            yield name, ("secrets", group, name)
    for name, entry in (document.get("configuration") or {}).items():
        if isinstance(entry, Mapping) and entry.get("type") == "env":
            yield str(entry.get("key")), ("configuration", name, "key")


def _refusal(what: str, file: str, at: Path_, cure: str) -> Refusal:
    return Refusal(rule="identity", what=what, where=file, at=at, cure=cure)
