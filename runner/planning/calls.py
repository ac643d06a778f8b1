"""What a run calls, one by one: the actions and rollbacks of its experiments, and every probe it asks.

In the plan their arguments are resolved as far as the configuration is known; at the gate all of it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from runner.engine.plan import Check, Experiment, RunPlan, Target
from runner.lazy_dataclass import lazy_dataclass
from runner.specs.configuration import known_configuration
from runner.specs.document import environment, secret_variables
from runner.specs.place import Path_
from runner.specs.substitution import placeholders, substitute
from runner.targets.registry import recorded_driver

Json = Any
Sort = Literal["action", "rollback", "probe"]


@lazy_dataclass(frozen=True, kw_only=True)
class Call:
    """One thing that a run calls. `file` and `at` are where its provider is written.

    `final` says that nothing of it is left to be resolved: what looks like a placeholder is a text. `probe` is the
    probe of the plan that is called, as it is written there.
    """

    name: str
    sort: Sort
    provider: Mapping[str, Json]
    file: str
    at: Path_
    final: bool = False
    probe: Mapping[str, Json] | None = None

    @property
    def kind(self) -> str:
        """http, process, python or tcp."""
        return str(self.provider.get("type", ""))

    @property
    def arguments(self) -> Mapping[str, Json]:
        """Its arguments by name; none when they have no names."""
        arguments = self.provider.get("arguments")
        return arguments if isinstance(arguments, Mapping) else {}

    def open(self, value: Json) -> bool:
        """Whether this value is known only when the moment comes: then it is judged at the gate."""
        return not self.final and bool(placeholders(value))


def planned_calls(plan: RunPlan, *, sealed: bool = False) -> Iterator[Call]:
    """Every call that the plan's experiments hold: configuration, hypothesis, method, rollbacks.

    `sealed` leaves open what the environment says, which may be another one when the plan is run.
    """
    for experiment in plan.experiments:
        known = _known(plan, experiment, sealed=sealed)
        for name, activity, sort, at in _activities(experiment.document):
            provider = _partly(activity.get("provider") or {}, known)
            yield Call(name=name, sort=sort, provider=provider, file=experiment.file, at=at)


def written_calls(document: Mapping[str, Json], file: str) -> Iterator[Call]:
    """The calls of an experiment by itself, as they stand in its file."""
    for name, activity, sort, at in _activities(document):
        yield Call(name=name, sort=sort, provider=activity.get("provider") or {}, file=file, at=at)


def asked_calls(plan: RunPlan) -> Iterator[Call]:
    """Every probe of the drill, its target, its runbook, and of the experiments' own extensions."""
    target = plan.target
    driver = recorded_driver(target.kind)
    known = {f"target.{name}": value for name, value in driver.variables(target).items() if value}
    for check in driver.identity_checks(target):
        yield _probe(check.name, check.probe, target.file, ("targets", target.name, check.key), known)
    for part, checks in (("needs", plan.needs), ("alerts", plan.alerts), ("undone-when", plan.undone_when)):
        yield from _checks(checks, plan.file, (part,), known)
    for index, indicator in enumerate(plan.indicators):
        if indicator.probe:
            at: Path_ = ("steady-state", "indicators", index, "probe")
            yield _probe(indicator.name, indicator.probe, plan.file, at, known)
    for index, step in enumerate(plan.steps):
        if step.verify and step.verify.probe:
            yield _probe(step.name, step.verify.probe, plan.runbook_file, ("steps", index, "verify"), known)
    for experiment in plan.experiments:
        at = (*_extension(experiment.document), "undone-when")
        yield from _checks(experiment.undone_when, experiment.file, at, {**_known(plan, experiment), **known})


def gated_calls(
    experiment: Experiment, *, index: int, name: str, provider: Mapping[str, Json], configuration: Mapping[str, Json]
) -> Iterator[Call]:
    """The action at the gate, all its arguments resolved; and what would undo it, with the same configuration.

    `index` counts the method; -1 is an action that stands anywhere else.
    """
    at: Path_ = ("method", index, "provider") if index >= 0 else ()
    yield Call(name=name, sort="action", provider=provider, file=experiment.file, at=at, final=True)
    for undo, activity, sort, where in _activities(experiment.document):
        if sort == "rollback":
            resolved = _partly(activity.get("provider") or {}, configuration)
            yield Call(name=undo, sort=sort, provider=resolved, file=experiment.file, at=where)


