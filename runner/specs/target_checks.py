"""What each kind of target needs. Works on plain values, so that one bad field hides nothing else."""

from __future__ import annotations

from runner.specs.diagnostics import Diagnostics, nearest
from runner.specs.hostname import fault_of
from runner.specs.pydantic_errors import validated
from runner.specs.shape import note_nulls, texts
from runner.specs.substitution import placeholders
from runner.specs.target_spec import BUILT_IN, TargetsFile
from runner.specs.yaml import Document, Path_
from runner.specs.yaml_composer import Json
from runner.targets.driver import TargetDriver
from runner.targets.registry import DECLARABLE, driver_of


def read_targets(document: Document) -> tuple[TargetsFile | None, Diagnostics]:
    """The targets in a document, and what is wrong with it; None when anything is."""
    notes = Diagnostics(document)
    if not document.readable:
        return None, notes
    targets = document.value.get("targets") if isinstance(document.value, dict) else None
    for name, target in targets.items() if isinstance(targets, dict) else ():
        if isinstance(target, dict):
            _check(name, target, ("targets", name), notes)
    file = validated(TargetsFile, document.value, notes)
    note_nulls(notes, document.value)
    return (None if notes else file), notes


def _check(name: str, target: dict[str, Json], path: Path_, notes: Diagnostics) -> None:
    kind = str(target.get("kind"))
    # Of a kind that there is not, the model says so.
    if kind in DECLARABLE:
        _check_kind(name, driver_of(kind), target, path, notes)
    _check_hosts(target.get("allow"), (*path, "allow"), notes)
    known = _secret_names(target.get("secrets"))
    for at, text in texts((*path, "headers"), target.get("headers")):
        for variable in placeholders(text):
            if variable not in known:
                notes.add(at, f"nothing defines ${{{variable}}}", nearest(variable, known) or "name it under secrets")


def _check_kind(name: str, driver: TargetDriver, target: dict[str, Json], path: Path_, notes: Diagnostics) -> None:
    for key in driver.needs:
        if target.get(key) is None:
            notes.add(path, f"{key!r} is missing", f"a target of kind {driver.kind} has one")
    for key in driver.refuses:
        if key in target:
            notes.add((*path, key), f"{key!r} is not for targets of kind {driver.kind}", "leave it out", key=True)
    variables = target.get("vars")
    for key in variables if "vars" not in driver.refuses and isinstance(variables, dict) else ():
        if key in driver.attributes:
            what = f"{key!r} is an attribute of every {driver.noun}"
            notes.add((*path, "vars", key), what, "choose another name", key=True)
    if name in BUILT_IN and driver.kind != BUILT_IN[name].kind:
        notes.add((*path, "kind"), f"kind: the target {name!r} is always of kind {name}", "choose another name")
    only = driver.environment
    if only and target.get("environment", only) != only:
        what, meant = f"environment: a {driver.noun} is a {only}", f"write {only}, or another kind"
        notes.add((*path, "environment"), what, meant)


def _check_hosts(allow: Json, path: Path_, notes: Diagnostics) -> None:
    hosts = allow.get("hosts") if isinstance(allow, dict) else None
    for index, host in enumerate(hosts if isinstance(hosts, list) else ()):
        what, meant = fault_of(host) if isinstance(host, str) else ("", "")
        if what:
            notes.add((*path, "hosts", index), what, meant)


def _secret_names(secrets: Json) -> list[str]:
    if isinstance(secrets, dict):
        return list(secrets)
    names: list[str] = []
    for item in secrets if isinstance(secrets, list) else ():
        names.extend(item if isinstance(item, dict) else [str(item)])
    return names
