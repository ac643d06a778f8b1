"""What `gameday check` says of files that are right in themselves: what the guard will refuse, and what this machine lacks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from runner.errors import Problem
from runner.guard.missing_environment import missing
from runner.guard.policies import judge_files, judge_plan
from runner.guard.refusal import Refusal, placed
from runner.guard.secrets import lacking_secrets
from runner.guard.tools import judge_controls_of, judge_tools
from runner.lazy_dataclass import lazy_dataclass
from runner.planning.calls import written_calls
from runner.planning.compile import compile_drill
from runner.specs.catalogue import Catalogue
from runner.specs.document import secret_entry, secret_variables
from runner.specs.experiment import ExperimentSpec
from runner.specs.loaded import LoadedDrill


@lazy_dataclass(frozen=True, kw_only=True)
class CheckFindings:
    """`problems` follow from the files alone: no run of them would begin. `remarks`, one line each, are about this machine."""

    problems: tuple[Problem, ...]
    remarks: tuple[str, ...]


def look_over(catalogue: Catalogue, found: Iterable[LoadedDrill | ExperimentSpec]) -> CheckFindings:
    """What there is to say of these drills, each on its own target, and of the experiments alone; each once."""
    drills: list[LoadedDrill] = []
    alone: dict[str, ExperimentSpec] = {}
    for each in found:
        if isinstance(each, LoadedDrill):
            drills.append(each)
        else:
            alone[each.file] = each
    certain: list[Refusal] = []
    here: list[Refusal] = []
    warnings: list[str] = []
    for drill in drills:
        _take_drill(drill, catalogue, certain, here)
        warnings += drill.load_remarks
        for part in drill.experiments:
            # What it lacks when it is run alone its drill may give it.
            alone.pop(part.experiment.file, None)
            warnings += part.experiment.warnings
    for experiment in alone.values():
        refusals = [*_of_experiment(experiment)]
        certain += [each for each in refusals if not each.here]
        here += [each for each in refusals if each.here]
        warnings += experiment.warnings
    return CheckFindings(
        problems=tuple(sorted({_problem(each, catalogue) for each in certain})),
        remarks=tuple(dict.fromkeys((*_lines(here, catalogue), *warnings))),
    )


def _take_drill(drill: LoadedDrill, catalogue: Catalogue, certain: list[Refusal], here: list[Refusal]) -> None:
    plan = compile_drill(drill)
    refused = judge_files(plan)
    certain += refused
    here += lacking_secrets(plan, catalogue.root)
    # What people are needed for, or must type, is said when a run is planned.
    here += [each for each in judge_plan(plan, attended=True, consent=plan.target.name) if each not in refused]


def _of_experiment(experiment: ExperimentSpec) -> Iterator[Refusal]:
    for at, _, what, cure in missing(experiment.document, (), os.environ):
        yield Refusal(rule="environment", what=what, where=experiment.file, at=at, cure=cure, here=True)
    for name in secret_variables(experiment.document):
        if not os.environ.get(name):
            at = secret_entry(experiment.document, name)
            what = f"secret {name}: the environment variable {name} is not set"
            yield Refusal(rule="environment", what=what, where=experiment.file, at=at, cure="set it", here=True)
    yield from judge_controls_of(experiment.document, experiment.file)
    for call in written_calls(experiment.document, experiment.file):
        yield from judge_tools(call)


def _problem(refusal: Refusal, catalogue: Catalogue) -> Problem:
    what = f"{refusal.what} [{refusal.rule}]"
    return catalogue.problem(refusal.where, refusal.at, what, refusal.cure)


def _lines(refusals: Iterable[Refusal], catalogue: Catalogue) -> Iterator[str]:
    for each in placed(refusals, catalogue.where):
        yield f"{each.where}: {each.what}" + (f"; {each.cure}" if each.cure else "")
