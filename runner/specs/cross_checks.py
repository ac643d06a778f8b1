"""What the files of a drill must be to one another: names that exist, indicators that are measured, secrets declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from functools import partial

from runner.errors import Problem
from runner.lazy_dataclass import lazy_dataclass
from runner.specs.diagnostics import Diagnostics, nearest
from runner.specs.document import has_controls, variables
from runner.specs.drill_checks import check_placeholders
from runner.specs.experiment import ExperimentSpec
from runner.specs.locust_files import LoadFiles
from runner.specs.runbook_spec import RunbookSpec
from runner.specs.substitution import placeholders
from runner.specs.target_names import given_by, note_undefined
from runner.specs.target_spec import TargetSpec, attributes
from runner.specs.yaml import Document, Path_
from runner.specs.yaml_composer import Json
from runner.targets.registry import driver_of


@lazy_dataclass
class Parts:
    """What was found of a drill; a part that is missing or wrong is None."""

    document: Document
    file: str
    targets: dict[str, TargetSpec | None] = field(default_factory=dict)
    target_name: str = ""
    target: TargetSpec | None = None
    overridden: bool = False
    runbook: RunbookSpec | None = None
    runbook_document: Document | None = None
    experiments: dict[str, tuple[ExperimentSpec, Document]] = field(default_factory=dict)
    load: LoadFiles = field(default_factory=LoadFiles)


def check_together(
    raw: Mapping[str, Json], parts: Parts, runbooks: Iterable[str], experiments: Iterable[str]
) -> list[Problem]:
    """Every problem between the files; `runbooks` and `experiments` are all the names there are."""
    notes = Diagnostics(parts.document, further=True)
    _check_names(raw, parts, list(runbooks), list(experiments), notes)
    secrets = (*_names(raw.get("secrets")), *(parts.target.secrets if parts.target else ()))
    if parts.target is not None:
        for path, value in _probes(raw):
            check_placeholders(value, parts.target, secrets, notes, path)
        _check_stop_rules(raw, parts.target_name, parts.target, notes)
    _check_requests(raw, parts.load.requests, notes)
    problems = notes.problems()
    if parts.runbook_document is not None:
        problems += _check_runbook(raw, parts, secrets)
    for experiment, document in parts.experiments.values():
        if parts.target is not None:
            problems += check_experiment(experiment, document, parts.target_name, parts.target, secrets)
    return problems


def _check_names(
    raw: Mapping[str, Json], parts: Parts, runbooks: list[str], known: list[str], notes: Diagnostics
) -> None:
    if parts.target_name and parts.target_name not in parts.targets:
        what, meant = (
            f"there is no target {parts.target_name!r}",
            nearest(parts.target_name, parts.targets, noun="targets"),
        )
        if parts.overridden:
            notes.add_whole("--target", what, meant)
        else:
            notes.add(("target",), what, meant)
    runbook = raw.get("runbook")
    if isinstance(runbook, str) and runbook not in runbooks:
        notes.add(("runbook",), f"there is no runbook {runbook!r}", nearest(runbook, runbooks, noun="runbooks"))
    steps = dict.fromkeys(step.id for step in parts.runbook.steps) if parts.runbook else {}
    for index, planned in enumerate(_list(raw.get("experiments"))):
        if not isinstance(planned, dict):
            continue
        path: Path_ = ("experiments", index)
        name, inject = planned.get("experiment"), planned.get("inject")
        if isinstance(name, str) and name not in known:
            near = partial(nearest, name, known, noun="experiments")
            notes.add((*path, "experiment"), f"there is no experiment {name!r}", near)
        step = inject.get("at-step") if isinstance(inject, dict) else None
        if steps and isinstance(step, str) and step not in steps:
            near = partial(nearest, step, steps, noun="steps")
            notes.add((*path, "inject", "at-step"), f"the runbook has no step {step!r}", near)


def _check_requests(raw: Mapping[str, Json], sent: frozenset[str] | None, notes: Diagnostics) -> None:
    """An indicator of requests that the load never sends would be judged by nothing."""
    if sent is None:
        return
    steady = raw.get("steady-state")
    for index, indicator in enumerate(_list(steady.get("indicators") if isinstance(steady, dict) else None)):
        load = indicator.get("load") if isinstance(indicator, dict) else None
        request = load.get("request") if isinstance(load, dict) else None
        if isinstance(request, str) and request and request not in sent:
            path: Path_ = ("steady-state", "indicators", index, "load", "request")
            notes.add(path, f"the load never sends {request!r}", nearest(request, sorted(sent), noun="it sends"))


def _check_stop_rules(raw: Mapping[str, Json], name: str, target: TargetSpec, notes: Diagnostics) -> None:
    never_gone = driver_of(target.kind).never_gone
    for index, rule in enumerate(_list(raw.get("stop-when"))):
        if isinstance(rule, dict) and rule.get("target") == "gone" and never_gone:
            notes.add(("stop-when", index, "target"), f"the target {name!r} {never_gone}", "leave the rule out")


def _check_runbook(raw: Mapping[str, Json], parts: Parts, secrets: tuple[str, ...]) -> list[Problem]:
    if parts.runbook is None or parts.runbook_document is None:
        return []
    notes = Diagnostics(parts.runbook_document, further=True)
    indicators = _indicators(raw)
    for index, step in enumerate(parts.runbook.steps):
        path: Path_ = ("steps", index)
        verify = step.verify
        if verify is not None and verify.indicator and verify.indicator not in indicators:
            what = f"{parts.file} has no indicator {verify.indicator!r}"
            notes.add(
                (*path, "verify", "indicator"), what, nearest(verify.indicator, indicators, noun="its indicators")
            )
        if verify is not None and verify.impact and (why := _no_impact_to_see(raw, indicators)):
            notes.add((*path, "verify", "impact"), f"{parts.file} {why}", "verify something else", key=True)
        for position, name in enumerate(step.secrets):
            if parts.target is not None and name not in secrets:
                what = f"neither {parts.file} nor its target declares the secret {name!r}"
                notes.add((*path, "secrets", position), what, nearest(name, secrets) or "name it under secrets")
        if verify is not None and verify.provider is not None and parts.target is not None:
            written = parts.runbook_document.value["steps"][index]["verify"]
            check_placeholders(written, parts.target, secrets, notes, (*path, "verify"))
    if parts.target is not None:
        known = given_by(attributes(parts.target))
        note_undefined(parts.runbook_document.value, known, f"the target {parts.target_name!r} has no", notes)
    return notes.problems()


def check_runbook_alone(document: Document, targets: Mapping[str, TargetSpec | None]) -> list[Problem]:
    """What no target of the repository can give to the steps of a runbook; nothing where one of them is not known."""
    notes = Diagnostics(document, further=True)
    known = [target for target in targets.values() if target is not None]
    if len(known) == len(targets):
        names = dict.fromkeys(name for target in known for name in given_by(attributes(target)))
        note_undefined(document.value, names, "no target here has", notes)
    return notes.problems()


def check_experiment(
    experiment: ExperimentSpec, document: Document, name: str, target: TargetSpec, secrets: tuple[str, ...]
) -> list[Problem]:
    """What an experiment asks of its target."""
    notes = Diagnostics(document, further=True)
    known = given_by(attributes(target))
    for variable, path in experiment.wants:
        if variable.startswith("TARGET_") and variable not in known:
            attribute = variable.removeprefix("TARGET_").lower()
            what = f"the target {name!r} has no {attribute!r}, so there is no {variable}"
            notes.add(path, what, nearest(variable, known, noun="it gives"))
    own = (*secrets, *target.secrets, *variables(experiment.document), *_filled(experiment))
    for index, extension in enumerate(_list(experiment.document.get("extensions"))):
        if isinstance(extension, dict) and extension.get("name") == "gameday":
            check_placeholders(extension.get("undone-when"), target, own, notes, ("extensions", index, "undone-when"))
    return notes.problems()


def _filled(experiment: ExperimentSpec) -> list[str]:
    """The names in its `undone-when` that a control may give a value, where it has controls."""
    if not has_controls(experiment.document):
        return []
    return [name for name in placeholders(experiment.document.get("extensions")) if "." not in name]


def _probes(raw: Mapping[str, Json]) -> Iterator[tuple[Path_, Json]]:
    for part in ("needs", "alerts", "undone-when"):
        yield (part,), raw.get(part)
    steady = raw.get("steady-state")
    for index, indicator in enumerate(_list(steady.get("indicators") if isinstance(steady, dict) else None)):
        if isinstance(indicator, dict):
            yield ("steady-state", "indicators", index, "probe"), indicator.get("probe")
    load = raw.get("load")
    if isinstance(load, dict):
        yield ("load", "host"), load.get("host")


def _no_impact_to_see(raw: Mapping[str, Json], indicators: list[str]) -> str:
    """Why no impact can be what a step waits for; '' when one can."""
    if not indicators:
        return "has no indicator that could show an impact"
    if not raw.get("experiments"):
        return "has no experiment that could have an impact"
    return "expects no impact" if raw.get("expect") == "no-impact" else ""


def _indicators(raw: Mapping[str, Json]) -> list[str]:
    steady = raw.get("steady-state")
    indicators = _list(steady.get("indicators") if isinstance(steady, dict) else None)
    return [str(each.get("name")) for each in indicators if isinstance(each, dict)]


def _names(secrets: Json) -> list[str]:
    if isinstance(secrets, dict):
        return list(secrets)
    return [name for item in _list(secrets) for name in (item if isinstance(item, dict) else (str(item),))]


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
