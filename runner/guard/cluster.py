"""Whether what is called in a Kubernetes cluster stays inside the target: its namespaces, its selectors, its counts.

Chaos Toolkit's extension takes the namespace `default` when none is given, everything when nothing selects, and the
cluster that the environment names, whatever it is. None of that is ever meant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from runner.engine.plan import RunPlan
from runner.guard.hosts import is_chaosk8s, machine_refused
from runner.guard.kubectl import judge_command
from runner.guard.refusal import Refusal
from runner.planning.calls import Call
from runner.specs.diagnostics import nearest, shown
from runner.specs.place import Path_
from runner.targets.kubernetes_actions import (
    DEEDS,
    HOSTS,
    NAMESPACES,
    NEVER,
    PATTERNS,
    SELECTORS,
    KubernetesAction,
    kubernetes_action,
)
from runner.targets.registry import driver_of, kinds_for_clusters

#: Names of pods that have nothing in common: a pattern that finds them all finds everything.
_ANY_NAMES = ("web-5d4f-x7q", "pg-main-0", "kube-proxy-2xk9z")
#: Repetitions in a pattern, and what would repeat them: with more of them a search may never end.
_REPEATED = re.compile(r"[*+{]")
_REPEATED_GROUP = re.compile(r"\)[*+{]")
_MOST_REPEATED = 4
_NOT_KNOWN = "the guard does not know what it does"


def heals(call: Call) -> bool:
    """Whether a controller brings back what this action takes: known only where nothing of it is still open."""
    action = kubernetes_action(call.provider)
    return action is not None and action.heals and not call.open(call.provider)


def judge_cluster(plan: RunPlan, call: Call) -> Iterator[Refusal]:
    """What would go to another cluster, or further in this one than the target allows."""
    if is_chaosk8s(call):
        yield from (_refusal(call, at, what, cure) for at, what, cure in _judged(plan, call))
    elif call.kind == "process" and call.sort != "probe":
        yield from (_refusal(call, ("arguments",), what, cure) for what, cure in judge_command(plan, call))


Finding = tuple[Path_, str, str]


def _refusal(call: Call, at: Path_, what: str, cure: str) -> Refusal:
    return Refusal(
        rule="kubernetes",
        what=f"{call.name}: {what}",
        where=call.file,
        at=(*call.at, *at) if call.at else (),
        cure=cure,
    )


def _judged(plan: RunPlan, call: Call) -> Iterator[Finding]:
    name = f"{call.provider.get('module')}.{call.provider.get('func')}"
    if not driver_of(plan.target.kind).is_cluster:
        what = f"{name} needs a Kubernetes cluster, and target {plan.target.name} is of kind {plan.target.kind}"
        yield ("module",), what, f"declare the cluster as a target of kind {kinds_for_clusters()}"
        return
    is_probe = str(call.provider.get("module", "")).endswith("probes")
    if call.sort == "probe":
        if not is_probe:
            yield ("module",), f"{name} is an action, and would be called as a probe", "put it into the method"
    elif not is_probe:
        yield from _judged_deed(plan, call, name)


def _judged_deed(plan: RunPlan, call: Call, name: str) -> Iterator[Finding]:
    action = kubernetes_action(call.provider)
    if action is None:
        yield ("func",), *_unknown(call, name)
        return
    if action.undoes and call.sort != "rollback":
        yield ("func",), f"{name} makes what a file says, which cannot be judged", "it is for rollbacks alone"
    for argument in sorted(call.arguments.keys() - action.arguments):
        cure = nearest(argument, sorted(action.arguments), noun="its arguments")
        yield ("arguments", argument), f"what {argument!r} of {name} means is not known", cure
    yield from _namespaces(plan, call, action, name)
    yield from _selectors(plan, call, action, name)
    yield from _counts(plan, call, action)
    for argument in HOSTS:
        for host in _texts(call.arguments.get(argument)):
            if not call.open(host) and (why := machine_refused(plan, host)):
                yield ("arguments", argument), why, "name it under allow: hosts if it belongs to the target"


def _unknown(call: Call, name: str) -> tuple[str, str]:
    """What is wrong with an action that is not in the table, and the nearest that is."""
    from runner.guard.modules import names_in  # for what goes wrong only

    known = names_in(str(call.provider.get("module")))
    absent = known is not None and call.provider.get("func") not in known
    near = nearest(name, [f"chaosk8s.{each}" for each in DEEDS])
    why = f"there is no such function, and {_NOT_KNOWN}" if absent else _why_unknown(name)
    return f"{name} is not allowed: {why}", near if near.endswith("?") else ""


def _why_unknown(name: str) -> str:
    own = name.removeprefix("chaosk8s.")
    module = own.rpartition(".")[0]
    return NEVER.get(own) or NEVER.get(module) or f"{_NOT_KNOWN}, so nothing can hold it"


# -- namespaces --------------------------------------------------------------------------------------------------------


def _namespaces(plan: RunPlan, call: Call, action: KubernetesAction, name: str) -> Iterator[Finding]:
    allowed = plan.target.allow.get("namespaces") or ()
    for argument in action.needs:
        if not call.arguments.get(argument):
            default = ": 'default' would be taken" if argument == "ns" else ""
            cure = f"one of {', '.join(allowed) or 'those under allow: namespaces, which has none'}"
            yield ("arguments",), f"{name} has no {argument!r}{default}", f"{argument}: {cure}"
    for argument in NAMESPACES:
        for namespace in _texts(call.arguments.get(argument)):
            if not call.open(namespace) and namespace not in allowed:
                what = (
                    f"namespace {namespace!r} is not among those that target {plan.target.name} allows "
                    f"({', '.join(allowed) or 'none'})"
                )
                yield ("arguments", argument), what, ""


def _texts(value: Any) -> list[str]:
    """The items of a list, or of a text with commas in it."""
    if value in (None, "", [], ()):
        return []
    items = value if isinstance(value, list | tuple) else str(value).split(",")
    return [str(item).strip() for item in items]


# -- selectors ---------------------------------------------------------------------------------------------------------


def _selectors(plan: RunPlan, call: Call, action: KubernetesAction, name: str) -> Iterator[Finding]:
    if not action.by:
        return
    given = [argument for argument in action.by if _narrows(call, argument)]
    if not given:
        # The place of the selector that selects everything, else of all the arguments.
        wide = next((argument for argument in action.by if argument in call.arguments), "")
        at: Path_ = ("arguments", wide) if wide else ("arguments",)
        said = (
            f"its {wide} {shown(call.arguments[wide])} fits everything, as far as can be seen"
            if wide
            else "nothing selects"
        )
        yield at, f"{said}: {name} would take all there is", f"give it {' or '.join(action.by)}"
        return
    yield from _allowed_selectors(plan, call, given)


def _narrows(call: Call, argument: str) -> bool:
    value = call.arguments.get(argument)
    if not value:
        return False
    if call.open(value):
        return True
    if argument == "pod_label_selector" and not call.arguments.get("pod_namespace"):
        # Without the namespace the extension leaves the labels out as well.
        return False
    if argument in PATTERNS or _is_pattern(call, argument):
        return _narrow_pattern(str(value))
    return any(_is_positive(term) for term in _terms(value)) if argument in SELECTORS else bool(str(value).strip())


def _is_pattern(call: Call, argument: str) -> bool:
    return argument == "name" and call.provider.get("func") == "delete_pods"


def _narrow_pattern(pattern: str) -> bool:
    if _REPEATED_GROUP.search(pattern) or len(_REPEATED.findall(pattern)) > _MOST_REPEATED:
        return False
    try:
        found = re.compile(pattern)
    except re.error:
        return False
    return not all(found.search(name) for name in _ANY_NAMES)


def _terms(selector: Any) -> list[str]:
    """`app=shop,tier in (a, b)` → its terms, without blanks; of a mapping, `key=value`."""
    if isinstance(selector, Mapping):
        return [f"{key}={value}" for key, value in selector.items()]
    terms = re.findall(r"(?:[^,(]|\([^)]*\))+", str(selector))
    return [re.sub(r"\s+", " ", term).strip().replace("==", "=").replace(" = ", "=") for term in terms]


def _is_positive(term: str) -> bool:
    return bool(term) and not term.startswith("!") and "!=" not in term and not re.search(r"\snotin\b", term)


def _allowed_selectors(plan: RunPlan, call: Call, given: list[str]) -> Iterator[Finding]:
    allowed = plan.target.allow.get("selectors") or ()
    if not allowed:
        return
    words = f"target {plan.target.name} allows only what fits {' or '.join(allowed)}"
    labels = [argument for argument in given if argument in SELECTORS]
    if not labels:
        yield ("arguments", given[0]), f"it selects by {given[0]}, and {words}", "select by these labels"
    for argument in labels:
        value = call.arguments[argument]
        terms = set(_terms(value))
        if not call.open(value) and not any(terms >= set(_terms(each)) for each in allowed):
            yield ("arguments", argument), f"it selects {', '.join(sorted(terms))}, and {words}", ""


# -- counts ------------------------------------------------------------------------------------------------------------


def _counts(plan: RunPlan, call: Call, action: KubernetesAction) -> Iterator[Finding]:
    match action.counted:
        case "pods":
            yield from _pods(plan, call)
        case "mesh":
            yield from _mesh(plan, call)
        case "one":
            yield from _at_most(plan, call, "", 1, "max-pods")
        case "replicas" if call.sort != "rollback":
            # What a rollback brings back was there before.
            yield from _at_most(plan, call, "replicas", call.arguments.get("replicas"), "max-pods")
        case "nodes" if call.sort != "rollback":
            yield from _nodes(plan, call)
        case "" if call.sort != "rollback":
            yield from _uncounted(plan, call, action)


def _pods(plan: RunPlan, call: Call) -> Iterator[Finding]:
    arguments = call.arguments
    everything = arguments.get("all")
    if everything and not call.open(everything):
        yield ("arguments", "all"), "`all` takes every pod that is selected", "say how many, with qty"
    mode = arguments.get("mode", "fixed")
    if not call.open(mode):
        bound = "max-share" if mode == "percentage" else "max-pods"
        yield from _at_most(plan, call, "qty", arguments.get("qty", 1), bound)


def _mesh(plan: RunPlan, call: Call) -> Iterator[Finding]:
    mode, value = call.arguments.get("mode", "one"), call.arguments.get("mode_value")
    if call.open(mode):
        return
    match mode:
        case "one":
            yield from _at_most(plan, call, "mode", 1, "max-pods")
        case "fixed":
            yield from _at_most(plan, call, "mode_value", value, "max-pods")
        case "fixed-percent" | "random-max-percent":
            yield from _at_most(plan, call, "mode_value", value, "max-share")
        case _:
            yield (
                ("arguments", "mode"),
                f"mode {shown(mode)} takes every pod that is selected",
                "say how many: mode: one",
            )
    if call.arguments.get("direction", "to") != "to":
        what = "a direction other than `to` reaches the other side of the network too, which nothing counts"
        yield ("arguments", "direction"), what, "direction: to"


def _nodes(plan: RunPlan, call: Call) -> Iterator[Finding]:
    if not plan.target.allow.get("max-nodes"):
        what = f"it takes nodes, with all that runs on them, and target {plan.target.name} allows none"
        yield ("func",), what, "declare allow: max-nodes if that is really meant"
    elif call.arguments.get("count") is not None:
        yield from _at_most(plan, call, "count", call.arguments["count"], "max-nodes")
    elif not call.arguments.get("name"):
        yield ("arguments",), "how many nodes it takes is not said: every one that is selected", "give it one by name"


def _uncounted(plan: RunPlan, call: Call, action: KubernetesAction) -> Iterator[Finding]:
    """What has a name is one thing; how many a label finds, only the cluster knows."""
    bounds = [bound for bound in ("max-pods", "max-share") if plan.target.allow.get(bound)]
    labels = [argument for argument in action.by if argument in SELECTORS and call.arguments.get(argument)]
    if bounds and labels and not call.arguments.get("name"):
        cure = "give it a name" if "name" in action.by else f"use a target that declares no {' and no '.join(bounds)}"
        what = f"how many pods it takes is not known, and target {plan.target.name} declares {' and '.join(bounds)}"
        yield ("arguments", labels[0]), what, cure


def _at_most(plan: RunPlan, call: Call, argument: str, value: Any, bound: str) -> Iterator[Finding]:
    if call.open(value):
        return
    at: Path_ = ("arguments", argument) if argument in call.arguments else ("arguments",)
    number = _number(value)
    if number is None:
        yield at, f"{argument}: {shown(value)} is not a number that can be judged", ""
        return
    limit = plan.target.allow.get(bound)
    share = bound == "max-share"
    unit = "%" if share else " node(s)" if bound == "max-nodes" else " pod(s)"
    if limit is None:
        if number > 0:
            what = f"it takes {number:g}{unit}, and target {plan.target.name} does not say how many it allows"
            yield at, what, f"declare allow: {bound}"
    elif number > (limit * 100 if share else limit):
        allowed = f"{limit * 100:g}" if share else f"{limit}"
        yield at, f"it takes {number:g}{unit}, and target {plan.target.name} allows {allowed}{unit} ({bound})", ""


def _number(value: Any) -> float | None:
    """Also of a text: what comes from the environment is one."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(str(value).strip().rstrip("%"))
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
