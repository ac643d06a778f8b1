"""Checked files → the plan of a run, with every default filled in.

The plan is all that is needed from here on: it is shown, hashed, judged by the guard, and written into the transcript.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from runner.engine.plan import Experiment, Load, RunPlan, Target
from runner.engine.plan_json import plan_to_json
from runner.errors import InputError
from runner.planning.calls import planned_calls
from runner.planning.compile_checks import (
    compiled_check,
    compiled_checks,
    compiled_indicator,
    compiled_stop_rule,
    named_probe,
)
from runner.planning.compile_runbook import _by_hand, compiled_links, compiled_steps
from runner.planning.headers import with_target_headers
from runner.planning.opaque_calls import opaque_activities, opaque_controls, opaque_load
from runner.planning.passed_variables import split
from runner.specs import drill as spec
from runner.specs import target_spec as target_spec
from runner.specs.catalogue import Catalogue
from runner.specs.document import secret_variables
from runner.specs.fields import slug
from runner.specs.files import read_bytes
from runner.specs.loaded import LoadedDrill, LoadedExperiment
from runner.specs.settings import Settings
from runner.specs.substitution import placeholders, substitute

#: What else there is to say of a plan in warning, a line each.
Remarks = Callable[[RunPlan], Iterable[str]]

#: Seconds a tabletop may take: nothing is in, and people talk.
_TABLETOP_BOX = 8 * 3600.0


def no_remarks(_: RunPlan) -> Iterable[str]:
    """Nothing."""
    return ()


def compile_named(
    catalogue: Catalogue,
    what: str,
    *,
    target: str | None = None,
    sets: Mapping[str, str] | None = None,
    attended: bool = True,
    remarks: Remarks = no_remarks,
) -> RunPlan:
    """The plan of the drill or the bare experiment that `what` names, with what `remarks` has to say of it in warning.

    Raises InputError with every problem.
    """
    settings = catalogue.beside.settings
    if not catalogue.is_experiment(what):
        drill = catalogue.load_drill(what, target=target, sets=sets)
        return _with_settings(compile_drill(drill, attended=attended, remarks=remarks), settings)
    if sets:
        raise InputError(f"--set changes a drill, and {what} is an experiment; --var changes its `configuration`")
    if target is None:
        known = ", ".join(catalogue.targets())
        raise InputError(f"an experiment alone needs a target: --target NAME; targets: {known}")
    return _with_settings(compile_experiment(catalogue, what, target=target, remarks=remarks), settings)


def compile_drill(loaded: LoadedDrill, *, attended: bool = True, remarks: Remarks = no_remarks) -> RunPlan:
    """The plan of a drill. Without people (`attended` false) a step that fails stops the run unless it says otherwise."""
    drill = loaded.drill
    experiments = tuple(_experiment(each) for each in loaded.experiments)
    load = _load(loaded)
    steady = drill.steady_state or spec.SteadyState.model_construct(indicators=())
    plan = RunPlan(
        name=drill.name,
        slug=slug(loaded.slug) or "drill",
        file=loaded.file,
        briefing=drill.briefing,
        description=drill.description,
        team=drill.team or "",
        target=_target(loaded.target_name, loaded.target, loaded.targets_file, drill.allow_opaque),
        runbook=loaded.runbook.name if loaded.runbook else "",
        runbook_file=loaded.runbook_file,
        links=compiled_links(loaded.runbook),
        steps=compiled_steps(loaded.runbook, loaded.runbook_document, attended=attended),
        experiments=experiments,
        load=load,
        indicators=tuple(compiled_indicator(each) for each in steady.indicators),
        hold=steady.hold,
        alerts=tuple(compiled_check(each, "") for each in drill.alerts),
        needs=tuple(compiled_check(each, "") for each in drill.needs),
        undone_when=compiled_checks(drill.undone_when, "undone"),
        stop_when=tuple(compiled_stop_rule(each, steady.indicators) for each in drill.stop_when),
        expect="impact" if drill.expect.impact else "no-impact",
        impact_within=60.0 if drill.expect.within is None else drill.expect.within,
        time_to_detect=drill.objectives.time_to_detect,
        time_to_notice=drill.objectives.time_to_notice,
        time_to_acknowledge=drill.objectives.time_to_acknowledge,
        time_to_mitigate=drill.objectives.time_to_mitigate,
        time_to_recover=drill.objectives.time_to_recover,
        time_box=drill.limits.time_box,
        max_pause=drill.limits.max_pause,
        abandon_after=drill.limits.abandon_after,
        reveal=drill.reveal,
        allow_production=drill.allow_production,
        secrets=tuple(drill.secrets),
        secret_sources={name: _source(source) for name, source in loaded.secrets.items()},
        env=drill.env,
        group=drill.group or "",
        warnings=loaded.load_remarks,
    )
    return _finished(plan, loaded.experiments, opaque_load(load), remarks)


def compile_experiment(catalogue: Catalogue, what: str, *, target: str, remarks: Remarks = no_remarks) -> RunPlan:
    """The plan of an experiment alone, undone when its method ends. Raises InputError with every problem."""
    loaded, declared = catalogue.load_experiment(what, target=target)
    plan = RunPlan(
        name=loaded.experiment.title,
        slug=slug(loaded.slug) or "experiment",
        bare=True,
        file=loaded.experiment.file,
        description=str(loaded.experiment.document["description"]),
        target=_target(target, declared, catalogue.targets_file(target), ()),
        experiments=(_experiment(loaded),),
        secret_sources={name: _source(source) for name, source in declared.secrets.items()},
    )
    return _finished(plan, (loaded,), (), remarks)


def compile_walk(catalogue: Catalogue, what: str) -> RunPlan:
    """The plan of a runbook alone: a tabletop, in which people do every step and nothing is touched.

    Raises InputError with every problem.
    """
    loaded = catalogue.load_runbook(what)
    runbook = loaded.runbook
    plan = RunPlan(
        name=runbook.name,
        slug=f"walk-{slug(loaded.slug) or 'runbook'}",
        tabletop=True,
        file=loaded.document.file,
        description=runbook.description,
        team=runbook.owner or "",
        target=Target(name="tabletop", kind="none", environment="none"),
        runbook=runbook.name,
        runbook_file=loaded.document.file,
        links=compiled_links(runbook),
        steps=tuple(_by_hand(step) for step in compiled_steps(runbook, loaded.document, attended=True)),
        time_box=_TABLETOP_BOX,
        max_pause=_TABLETOP_BOX,
        reveal="always",
    )
    return _finished(plan, (), (), no_remarks)


def plan_hash(plan: RunPlan) -> str:
    """What `run --plan HASH` compares: SHA-256 of the plan as canonical JSON, in hexadecimal.

    Where things stand in their files is left out: another comment makes no other plan. What is called counts as it is
    resolved here and now: with another environment the same file may mean another fault.
    """
    document = plan_to_json(plan)
    document["calls"] = [call.provider for call in planned_calls(plan)]
    for name in ("plan_hash", "warnings"):
        del document[name]
    for step in document["steps"]:
        del step["where"]
    return _hash(document)


def _with_settings(plan: RunPlan, settings: Settings) -> RunPlan:
    """With what Chaos Toolkit's own settings add to every experiment."""
    if not settings.value or not plan.experiments:
        return plan
    plan = replace(
        plan,
        settings=settings.file,
        settings_hash=settings.hash,
        global_controls=settings.controls,
        opaque=(*plan.opaque, *opaque_controls(settings.controls)),
        warnings=(*plan.warnings, *settings.warnings),
    )
    return replace(plan, plan_hash=plan_hash(plan))


