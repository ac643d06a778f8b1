"""Whether a command that reaches a Kubernetes cluster stays inside the target, as far as its words say it.

A line may call several such tools: each must say by itself where it goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from runner.engine.plan import RunPlan
from runner.lazy_dataclass import lazy_dataclass
from runner.planning.calls import Call, command_words
from runner.targets.registry import driver_of, kinds_for_clusters

#: Commands that reach a cluster → their option for the kube context.
_TOOLS = {"kubectl": "--context", "oc": "--context", "helm": "--kube-context"}
_ELSEWHERE = ("--kubeconfig", "--server", "-s", "--cluster", "--kube-apiserver", "--user", "--token")
_EVERYTHING = ("--all", "-A", "--all-namespaces")
_SELECTORS = ("-l", "--selector", "--field-selector")
_FLAGS = (*_EVERYTHING, "--force", "--now", "--ignore-not-found", "--ignore-daemonsets", "--delete-emptydir-data")
_READING = (
    "get",
    "describe",
    "top",
    "wait",
    "logs",
    "explain",
    "version",
    "api-resources",
    "status",
    "list",
    "history",
)
_OF_NODES = ("drain", "cordon", "taint")
_NODES = ("node", "nodes", "no")
#: Nobody's namespace holds these; what happens to them happens to all.
_SHARED = re.compile(
    "ns|namespaces?|pv|persistentvolumes?|crds?|customresourcedefinitions?|clusterroles?|clusterrolebindings?"
    "|storageclass(es)?|sc|apiservices?|(mutating|validating)webhookconfigurations?|priorityclass(es)?"
)

Finding = tuple[str, str]


@lazy_dataclass(frozen=True, kw_only=True)
class _Invocation:
    """One call of a tool: its options with their values, and its other words."""

    tool: str
    options: Mapping[str, str]
    words: Sequence[str]

    @property
    def verb(self) -> str:
        return self.words[0] if self.words else ""

    @property
    def kinds(self) -> list[str]:
        """Of `pod,svc` or of `pod/web-1 node/n1`: what they are."""
        first = self.words[1] if len(self.words) > 1 else ""
        slashed = [word.partition("/")[0] for word in self.words[1:] if "/" in word]
        return [kind.partition(".")[0].lower() for kind in slashed or first.split(",")]

    @property
    def names(self) -> list[str]:
        slashed = [word for word in self.words[1:] if "/" in word]
        return slashed or list(self.words[2:])


def judge_command(plan: RunPlan, call: Call) -> Iterator[Finding]:
    """What is wrong, and its cure, of every such tool in a command."""
    for each in _invocations(call):
        if not driver_of(plan.target.kind).is_cluster:
            what = f"{each.tool} reaches a cluster, and target {plan.target.name} is of kind {plan.target.kind}"
            yield what, f"declare the cluster as a target of kind {kinds_for_clusters()}"
            return
        yield from _where(plan, call, each)
        if each.tool != "helm" and each.verb not in _READING:
            yield from _how_much(plan, call, each)


def _invocations(call: Call) -> Iterator[_Invocation]:
    words = [
        piece.strip("'\"") for word in command_words(call.provider) for piece in re.split(r"[\s;|&()`]+", word) if piece
    ]
    begins = [index for index, word in enumerate(words) if word.rpartition("/")[2] in _TOOLS]
    for begin, end in zip(begins, [*begins[1:], len(words)], strict=False):
        yield _invocation(words[begin:end])


def _invocation(words: Sequence[str]) -> _Invocation:
    options: dict[str, str] = {}
    others: list[str] = []
    rest = iter(zip(words[1:], [*words[2:], ""], strict=True))
    for word, after in rest:
        option, sign, value = word.partition("=")
        if not word.startswith("-"):
            others.append(word)
        elif sign or word in _FLAGS or after.startswith("-"):
            options[option] = value.strip("'\"")
        else:
            options[option] = after.strip("'\"")
            next(rest, None)
    return _Invocation(tool=words[0].rpartition("/")[2], options=options, words=others)


def _where(plan: RunPlan, call: Call, each: _Invocation) -> Iterator[Finding]:
    target, tool, options = plan.target, each.tool, each.options
    context = options.get(_TOOLS[tool])
    if context not in (target.context, "$TARGET_CONTEXT", "${TARGET_CONTEXT}") and not (context and call.open(context)):
        said = (
            f"goes to context {context!r}" if context else "names no context, and goes wherever the kubeconfig points"
        )
        yield f"{tool} {said}; target {target.name} is {target.context!r}", f'{_TOOLS[tool]} "$TARGET_CONTEXT"'
    for option in (*_ELSEWHERE, *_EVERYTHING):
        if option in options:
            what = "would go elsewhere" if option in _ELSEWHERE else "takes everything"
            yield f"{tool} {option} {what}", "leave it out"
    namespace = options.get("--namespace", options.get("-n"))
    allowed = target.allow.get("namespaces") or ()
    if _is_of_nodes(each) or namespace in allowed or (namespace and call.open(namespace)):
        return
    said = f"namespace {namespace!r} is" if namespace else f"{tool} names no namespace; it is"
    yield f"{said} not among those that target {target.name} allows ({', '.join(allowed) or 'none'})", ""


def _is_of_nodes(each: _Invocation) -> bool:
    return each.verb in (*_OF_NODES, "uncordon")


def _how_much(plan: RunPlan, call: Call, each: _Invocation) -> Iterator[Finding]:
    allow, name = plan.target.allow, plan.target.name
    if (each.verb in _OF_NODES or any(kind in _NODES for kind in each.kinds)) and not allow.get("max-nodes"):
        what = f"{each.tool} {each.verb} takes a node, with all that runs on it, and target {name} allows none"
        yield what, "declare allow: max-nodes if that is really meant"
    for kind in each.kinds:
        if _SHARED.fullmatch(kind):
            yield f"{each.tool} {each.verb} {kind}: no namespace holds it, and no target can allow it", ""
    if each.verb != "delete" or call.sort == "rollback":
        return
    bounds = [bound for bound in ("max-pods", "max-share") if allow.get(bound)]
    # A lone `$` is what is left of a substitution.
    if bounds and ("$" in each.words or any(option in each.options for option in _SELECTORS)):
        what = f"how many {each.tool} delete takes is not known, and target {name} declares"
        yield f"{what} {' and '.join(bounds)}", "name what it takes, or use chaosk8s.pod.actions.terminate_pods"
    elif len(each.names) > allow.get("max-pods", len(each.names)):
        yield f"it takes {len(each.names)} at once, and target {name} allows {allow['max-pods']} (max-pods)", ""
