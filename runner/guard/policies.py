"""What must hold before a fault may happen, judged on the plan; `gate` judges each action again as it is about to run.

A refusal names the rule, the value, and where it stands. In doubt, refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from runner.engine.plan import RunPlan
from runner.engine.prompt import needs_people
from runner.guard.cluster import judge_cluster
from runner.guard.hosts import host_refused, judge_hosts, machine_refused
from runner.guard.identity import judge_identity
from runner.guard.irreversible import lasting_action
from runner.guard.mentions import named_hosts
from runner.guard.missing_environment import judge_environment
from runner.guard.refusal import Refusal
from runner.guard.secret_leaks import judge_leaks
from runner.guard.tools import judge_controls, judge_shells, judge_tools
from runner.lazy_dataclass import lazy_dataclass
from runner.planning.calls import Call, asked_calls, planned_calls
from runner.planning.opaque_calls import opaque_activities, opaque_controls, opaque_load
from runner.specs.substitution import placeholders
from runner.targets.registry import driver_of


def judge_plan(
    plan: RunPlan, *, attended: bool, scripted: Sequence[str] = (), consent: str = ""
) -> tuple[Refusal, ...]:
    """Every reason not to begin; empty when the run may. `consent` is the target's name as a person typed it."""
    asked = _Asked(attended=attended, scripted=frozenset(scripted), consent=consent)
    refusals = [refusal for rule in _RULES for refusal in rule(plan, asked)]
    return tuple(dict.fromkeys(refusals))


def judge_files(plan: RunPlan) -> tuple[Refusal, ...]:
    """What will be refused wherever, whenever and by whomever the plan is run: it follows from the files alone."""
    asked = _Asked(attended=True, scripted=frozenset(), consent=plan.target.name, sealed=True)
    refusals = [refusal for rule in _RULES for refusal in rule(plan, asked) if not refusal.here]
    return tuple(dict.fromkeys(refusals))


def judge_call(plan: RunPlan, call: Call) -> Iterator[Refusal]:
    """Why this one call may not be made, as far as its arguments are known."""
    of_cluster = tuple(judge_cluster(plan, call))
    yield from of_cluster
    yield from judge_hosts(plan, call)
    told = {each.at for each in of_cluster}
    # A function or an argument that its rule does not know is reported once, also where it is not there at all.
    yield from (each for each in judge_tools(call) if not each.at or each.at not in told)


@lazy_dataclass(frozen=True, kw_only=True)
class _Asked:
    attended: bool
    scripted: frozenset[str]
    consent: str
    sealed: bool = False


# -- production --------------------------------------------------------------------------------------------------------


def _production(plan: RunPlan, asked: _Asked) -> Iterator[Refusal]:
    target = plan.target
    if target.environment != "production":
        return
    if plan.bare:
        what = f"target {target.name} is production, where no experiment runs alone"
        yield _of_target(plan, what, "make a drill of it, with `allow-production: true`")
    elif not plan.allow_production:
        yield _of_target(
            plan,
            f"target {target.name} is production",
            f"write `allow-production: true` in {plan.file} if that is really meant",
        )
    elif not asked.attended:
        yield _of_target(plan, f"target {target.name} is production, and a run there is never unattended", "--attended")
    elif asked.consent != target.name:
        said = f"--consent {asked.consent!r} is not its name" if asked.consent else "nobody consented"
        yield _of_target(plan, f"target {target.name} is production, and {said}", f"type it: --consent {target.name}")


def _of_target(plan: RunPlan, what: str, cure: str) -> Refusal:
    target = plan.target
    at = ("targets", target.name, "environment")
    return Refusal(rule="production", what=what, where=target.file or plan.file or plan.slug, at=at, cure=cure)


def _opaque(plan: RunPlan, _: _Asked) -> Iterator[Refusal]:
    if plan.target.environment != "production":
        return
    allowed = set(plan.target.allow.get("allow-opaque", ()))
    activities = [(each.file, at, what) for each in plan.experiments for at, what in opaque_activities(each)]
    load = [(plan.file, ("load", "locustfile"), what) for what in opaque_load(plan.load)]
    controls = [(plan.settings, ("controls",), what) for what in opaque_controls(plan.global_controls)]
    for file, at, what in (*activities, *load, *controls):
        if what not in allowed and what.partition(": ")[0] not in allowed:
            cure = f"name it under allow-opaque in {plan.file}"
            yield Refusal(rule="opaque", what=f"the guard cannot see into {what}", where=file, at=at, cure=cure)


# -- undo --------------------------------------------------------------------------------------------------------------


def _undo(plan: RunPlan, _: _Asked) -> Iterator[Refusal]:
    # What a target is called says nothing of that: this machine stays, and so does a server that somebody else started.
    if driver_of(plan.target.kind).discarded:
        return
    for experiment in plan.experiments:
        lasting = lasting_action(plan, experiment)
        if lasting is not None:
            cure = "give it rollbacks, or state why it needs none: extensions: [{name: gameday, no-undo: REASON}]"
            what = f"experiment {experiment.slug} has a fault and nothing that undoes it"
            yield Refusal(rule="undo", what=what, where=experiment.file, at=lasting, cure=cure)


# -- people ------------------------------------------------------------------------------------------------------------


def _people(plan: RunPlan, asked: _Asked) -> Iterator[Refusal]:
    if asked.attended:
        return
    for index, step in enumerate(plan.steps):
        if step.id in asked.scripted or step.anytime:
            continue
        for need in sorted(needs_people(step)):
            cure = "answer it in an --operator file"
            what = f"step {step.id} has `{need}`, and nobody is there to answer"
            at = ("steps", index, need)
            yield Refusal(rule="people", what=what, where=plan.runbook_file or step.where, at=at, cure=cure)


# -- what is called ----------------------------------------------------------------------------------------------------


def _load(plan: RunPlan, _: _Asked) -> Iterator[Refusal]:
    if plan.load is None:
        return
    if plan.load.host and not placeholders(plan.load.host):
        yield from judge_load(plan, plan.load.host)
    for name, value in plan.load.env.items():
        for host in () if placeholders(value) else named_hosts(name, value):
            if why := machine_refused(plan, host):
                yield Refusal(rule="hosts", what=f"the load's {name}: {why}", where=plan.file, at=("load", "env", name))


def judge_load(plan: RunPlan, host: str) -> Iterator[Refusal]:
    """Why the load may not go to this address, as it is resolved by now."""
    if why := host_refused(plan, host):
        yield Refusal(rule="hosts", what=f"the load's host: {why}", where=plan.file, at=("load", "host"))


def _calls(plan: RunPlan, asked: _Asked) -> Iterator[Refusal]:
    for call in (*planned_calls(plan, sealed=asked.sealed), *asked_calls(plan)):
        yield from judge_call(plan, call)


_RULES: tuple[Callable[[RunPlan, _Asked], Iterator[Refusal]], ...] = (
    lambda plan, _: judge_environment(plan),
    _production,
    lambda plan, _: judge_identity(plan),
    _undo,
    _people,
    _load,
    _calls,
    lambda plan, _: judge_shells(plan),
    lambda plan, _: judge_controls(plan),
    lambda plan, _: judge_leaks(plan),
    _opaque,
)