def _finished(plan: RunPlan, loaded: Iterable[LoadedExperiment], opaque: tuple[str, ...], remarks: Remarks) -> RunPlan:
    """With what follows from the experiments, and the hash over all of it."""
    loaded = tuple(loaded)
    own = [name for each in loaded for name in secret_variables(each.experiment.document)]
    sources = {name: source for each in loaded for name, source in each.sources.items()}
    passed, kept = split((*plan.target.env, *plan.env), declared=(*own, *plan.secret_sources))
    plan = replace(
        plan,
        secrets=tuple(dict.fromkeys((*plan.secrets, *own))),
        secret_sources={**{name: sources.get(name, {}) for name in (*own, *kept)}, **plan.secret_sources},
        passed=passed,
        passed_secrets=kept,
        opaque=(*(line for each in plan.experiments for _, line in opaque_activities(each)), *opaque),
        warnings=(*plan.warnings, *_warnings(plan, loaded)),
    )
    plan = with_target_headers(replace(plan, warnings=(*plan.warnings, *remarks(plan))))
    return replace(plan, plan_hash=plan_hash(plan))


def _warnings(plan: RunPlan, loaded: Iterable[LoadedExperiment]) -> Iterable[str]:
    """`loaded` are the experiments of the plan, in its order."""
    for compiled, each in zip(plan.experiments, loaded, strict=True):
        yield from each.experiment.warnings
        if compiled.actions and not compiled.undone_when and not plan.undone_when and not plan.bare:
            yield f"{compiled.file}: nothing checks that its fault is really gone; add `undone-when`"


