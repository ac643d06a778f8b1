"""Secrets that the files of a run say in plain: to mask them would change what is undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.engine.plan import RunPlan
from runner.engine.plan_json import plan_to_json
from runner.guard.refusal import Refusal
from runner.planning.secret_values import vocabulary
from runner.redact import Redactor
from runner.specs.document import secret_entry
from runner.specs.env_patterns import passing
from runner.specs.place import Path_

_HASHES = frozenset({"plan_hash", "document_hash", "locustfile_hash"})


def declared_at(plan: RunPlan, name: str) -> tuple[str, Path_]:
    """The file that asks for a secret, and the place in it."""
    if name in plan.target.secrets:
        return plan.target.file, ("targets", plan.target.name, "secrets")
    for experiment in plan.experiments:
        # Without a source of a file's own, what is read is the variable that the experiment names.
        if not {"file", "command"} & plan.secret_sources.get(name, {}).keys() and (
            at := secret_entry(experiment.document, name)
        ):
            return experiment.file, at
    if name in plan.passed_secrets and not plan.secret_sources.get(name):
        return let_through_at(plan, name)
    return plan.file, ("secrets",)


def let_through_at(plan: RunPlan, name: str) -> tuple[str, Path_]:
    """The file and the place that let this variable through."""
    if passing(plan.target.env, {name: ""}):
        return plan.target.file, ("targets", plan.target.name, "env")
    return plan.file, ("env",)


def ordinary(plan: RunPlan, *told: str) -> str:
    """All that a transcript of this run says whatever is secret, and what else it was `told`: no piece of a secret can be
    kept out of it.
    """
    return "\n".join([*vocabulary(), *(text for _, text in _texts(plan_to_json(plan), ())), *told])


def judge_exposed(plan: RunPlan, secrets: Mapping[str, str]) -> tuple[Refusal, ...]:
    """Secrets that the files of the run say in plain, by chance or not: to mask them would change what is undone."""
    places = [*_texts(plan_to_json(plan), ())] if secrets else []
    refusals = []
    for name, value in secrets.items():
        redactor = Redactor([value])
        found = next((path for path, text in places if redactor.text(text) != text), None)
        if found is not None:
            refusals.append(_exposed(plan, name, found))
    return tuple(refusals)


def _exposed(plan: RunPlan, name: str, path: Path_) -> Refusal:
    file, at = plan.file, path
    match path:
        case ("experiments", int(index), "document", *rest):
            file, at = plan.experiments[index].file, tuple(rest)
        case ("target", *rest):
            file, at = plan.target.file, ("targets", plan.target.name, *rest)
        case ("steps", int(index), *rest):
            file, at = plan.runbook_file, ("steps", index, *rest)
        case ("load", *_):
            at = ("load",)
    return Refusal(
        rule="secrets",
        what=f"the value of the secret {name} stands here in plain ({'.'.join(map(str, path))})",
        where=file or "gameday",
        at=at,
        cure="take it out, or choose a secret that is no common word",
    )


def _texts(value: Any, path: Path_) -> Iterator[tuple[Path_, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key not in _HASHES:
                yield (*path, key), key
                yield from _texts(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
    elif value is not None and not isinstance(value, bool):
        yield path, str(value)
