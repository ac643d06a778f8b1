"""What Chaos Toolkit's Kubernetes extension may do in a cluster: where, to what, to how many."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from guard_samples import FILE, LOCAL, STAGING, activity, cluster, command, kube, plan_of

from runner.engine.plan import Check, RunPlan, Target
from runner.guard.call_check import judge_action
from runner.guard.cluster import heals
from runner.guard.policies import judge_plan
from runner.planning.calls import planned_calls
from runner.targets.kubernetes import kubeconfig
from runner.targets.kubernetes_actions import DEEDS, NEVER
from runner.targets.registry import driver_of, drivers


@pytest.fixture(autouse=True)
def _kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").touch()
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))


def _said(plan: RunPlan) -> str:
    return "\n".join(str(refusal) for refusal in judge_plan(plan, attended=True))


def _pods(**arguments: Any) -> dict[str, Any]:
    return kube("pod.actions.terminate_pods", **{"ns": "shop", "label_selector": "app=web", **arguments})


_TOO_FAR: list[tuple[dict[str, Any], str]] = [
    # namespaces
    (kube("pod.actions.terminate_pods", label_selector="app=web"), "has no 'ns': 'default' would be taken"),
    (_pods(ns=""), "has no 'ns'"),
    (_pods(ns="kube-system"), "namespace 'kube-system' is not among those that target eu allows (shop)"),
    (kube("node.actions.drain_nodes", name="n", pod_label_selector="a=b", pod_namespace="other"), "'other'"),
    # selectors
    (kube("pod.actions.terminate_pods", ns="shop"), "nothing selects"),
    (_pods(label_selector=""), "fits everything"),
    (_pods(label_selector="app!=web"), "fits everything"),
    (_pods(label_selector="!canary, tier notin (a, b)"), "fits everything"),
    (kube("pod.actions.terminate_pods", ns="shop", name_pattern=".*"), "its name_pattern '.*' fits everything"),
    (kube("pod.actions.terminate_pods", ns="shop", name_pattern="[a-z0-9]"), "fits everything"),
    (kube("pod.actions.terminate_pods", ns="shop", name_pattern="("), "fits everything"),
    (kube("pod.actions.terminate_pods", ns="shop", name_pattern="((((.*)*)*)*)*z"), "fits everything"),
    (kube("pod.actions.terminate_pods", ns="shop", name_pattern=".*.*.*.*.*z"), "fits everything"),
    (kube("pod.actions.terminate_pods", ns="shop", name_pattern=".{5}"), "fits everything"),
    (kube("pod.actions.delete_pods", ns="shop"), "nothing selects"),
    (kube("pod.actions.delete_pods", ns="shop", name="^"), "fits everything"),
    (kube("deployment.actions.delete_deployment", ns="shop"), "nothing selects"),
    (kube("networking.actions.deny_all_ingress", ns="shop"), "nothing selects"),
    (kube("networking.actions.deny_all_egress", ns="shop", label_selectors={}), "fits everything"),
    # counts and shares
    (_pods(qty=3), "it takes 3 pod(s), and target eu allows 2 pod(s) (max-pods)"),
    (_pods(qty="3"), "it takes 3 pod(s)"),
    (_pods(all=True), "`all` takes every pod that is selected"),
    (_pods(all="false"), "`all` takes every pod that is selected"),
    (_pods(mode="percentage", qty=31), "it takes 31%, and target eu allows 30% (max-share)"),
    (_pods(qty="many"), "qty: 'many' is not a number"),
    (_pods(qty=-1), "is not a number"),
    (_pods(qty=float("nan")), "is not a number"),
    (_pods(qty=True), "is not a number"),
    (kube("deployment.actions.scale_deployment", ns="shop", name="web", replicas=50), "it takes 50 pod(s)"),
    (kube("deployment.actions.delete_deployment", ns="shop", label_selector="a=b"), "how many pods it takes is not known"),
    (kube("networking.actions.deny_all_ingress", ns="shop", label_selectors={"app": "web"}), "is not known"),
    # nodes
    (kube("node.actions.cordon_node"), "nothing selects"),
    (kube("node.actions.cordon_node", name="n1"), "target eu allows none"),
    (kube("node.actions.drain_nodes", label_selector="a=b", count=1), "declare allow: max-nodes"),
    (kube("node.actions.delete_nodes", label_selector="a=b", count=1), "a node that was deleted does not come back"),
    # Chaos Mesh
    (kube("chaosmesh.network.actions.add_latency", name="x", ns="shop", label_selectors="a=b"), "has no 'namespaces_selectors'"),
    (kube("chaosmesh.network.actions.add_latency", name="x", ns="shop", namespaces_selectors="shop,prod", label_selectors="a=b"), "'prod'"),
    (kube("chaosmesh.stress.actions.stress_cpu", name="x", ns="shop", namespaces_selectors="shop", workers=1, load=1), "nothing selects"),
    (kube("chaosmesh.network.actions.set_loss", name="x", ns="shop", namespaces_selectors="shop", label_selectors="a=b", mode="all"), "takes every pod"),
    (kube("chaosmesh.network.actions.set_loss", name="x", ns="shop", namespaces_selectors="shop", label_selectors="a=b", mode="fixed", mode_value="5"), "it takes 5 pod(s)"),
    (kube("chaosmesh.network.actions.set_loss", name="x", ns="shop", namespaces_selectors="shop", label_selectors="a=b", mode="fixed-percent", mode_value="50"), "it takes 50%"),
    (kube("chaosmesh.network.actions.set_loss", name="x", ns="shop", namespaces_selectors="shop", label_selectors="a=b", direction="both"), "direction: to"),
    (kube("chaosmesh.network.actions.set_loss", name="x", ns="shop", namespaces_selectors="shop", label_selectors="a=b", external_targets=["prod.example.com"]), "'prod.example.com' is not among the hosts"),
    # what is not known
    (_pods(namespace="shop"), "what 'namespace' of chaosk8s.pod.actions.terminate_pods means is not known"),
    (_pods(secrets={"KUBERNETES_CONTEXT": "prod"}), "what 'secrets' of"),
    (kube("pod.actions.freeze_pods", ns="shop"), "the guard does not know what it does"),
    (kube("crd.actions.apply_from_yaml", resource="x"), "cannot be judged"),
    (kube("namespace.actions.delete_namespace", name="shop"), "a namespace is all that is in it"),
    (kube("actions.kill_microservice", name="web", ns="shop"), "old names of other actions"),
    (kube("deployment.actions.create_deployment", ns="shop", spec_path="x.yaml"), "it is for rollbacks alone"),
    ({"type": "python", "module": "chaosk8s", "func": "create_k8s_api_client"}, "does not know"),
    # commands
    (command("kubectl", "delete", "pod", "x", "-n", "shop"), "kubectl names no context"),
    (command("kubectl", "--context", "prod", "-n", "shop", "delete", "pod", "x"), "goes to context 'prod'"),
    (command("kubectl", "--context=eu", "delete", "pod", "x"), "kubectl names no namespace"),
    (command("kubectl", "--context=eu", "--namespace=prod", "delete", "pod", "x"), "namespace 'prod' is not among"),
    (command("kubectl", "--context=eu", "-n", "shop", "delete", "pod", "--all"), "kubectl --all takes everything"),
    (command("kubectl", "--context=eu", "-n", "shop", "--kubeconfig", "x", "get", "pod"), "would go elsewhere"),
    (command("sh", "-c", "true; kubectl delete pod x -n shop"), "kubectl names no context"),
    (
        command("sh", "-c", "kubectl --context eu -n shop get pod; kubectl delete pod x -n shop"),
        "kubectl names no context",
    ),
    (command("sh", "-c", "kubectl --context eu -n shop delete $(kubectl get pod -n shop)"), "kubectl names no context"),
    (command("kubectl", "--context=eu", "drain", "n1"), "kubectl drain takes a node"),
    (
        command("sh", "-c", "kubectl --context eu -n shop delete $(kubectl --context eu -n shop get pod -o name)"),
        "how many kubectl delete takes is not known",
    ),
    (command("kubectl", "--context=eu", "-n", "shop", "delete", "node/n1"), "kubectl delete takes a node"),
    (command("kubectl", "--context=eu", "-n", "shop", "delete", "ns", "shop"), "kubectl delete ns: no namespace holds"),
    (command("kubectl", "--context=eu", "-n", "shop", "delete", "pod", "-l", "a=b"), "how many kubectl delete takes is not known"),
    (command("kubectl", "--context=eu", "-n", "shop", "delete", "pod", "a", "b", "c"), "it takes 3 at once"),
    (command("kubectl", "--context=eu", "-n", "shop", "delete", "pod/a", "pod/b", "pod/c"), "it takes 3 at once"),
    (command("helm", "rollback", "web", "-n", "shop"), "helm names no context"),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "words"), _TOO_FAR)
def test_an_action_that_goes_too_far_is_refused(provider: dict[str, Any], words: str) -> None:
    said = _said(plan_of(cluster(), provider))
    assert words in said
    assert "[kubernetes]" in said
    # And once more when all of it is resolved.
    at_the_gate = judge_action(
        plan_of(cluster(), {"type": "process", "path": "true"}), "e", provider, index=0, name="x"
    )
    assert words in "\n".join(map(str, at_the_gate))


_INSIDE: list[tuple[Target, dict[str, Any]]] = [
    (cluster(), _pods(qty=2, rand=True, order="oldest", grace_period=0)),
    (cluster(), _pods(qty="2")),
    (cluster(), _pods(all=False)),
    (cluster(), _pods(mode="percentage", qty=30)),
    (cluster(), _pods(label_selector="app in (web, api), tier!=db")),
    (cluster(), kube("pod.actions.terminate_pods", ns="shop", name_pattern="^web-")),
    (cluster(selectors=["app=web"]), _pods(label_selector="tier==front, app = web")),
    (cluster(max_share=None), kube("deployment.actions.scale_deployment", ns="shop", name="web", replicas=0)),
    (cluster(max_pods=None, max_share=None), kube("deployment.actions.delete_deployment", ns="shop", label_selector="a=b")),
    (cluster(), kube("deployment.actions.delete_deployment", ns="shop", name="web")),
    (cluster(max_nodes=1), kube("node.actions.cordon_node", name="n1")),
    (cluster(max_nodes=2), kube("node.actions.drain_nodes", label_selector="a=b", count=2)),
    (cluster(), kube("chaosmesh.network.actions.add_latency", name="x", ns="shop", namespaces_selectors=["shop"], label_selectors={"a": "b"}, latency="100ms")),
    (cluster(hosts=["pay.example.com"]), kube("chaosmesh.network.actions.set_loss", name="x", ns="shop", namespaces_selectors="shop", label_selectors="a=b", loss="50", external_targets="pay.example.com")),
    (cluster(), command("true")),
    (cluster(), command("kubectl", "--context=eu", "-n", "shop", "delete", "pod", "a", "b")),
    (cluster(), command("kubectl", "--context", "eu", "-n", "shop", "delete", "deployment/web", "--grace-period=0")),
    (cluster(), command("kubectl", "--context=eu", "-n", "shop", "get", "node,ns")),
    (cluster(max_pods=None, max_share=None), command("kubectl", "--context=eu", "-n", "shop", "delete", "pod", "-l", "a=b")),
    (cluster(max_nodes=1), command("kubectl", "--context=eu", "drain", "n1")),
    (cluster(), command("sh", "-c", "kubectl --context $TARGET_CONTEXT -n shop scale deployment web --replicas 0; true")),
]  # fmt: skip


@pytest.mark.parametrize(("target", "provider"), _INSIDE)
def test_an_action_inside_is_not(target: Target, provider: dict[str, Any]) -> None:
    assert _said(plan_of(target, provider)) == ""


@pytest.mark.parametrize(
    ("target", "provider", "words"),
    [
        (cluster(namespaces=None), _pods(), "allows (none)"),
        (cluster(max_pods=None), _pods(), "declare allow: max-pods"),
        (cluster(max_share=None), _pods(mode="percentage", qty=10), "declare allow: max-share"),
        (
            cluster(selectors=["app=web"]),
            _pods(label_selector="app=db"),
            "it selects app=db, and target eu allows only",
        ),
        (cluster(selectors=["app=web,tier=a"]), _pods(), "allows only what fits app=web,tier=a"),
        (
            cluster(selectors=["app=web"]),
            kube("deployment.actions.delete_deployment", ns="shop", name="x"),
            "it selects by name",
        ),
        (cluster(max_nodes=1), kube("node.actions.cordon_node", label_selector="a=b"), "give it one by name"),
        (cluster(max_nodes=1), kube("node.actions.drain_nodes", pod_label_selector="a=b", count=1), "fits everything"),
        (cluster(max_nodes=1), kube("node.actions.drain_nodes", label_selector="a=b", count=2), "allows 1 node(s)"),
    ],
)
def test_what_the_target_does_not_say_is_not_allowed(target: Target, provider: dict[str, Any], words: str) -> None:
    assert words in _said(plan_of(target, provider))


@pytest.mark.parametrize(
    "target",
    [replace(STAGING, kind=driver.kind) for driver in drivers() if not driver.is_cluster],
    ids=lambda target: target.kind,
)
@pytest.mark.parametrize(
    "provider", [_pods(), command("kubectl", "get", "pods"), kube("pod.probes.count_pods", label_selector="a=b")]
)
def test_no_cluster_is_reached_from_a_target_that_is_none(target: Target, provider: dict[str, Any]) -> None:
    assert f"target {target.name} is of kind {target.kind}" in _said(plan_of(target, provider))


def test_what_the_configuration_says_is_judged_in_the_plan_and_what_it_does_not_at_the_gate() -> None:
    document = {"configuration": {"ns": "prod"}}
    assert "namespace 'prod'" in _said(plan_of(cluster(), _pods(ns="${ns}"), document=document))
    probed = {"type": "probe", "provider": {"type": "process", "path": "true"}}
    asked = {"configuration": {"ns": probed, "n": probed}}
    provider = _pods(ns="${ns}", qty="${n}", mode="${n}", all="${n}", label_selector="app=${n}")
    plan = plan_of(cluster(), provider, document=asked)
    assert _said(plan) == ""
    assert "namespace '${ns}'" in "\n".join(map(str, judge_action(plan, "e", provider)))


def test_an_action_that_nobody_knows_is_refused_even_where_its_module_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runner.guard.modules.names_in", lambda _: None)
    text = _said(plan_of(cluster(), kube("pod.actions.terminate_pod", ns="shop")))
    assert "terminate_pod is not allowed: the guard does not know what it does" in text
    assert "did you mean 'chaosk8s.pod.actions.terminate_pods'?" in text


def test_rollbacks_bring_back_as_many_as_there_were_and_stay_inside_otherwise() -> None:
    action = kube("deployment.actions.scale_deployment", ns="shop", name="web", replicas=0)
    for ns, words in (("shop", ""), ("prod", "mend it: namespace 'prod'")):
        undo = kube("deployment.actions.scale_deployment", ns=ns, name="web", replicas=30)
        assert words in _said(plan_of(cluster(), action, rollbacks=[undo]))
        assert bool(_said(plan_of(cluster(), action, rollbacks=[undo]))) is bool(words)
    made = kube("deployment.actions.create_deployment", ns="shop", spec_path="web.yaml")
    gone = kube("deployment.actions.delete_deployment", ns="shop", name="web")
    assert _said(plan_of(cluster(), gone, rollbacks=[made])) == ""
    back = kube("node.actions.uncordon_node", label_selector="a=b")
    assert _said(plan_of(cluster(max_nodes=1), kube("node.actions.cordon_node", name="n"), rollbacks=[back])) == ""


def test_an_action_is_no_probe_wherever_probes_stand() -> None:
    probe = activity(_pods(), "look", "probe")
    needs = (Check(name="look", probe={"provider": _pods(), "tolerance": True}),)
    hypothesis = {"steady-state-hypothesis": {"title": "t", "probes": [probe]}}
    configuration = {"configuration": {"x": {**probe, "name": "look"}}}
    for plan in (
        plan_of(cluster(), probe),
        plan_of(cluster(), document=hypothesis),
        plan_of(cluster(), document=configuration),
        plan_of(cluster(), needs=needs),
    ):
        assert "terminate_pods is an action, and would be called as a probe" in _said(plan)
    assert _said(plan_of(cluster(), activity(kube("pod.probes.count_pods", label_selector="a=b"), "n", "probe"))) == ""


def test_a_controller_undoes_what_it_replaces() -> None:
    assert _said(plan_of(cluster(), _pods(), rollbacks=[])) == ""
    scaled = kube("deployment.actions.scale_deployment", ns="shop", name="web", replicas=0)
    assert "[undo]" in _said(plan_of(cluster(), scaled, rollbacks=[]))
    both = plan_of(cluster(), _pods(), scaled, rollbacks=[])
    (refusal,) = judge_plan(both, attended=True)
    assert (refusal.rule, refusal.at) == ("undo", ("method", 1))
    (call,) = planned_calls(plan_of(cluster(), _pods(ns="${ns}"), rollbacks=[]))
    assert not heals(call)


def test_a_refusal_leads_to_the_argument() -> None:
    (refusal,) = judge_plan(plan_of(cluster(), _pods(ns="prod")), attended=True)
    assert (refusal.where, refusal.at) == (FILE, ("method", 0, "provider", "arguments", "ns"))


# -- which cluster -----------------------------------------------------------------------------------------------------


def test_a_cluster_is_asked_for_its_uid_through_its_context() -> None:
    (check,) = driver_of("kubernetes").identity_checks(cluster())
    assert check.name == "target eu is cluster 5b9cf7a0"
    assert check.probe["tolerance"] == "5b9cf7a0"
    assert check.probe["provider"]["arguments"] == {"context": "eu"}
    assert driver_of(LOCAL.kind).identity_checks(LOCAL) == ()


@pytest.mark.parametrize("value", ["{tmp}/a:{tmp}/b", "{tmp}/nowhere", "{tmp}", ":"])
def test_a_kubeconfig_that_is_not_one_file_is_refused(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", value.format(tmp=tmp_path))
    (refusal,) = judge_plan(plan_of(cluster(), _pods()), attended=True)
    assert (refusal.rule, refusal.where) == ("identity", "drills/targets.yaml")
    assert refusal.at == ("targets", "eu", "context")
    assert "context 'eu': KUBECONFIG" in refusal.what


def test_the_kubeconfig_is_the_users_unless_said_otherwise(tmp_path: Path) -> None:
    (tmp_path / "k").touch()
    assert kubeconfig({"KUBECONFIG": str(tmp_path / "k")}) == (str(tmp_path / "k"), "")
    path, why = kubeconfig({})
    assert path.endswith("/.kube/config") or "without KUBECONFIG" in why


def test_nothing_leads_to_another_cluster() -> None:
    document = {"secrets": {"k": {"KUBERNETES_HOST": {"type": "env", "key": "X"}}}}
    (refusal,) = judge_plan(plan_of(cluster(), _pods(), document=document), attended=True)
    assert (refusal.rule, refusal.at) == ("identity", ("secrets", "k", "KUBERNETES_HOST"))
    document = {"configuration": {"proxy": {"type": "env", "key": "HTTPS_PROXY", "default": ""}}}
    (refusal,) = judge_plan(plan_of(cluster(), _pods(), document=document), attended=True)
    assert (refusal.rule, refusal.at) == ("identity", ("configuration", "proxy", "key"))
    (refusal,) = judge_plan(plan_of(cluster(), _pods(), secret_sources={"KUBECONFIG": {}}), attended=True)
    assert "the secret KUBECONFIG would lead to another cluster" in refusal.what


# -- the tables --------------------------------------------------------------------------------------------------------


def _extension() -> Iterator[tuple[str, list[str], bool]]:
    """Every action of the installed extension: its name, its arguments, whether it is one of those that are exported."""
    spec = importlib.util.find_spec("chaosk8s")
    assert spec is not None
    assert spec.submodule_search_locations
    root = Path(spec.submodule_search_locations[0])
    for path in sorted(root.rglob("actions.py")):
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        body = ast.parse(path.read_text()).body
        exported = next(
            ast.literal_eval(node.value)
            for node in body
            if isinstance(node, ast.Assign) and "__all__" in ast.unparse(node.targets[0])
        )
        for node in body:
            if isinstance(node, ast.FunctionDef):
                yield f"{module}.{node.name}", [each.arg for each in node.args.args], node.name in exported


def test_every_action_of_the_extension_is_in_one_of_the_tables() -> None:
    names = [name for name, _, exported in _extension() if exported]
    assert len(names) > 40
    assert [name for name in names if name not in DEEDS and not {name, name.rpartition(".")[0]} & NEVER.keys()] == []


def test_the_tables_speak_of_arguments_that_there_are() -> None:
    there = {name: set(arguments) for name, arguments, _ in _extension()}
    for name, deed in DEEDS.items():
        # What the table leaves out is refused: that may only be what leads elsewhere.
        assert there[name] - {"secrets", "configuration"} == deed.arguments, name
