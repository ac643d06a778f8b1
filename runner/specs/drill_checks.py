"""What the parts of a drill must be to one another. Works on plain values, so that one bad field hides nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import get_args

from pydantic_core import PydanticCustomError

from runner.specs.diagnostics import Diagnostics, nearest
from runner.specs.drill import RATIOS, Drill, Metric, parse_bound
from runner.specs.pydantic_errors import validated
from runner.specs.shape import note_nulls, texts
from runner.specs.substitution import placeholders
from runner.specs.target_spec import TargetSpec, attributes
from runner.specs.yaml import Document, Path_
from runner.specs.yaml_composer import Json

_METRICS = get_args(Metric)


def read_drill(document: Document) -> tuple[Drill | None, Diagnostics]:
    """The drill in a document, and what is wrong with it as such; None when anything is."""
    notes = Diagnostics(document)
    if not document.readable:
        return None, notes
    if isinstance(document.value, dict):
        _check_drill(document.value, notes)
    drill = validated(Drill, document.value, notes)
    note_nulls(notes, document.value)
    return (None if notes else drill), notes


def _check_drill(value: dict[str, Json], notes: Diagnostics) -> None:
    indicators = dict(_indicators(value, notes))
    for index, rule in enumerate(_list(value.get("stop-when"))):
        if isinstance(rule, dict):
            _check_stop_rule(rule, ("stop-when", index), indicators, notes)
    if not indicators:
        _check_unmeasured(value, notes)
    _check_names(value, notes)
    _check_experiments(value, notes)
    if not value.get("runbook") and not value.get("experiments"):
        notes.add((), "there is neither a runbook nor an experiment", "a drill rehearses something")


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


# -- indicators --------------------------------------------------------------------------------------------------------


def _indicators(value: dict[str, Json], notes: Diagnostics) -> Iterator[tuple[str, str]]:
    """Name and metric of each, noting what is wrong with them."""
    steady = value.get("steady-state")
    names: set[str] = set()
    for index, indicator in enumerate(_list(steady.get("indicators")) if isinstance(steady, dict) else ()):
        if not isinstance(indicator, dict):
            continue
        path: Path_ = ("steady-state", "indicators", index)
        name = str(indicator.get("name"))
        if name in names:
            notes.add((*path, "name"), f"the name {name!r} is taken", "each indicator has its own")
        names.add(name)
        metric = _check_source(indicator, path, value, notes)
        if metric:
            _check_tolerance(indicator, metric, path, notes)
        yield name, metric


def _check_source(indicator: dict[str, Json], path: Path_, drill: dict[str, Json], notes: Diagnostics) -> str:
    if ("load" in indicator) == ("probe" in indicator):
        what = "'load' and 'probe' exclude each other" if "load" in indicator else "nothing is measured"
        notes.add(path, what, "an indicator has either `load: {metric: …}` or `probe: {provider: …}`")
        return ""
    if "probe" in indicator:
        return "success-ratio"
    if "load" not in drill:
        notes.add((*path, "load"), "the drill has no load to measure", "add `load:`, or measure with a probe", key=True)
    if "every" in indicator:
        notes.add((*path, "every"), "'every' is for probes", "the load is measured all the time", key=True)
    load = indicator["load"]
    metric = load.get("metric") if isinstance(load, dict) else None
    return str(metric) if metric in _METRICS else ""


def _check_tolerance(indicator: dict[str, Json], metric: str, path: Path_, notes: Diagnostics) -> None:
    bounds = [key for key in ("at-least", "at-most") if key in indicator]
    if len(bounds) == 2:
        notes.add((*path, "at-most"), "'at-least' and 'at-most' exclude each other", "make two indicators", key=True)
        return
    if "probe" in indicator and bounds == ["at-most"]:
        notes.add(
            (*path, "at-most"), "'at-most' is not for probes", "their share of good answers is `at-least`", key=True
        )
        return
    if not bounds and "load" in indicator:
        notes.add(path, "'at-least' or 'at-most' is missing", f"such as {_example(metric)}")
        return
    side = bounds[0] if bounds else "at-least"
    bound = _bound(indicator, side, metric, path, notes) if bounds else 1.0
    degraded = _bound(indicator, "degraded", metric, path, notes)
    if bound is None or degraded is None:
        return
    if (degraded > bound) if side == "at-least" else (degraded < bound):
        worse = "below" if side == "at-least" else "above"
        notes.add((*path, "degraded"), f"degraded: is stricter than {side!r}", f"good enough lies {worse} it")


def _example(metric: str) -> str:
    if metric in RATIOS:
        return "at-least: 99%" if metric == "success-ratio" else "at-most: 1%"
    return "at-least: 20" if metric == "rate" else "at-most: 400ms"


def _bound(holder: dict[str, Json], key: str, metric: str, path: Path_, notes: Diagnostics) -> float | None:
    if key not in holder:
        return None
    value = holder[key]
    try:
        return parse_bound(metric, value)
    except PydanticCustomError as error:
        context = error.context or {}
        what, meant = str(context.get("what", error)), str(context.get("meant", ""))
        if not meant:
            what, _, meant = what.partition("; ")
        notes.add((*path, key), f"{key}: {what}", meant)
        return None


def _check_stop_rule(rule: dict[str, Json], path: Path_, indicators: dict[str, str], notes: Diagnostics) -> None:
    if ("indicator" in rule) == ("target" in rule):
        what = "'indicator' and 'target' exclude each other" if "target" in rule else "'indicator' is missing"
        notes.add(path, what, "make two rules" if "target" in rule else "or `target: gone`")
        return
    if "target" in rule:
        for key in ("below", "above"):
            if key in rule:
                notes.add((*path, key), f"{key!r} is for indicators", "such as {target: gone, for: 10s}", key=True)
        return
    if ("below" in rule) == ("above" in rule):
        what = "'below' and 'above' exclude each other" if "below" in rule else "'below' or 'above' is missing"
        notes.add(path, what, "such as {indicator: storefront answers, below: 95%, for: 10s}")
    name = rule.get("indicator")
    if not isinstance(name, str):
        return
    if name not in indicators:
        meant = partial(nearest, name, indicators, noun="indicators")
        notes.add((*path, "indicator"), f"there is no indicator {name!r}", meant)
    elif indicators[name]:
        for key in ("below", "above"):
            _bound(rule, key, indicators[name], path, notes)


def _check_unmeasured(value: dict[str, Json], notes: Diagnostics) -> None:
    measured = ("time-to-detect", "time-to-notice", "time-to-mitigate", "time-to-recover")
    objectives = value.get("objectives")
    for key in measured if isinstance(objectives, dict) else ():
        if key in objectives:  # type: ignore[operator]
            meant = "add `steady-state:` with indicators: they show impact and recovery"
            notes.add(("objectives", key), f"nothing measures {key!r}", meant, key=True)
    if "expect" in value:
        notes.add(("expect",), "nothing measures the impact", "add `steady-state:` with indicators", key=True)


# -- names and experiments ---------------------------------------------------------------------------------------------


def _check_names(value: dict[str, Json], notes: Diagnostics) -> None:
    for part in ("needs", "alerts", "undone-when"):
        names: set[str] = set()
        for index, probe in enumerate(_list(value.get(part))):
            if not isinstance(probe, dict):
                continue
            name = probe.get("name")
            if not name and part != "undone-when":
                notes.add((part, index), "'name' is missing", "give it a name")
            elif name and str(name) in names:
                notes.add((part, index, "name"), f"the name {name!r} is taken", "each has its own")
            names.add(str(name))


def _check_experiments(value: dict[str, Json], notes: Diagnostics) -> None:
    seen: set[str] = set()
    for index, planned in enumerate(_list(value.get("experiments"))):
        if not isinstance(planned, dict):
            continue
        name = planned.get("experiment")
        if isinstance(name, str) and name in seen:
            notes.add(("experiments", index, "experiment"), f"{name!r} is there already", "an experiment runs once")
        seen.add(str(name))
        inject = planned.get("inject")
        if isinstance(inject, dict) and "at-step" in inject and not value.get("runbook"):
            notes.add(("experiments", index, "inject", "at-step"), "the drill has no runbook", "name one under runbook")


def check_placeholders(
    value: Json, target: TargetSpec, secrets: tuple[str, ...], notes: Diagnostics, base: Path_ = ()
) -> None:
    """Every `${…}` under `base` must be an attribute of the target or a secret."""
    known = [*(f"target.{name}" for name in attributes(target)), "target.name", *secrets]
    for path, text in texts(base, value):
        for name in placeholders(text):
            if name not in known:
                near = nearest(name, known, noun="known here")
                notes.add(path, f"nothing defines ${{{name}}}", near)