def command_words(provider: Mapping[str, Any]) -> list[str]:
    """The command of a process provider as words; its arguments as one when they go through a shell."""
    arguments = provider.get("arguments")
    path = str(provider.get("path", ""))
    if isinstance(arguments, Mapping):
        return [path, *(str(word) for pair in arguments.items() for word in pair if word not in (None, ""))]
    if isinstance(arguments, list | tuple):
        return [path, *(str(word) for word in arguments if word not in (None, ""))]
    return [path, *([str(arguments)] if arguments else [])]


# -- where they stand --------------------------------------------------------------------------------------------------


def _activities(document: Mapping[str, Json]) -> Iterator[tuple[str, Mapping[str, Json], Sort, Path_]]:
    """Name, activity, sort, and the place of its provider."""
    for name, entry in (document.get("configuration") or {}).items():
        if isinstance(entry, Mapping) and entry.get("type") == "probe":
            yield str(entry.get("name") or name), entry, "probe", ("configuration", name, "provider")
    hypothesis = document.get("steady-state-hypothesis") or {}
    for index, probe in enumerate(hypothesis.get("probes") or ()):
        if "provider" in probe:
            at: Path_ = ("steady-state-hypothesis", "probes", index, "provider")
            yield str(probe.get("name", "")), probe, "probe", at
    sorts: dict[str, Sort] = {"method": "action", "rollbacks": "rollback"}
    for part, sort in sorts.items():
        for index, activity in enumerate(document.get(part) or ()):
            if "provider" in activity:
                asks = part == "method" and activity.get("type") == "probe"
                yield str(activity.get("name", "")), activity, "probe" if asks else sort, (part, index, "provider")


def _checks(checks: Iterable[Check], file: str, part: Path_, known: Mapping[str, Json]) -> Iterator[Call]:
    for index, check in enumerate(checks):
        yield _probe(check.name, check.probe, file, (*part, index), known)


def _probe(name: str, probe: Mapping[str, Json], file: str, at: Path_, known: Mapping[str, Json]) -> Call:
    provider = _partly(probe.get("provider") or {}, known)
    return Call(name=name, sort="probe", provider=provider, file=file, at=(*at, "provider"), probe=probe)


def _extension(document: Mapping[str, Json]) -> Path_:
    extensions = document.get("extensions") or ()
    index = next((at for at, each in enumerate(extensions) if each.get("name") == "gameday"), 0)
    return ("extensions", index)


# -- what is known of their arguments ----------------------------------------------------------------------------------


def _known(plan: RunPlan, experiment: Experiment, *, sealed: bool = False) -> dict[str, Json]:
    """Its configuration, as far as it is written down or stands in the environment.

    What is not to be known stands for itself: a secret, which would be shown, and what only the found target tells.
    """
    document = experiment.document
    secret = {*plan.secrets, *plan.secret_sources, *plan.target.secrets, *secret_variables(document)}
    read = environment(document)
    own = {name: os.environ[name] for name in read if name in os.environ}
    if sealed:
        own = {name: f"${{{name}}}" for name in read}
    later = [*secret, *(f"TARGET_{name.upper()}" for name in recorded_driver(plan.target.kind).found_attributes)]
    return known_configuration(document, {**own, **target_variables(plan.target), **{n: f"${{{n}}}" for n in later}})


def target_variables(target: Target) -> dict[str, str]:
    """TARGET_NAME, TARGET_URL and the like, as far as the declaration says them."""
    said = recorded_driver(target.kind).variables(target).items()
    return {f"TARGET_{name.replace('-', '_').upper()}": value for name, value in said if value}


def _partly(provider: Mapping[str, Json], known: Mapping[str, Json]) -> Mapping[str, Json]:
    """With every placeholder replaced that is known; the others stay."""
    names = {name: known.get(name, f"${{{name}}}") for name in placeholders(provider)}
    return substitute(provider, names) if names else provider