# -- parts -------------------------------------------------------------------------------------------------------------


def _target(name: str, target: target_spec.TargetSpec, file: str, allow_opaque: tuple[str, ...]) -> Target:
    allow = target.allow.model_dump(mode="json", by_alias=True, exclude_none=True)
    if allow_opaque:
        allow["allow-opaque"] = list(allow_opaque)
    return Target(
        name=name,
        file=file,
        kind=target.kind,
        environment=target.environment,
        url=target.url or "",
        vars=dict(target.vars),
        headers=dict(target.headers),
        secrets=tuple(target.secrets),
        env=target.env,
        identity=None if target.identity is None else named_probe(target.identity, f"{name} is what was declared"),
        context=target.context or "",
        cluster_uid=target.cluster_uid or "",
        allow=allow,
    )


def _experiment(loaded: LoadedExperiment) -> Experiment:
    experiment, extension = loaded.experiment, loaded.experiment.extension
    return Experiment(
        slug=loaded.slug,
        document=experiment.document,
        document_hash=_hash(experiment.document),
        file=experiment.file,
        inject=loaded.planned.inject,
        undone_when=compiled_checks(extension.undone_when, loaded.slug),
        no_undo=loaded.planned.no_undo or extension.no_undo or "",
        undo_deadline=extension.undo_deadline,
        control_deadline=extension.control_deadline,
        actions=experiment.actions,
        rollbacks=experiment.rollbacks,
    )


def _load(loaded: LoadedDrill) -> Load | None:
    load = loaded.drill.load
    if load is None or not loaded.locustfiles:
        return None
    files = [_relative(path, loaded.root) for path in loaded.locustfiles]
    conf = "" if loaded.locust_conf is None else _relative(loaded.locust_conf, loaded.root)
    return Load(
        locustfile=",".join(files),
        locustfiles=tuple(files),
        conf=conf,
        host=_host(load.host or "${target.url}", loaded.target),
        users=load.users,
        spawn_rate=load.spawn_rate,
        processes=load.processes,
        warm_up=load.warm_up,
        env=dict(load.env),
        tags=load.tags,
        user_classes=load.user_classes,
        locustfile_hash=_hash_of_files([*loaded.locustfiles, *filter(None, [loaded.locust_conf])], loaded.root),
    )


def _hash_of_files(paths: Iterable[Path], root: Path) -> str:
    """Of one file its own, as `sha256sum` says it; of several one over their hashes."""
    hashes = [hashlib.sha256(read_bytes(path, _relative(path, root))).hexdigest() for path in paths]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def _host(host: str, target: target_spec.TargetSpec) -> str:
    known = {"target.url": target.url or "", **{f"target.{name}": value for name, value in target.vars.items()}}
    # A sandbox has its addresses once it runs; the conductor fills them in.
    if all(name in known for name in placeholders(host)):
        return str(substitute(host, known))
    return host


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _source(source: target_spec.SecretSource) -> dict[str, str]:
    return source.model_dump(exclude_none=True)


def _hash(document: Any) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
