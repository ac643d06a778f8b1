"""The guard as a user meets it: each rule refuses with one line that leads to the value, in the plan and in the run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from file_fault import DRILL, EXPERIMENT, SHORT, Repo, Said
from guard_repo import (
    DRILL_FILE,
    EXPERIMENT_FILE,
    ON_EU,
    ON_SHOP,
    ON_STAGE,
    PODS,
    PODS_FILE,
    RUNBOOK_FILE,
    TARGETS_FILE,
    changed,
    guarded,
    place,
)

_ALLOWED = (DRILL_FILE, DRILL + "allow-production: true\n")
_CHOOSE = "name: F\nsteps:\n  - name: Which?\n    choose: {left: mend, right: mend}\n  - name: Mend\n"
#: On production both activities of the experiment are.
_OPAQUE = ("opaque", "opaque")
_OPAQUE_LINE = "the guard cannot see into put it there: touch"


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with guarded(tmp_path) as made:
        yield made


@dataclass(frozen=True)
class Case:
    """`files` are written; one line begins with the place of `value` in `file`, says `words`, and ends with the rule.

    `beside` are the rules that refuse as well.
    """

    rule: str
    file: str
    value: str
    words: str
    files: tuple[tuple[str, str], ...] = ()
    args: tuple[str, ...] = ("files",)
    beside: tuple[str, ...] = ()


def _pods(old: str, new: str, value: str, words: str, rule: str = "kubernetes", beside: tuple[str, ...] = ()) -> Case:
    return Case(rule, PODS_FILE, value, words, ((PODS_FILE, changed(PODS, old, new)),), ON_EU, beside)


def _calls(url: str) -> str:
    http = f'provider: {{type: http, url: "{url}"}}'
    return changed(EXPERIMENT, 'provider: {type: process, path: touch, arguments: "$MARKER"}', http)


CASES = {
    "production": Case("production", TARGETS_FILE, "production", "target shop is production; write `allow-production: true`", (), ON_SHOP, _OPAQUE),
    "production alone": Case("production", TARGETS_FILE, "production", "where no experiment runs alone", (), (EXPERIMENT_FILE, "--target", "shop"), _OPAQUE),
    "production unattended": Case("production", TARGETS_FILE, "production", "a run there is never unattended", (_ALLOWED,), ON_SHOP, _OPAQUE),
    "production without consent": Case("production", TARGETS_FILE, "production", "nobody consented; type it: --consent shop", (_ALLOWED,), (*ON_SHOP, "--attended"), _OPAQUE),
    "production with another's name": Case("production", TARGETS_FILE, "production", "--consent 'stage' is not its name", (_ALLOWED,), (*ON_SHOP, "--attended", "--consent", "stage"), _OPAQUE),
    "opaque": Case("opaque", EXPERIMENT_FILE, "type: action", _OPAQUE_LINE, (_ALLOWED,), (*ON_SHOP, "--attended", "--consent", "shop"), ("opaque",)),
    "undo": Case("undo", EXPERIMENT_FILE, "type: action", "experiment files has a fault and nothing that undoes it", ((EXPERIMENT_FILE, EXPERIMENT.partition("rollbacks")[0]),), ON_STAGE),
    "people": Case("people", RUNBOOK_FILE, "{left", "step which has `choose`, and nobody is there to answer", ((RUNBOOK_FILE, _CHOOSE),)),
    "host": Case("hosts", EXPERIMENT_FILE, '"http://prod', "put it there: 'prod.example.com' is not among the hosts that target local allows", ((EXPERIMENT_FILE, _calls("http://prod.example.com/kill")),)),
    "host in an address": Case("hosts", EXPERIMENT_FILE, '"http://127', "'prod.example.com' is not among", ((EXPERIMENT_FILE, _calls("http://127.0.0.1/?to=http%3A%2F%2Fprod.example.com")),)),
    "host in a command": Case("hosts", EXPERIMENT_FILE, '"$MARKER && curl'.replace("$MARKER", "x"), "'prod.example.com' is not among", ((EXPERIMENT_FILE, changed(EXPERIMENT, '"$MARKER"}', '"x && curl http://prod.example.com"}')),)),
    "host of a rollback": Case("hosts", EXPERIMENT_FILE, '"-f x; curl', "take it away: 'prod.example.com' is not among", ((EXPERIMENT_FILE, changed(EXPERIMENT, '"-f $MARKER"}', '"-f x; curl http://prod.example.com"}')),)),
    "host of the load": Case("hosts", DRILL_FILE, '"http://prod', "the load's host: 'prod.example.com' is not among", ((DRILL_FILE, DRILL + 'load: {host: "http://prod.example.com"}\n'), ("drills/files/locustfile.py", "from locust import HttpUser\nclass U(HttpUser): pass\n"))),
    "command": Case("tools", EXPERIMENT_FILE, "no-such-tool", "the command 'no-such-tool' is not on this machine", ((EXPERIMENT_FILE, changed(EXPERIMENT, "path: rm", "path: no-such-tool")),)),
    "module": Case("tools", EXPERIMENT_FILE, "no_such.faults", "there is no Python module 'no_such.faults'", ((EXPERIMENT_FILE, changed(EXPERIMENT, "process, path: touch, arguments: \"$MARKER\"", "python, module: no_such.faults, func: f")),)),
    "shell": Case("tools", RUNBOOK_FILE, "no-such-shell", "step look: its shell 'no-such-shell' is not on this machine", ((RUNBOOK_FILE, 'name: F\nsteps: [{name: Look, run: "true", shell: no-such-shell -c}]\n'),)),
    "tool of a need": Case("tools", DRILL_FILE, "no-such-tool", "enough: the command 'no-such-tool'", ((DRILL_FILE, DRILL + "needs: [{name: enough, provider: {type: process, path: no-such-tool}, tolerance: 0}]\n"),)),
    "secret in a step": Case("secrets", RUNBOOK_FILE, "curl", "step look: the secret HOME would stand in the arguments", ((DRILL_FILE, DRILL + "secrets: [HOME]\n"), (RUNBOOK_FILE, "name: F\nsteps:\n  - name: Look\n    secrets: [HOME]\n    run: curl -u x:$HOME http://x\n"))),
    "secret in a fault": Case("secrets", EXPERIMENT_FILE, '"x $HOME"', "put it there: the secret HOME would stand", ((DRILL_FILE, DRILL + "secrets: [HOME]\n"), (EXPERIMENT_FILE, changed(EXPERIMENT, '"$MARKER"}', '"x $HOME"}')))),
    "no cluster": Case("kubernetes", PODS_FILE, "chaosk8s", "needs a Kubernetes cluster, and target local is of kind local", (), (PODS_FILE, "--target", "local")),
    "namespace": _pods("ns: shop", "ns: kube-system", "kube-system", "namespace 'kube-system' is not among those that target eu allows (shop)"),
    "no namespace": _pods("ns: shop, ", "", "{label_selector", "has no 'ns': 'default' would be taken"),
    "no selector": _pods("label_selector: app=web, ", "", "{ns", "nothing selects: chaosk8s.pod.actions.terminate_pods would take all there is"),
    "count": _pods("qty: 1", "qty: 3", "3}", "it takes 3 pod(s), and target eu allows 2 pod(s) (max-pods)"),
    "share": _pods("qty: 1", "mode: percentage, qty: 50", "50}", "it takes 50%, and target eu allows 30% (max-share)"),
    "nodes": _pods("chaosk8s.pod.actions\n      func: terminate_pods\n      arguments: {ns: shop, label_selector: app=web, qty: 1}", "chaosk8s.node.actions\n      func: drain_nodes\n      arguments: {name: n1}", "drain_nodes", "target eu allows none; declare allow: max-nodes", beside=("undo",)),
    "unknown action": _pods("func: terminate_pods", "func: freeze_pods", "freeze_pods", "the guard does not know what it does", beside=("undo",)),
    "another cluster": _pods("method:", "secrets: {k8s: {KUBERNETES_CONTEXT: {type: env, key: X}}}\nmethod:", "{type: env, key: X", "KUBERNETES_CONTEXT would lead pods to another cluster than eu", "identity"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_rule_refuses_with_one_line_at_the_value(name: str, repo: Repo) -> None:
    case = CASES[name]
    for file, text in case.files:
        repo.write(file, text)
    env = {"KUBECONFIG": str(repo.root / "config"), "X": "a-cluster-elsewhere"}
    begin = f"{place(repo, case.file, case.value)}: "
    said = repo.gameday("run", *case.args, env=env)
    (line,) = [line for line in said.err.splitlines() if line.startswith(begin)]
    assert case.words in line
    assert line.endswith(f"[{case.rule}]")
    rules = [line.rpartition("[")[2].rstrip("]") for line in said.err.splitlines()]
    assert sorted(rules) == sorted((case.rule, *case.beside))
    assert (said.code, said.out, repo.leftovers(), repo.run_folders) == (3, "", [], [])
    planned = repo.gameday("plan", *case.args, env=env)
    assert planned.code == 3
    refused = said.err.replace("\n", "\n  ").rstrip(" ")
    assert f"the guard refuses:\n  {refused}plan " in planned.out


@pytest.mark.parametrize("value", ["{root}/config:{root}/more", "{root}/nowhere"])
def test_a_kubeconfig_that_leads_to_this_machine_is_refused(value: str, repo: Repo) -> None:
    said = repo.gameday("run", *ON_EU, env={"KUBECONFIG": value.format(root=repo.root)})
    assert said.code == 3
    assert re.match(rf"{TARGETS_FILE}:\d+:14: context 'eu': KUBECONFIG .* \[identity\]\n$", said.err)


def test_production_with_everything_it_takes_is_not_refused(repo: Repo) -> None:
    repo.write(DRILL_FILE, DRILL + "allow-production: true\nallow-opaque: [put it there, take it away]\n")
    said = repo.gameday("plan", *ON_SHOP, "--attended", "--consent", "shop")
    assert (said.code, "the guard has no objection" in said.out) == (0, True)


def test_a_value_from_the_command_line_is_named_as_such(repo: Repo) -> None:
    repo.write("drills/files/locustfile.py", "from locust import HttpUser\nclass U(HttpUser): pass\n")
    repo.write(DRILL_FILE, DRILL + 'load: {host: "http://127.0.0.1:9"}\n')
    said = repo.gameday("run", "files", "--set", "load.host=http://prod.example.com")
    assert said.code == 3
    assert said.err.startswith("--set load.host: the load's host: 'prod.example.com'")


def test_a_secrets_value_that_somebody_wrote_into_a_step_is_refused_by_line(repo: Repo) -> None:
    repo.write(DRILL_FILE, DRILL + "secrets: [GUARD_TEST_TOKEN]\n")
    repo.write(RUNBOOK_FILE, "name: F\nsteps:\n  - name: Look\n    run: curl -u x:hunter22 http://x\n")
    said = repo.gameday("run", "files", env={"GUARD_TEST_TOKEN": "hunter22"})
    assert said.code == 3
    assert said.err.startswith(
        f"{place(repo, RUNBOOK_FILE, 'curl')}: step look: a secret's value stands in the arguments"
    )
    assert "hunter22" not in said.err


# -- at the gate -------------------------------------------------------------------------------------------------------

_ONLY_THEN = """\
configuration:
  base: {type: probe, name: base, provider: {type: python, module: json, func: loads, arguments: {s: '"VALUE"'}}}
method:"""


@pytest.mark.parametrize(
    ("experiment", "value", "words"),
    [
        (_calls("${base}/kill"), "http://prod.example.com", "put it there: 'prod.example.com' is not among the hosts"),
        (
            changed(EXPERIMENT, 'path: touch, arguments: "$MARKER"}', 'path: curl, arguments: ["${base}"]}'),
            "prod.example.com",
            "'prod.example.com' is not among",
        ),
        (
            changed(EXPERIMENT, 'path: rm, arguments: "-f $MARKER"}', 'path: curl, arguments: ["-f", "${base}"]}'),
            "x.example.com",
            "take it away: 'x.example.com'",
        ),
    ],
    ids=["action", "command", "rollback"],
)
def test_what_is_known_only_then_is_refused_at_the_gate(experiment: str, value: str, words: str, repo: Repo) -> None:
    repo.write(EXPERIMENT_FILE, changed(experiment, "method:", _ONLY_THEN.replace("VALUE", value)))
    assert repo.gameday("plan", "files").code == 0
    said = repo.gameday("run", "files")
    assert said.code == 3
    assert words in said.err
    assert f"{place(repo, EXPERIMENT_FILE, '${base}')[:-3]}" in said.err
    assert "↯" not in said.err
    assert repo.leftovers() == []


def test_a_secret_that_the_gate_finds_in_an_argument_is_refused(repo: Repo) -> None:
    text = changed(EXPERIMENT, '"$MARKER"}', '["${base}"]}')
    (repo.root / "token").symlink_to("hunter22")
    known = changed(_ONLY_THEN, "json, func: loads", "os, func: readlink")
    known = changed(known, "s: '\"VALUE\"'", f"path: {repo.root}/token")
    repo.write(EXPERIMENT_FILE, changed(text, "method:", known))
    repo.write(DRILL_FILE, DRILL + "secrets: [GUARD_TEST_TOKEN]\n")
    said = repo.gameday("run", "files", env={"GUARD_TEST_TOKEN": "hunter22"})
    assert said.code == 3
    assert "a secret's value stands in the arguments" in said.err
    assert "hunter22" not in said.err


# -- the plan ----------------------------------------------------------------------------------------------------------


def _hash(said: Said) -> str:
    return said.out.split()[-1]


def test_a_drill_with_decisions_is_planned_as_it_will_run(repo: Repo) -> None:
    repo.write(RUNBOOK_FILE, _CHOOSE)
    repo.write("op.yaml", "name: ana\nsteps: {which: {choose: left}, mend: {after: 0s}}\n")
    assert repo.gameday("plan", "files").code == 3
    planned = repo.gameday("plan", "files", "--operator", "op.yaml")
    assert (planned.code, "the guard has no objection" in planned.out) == (0, True)
    said = repo.gameday("run", "files", "--operator", "op.yaml", "--plan", _hash(planned))
    assert (said.code, repo.leftovers()) == (0, [])
    repo.write("op.yaml", "name: ana\nsteps: {which: {choose: lift}}\n")
    wrong = repo.gameday("plan", "files", "--operator", "op.yaml")
    assert (wrong.code, "op.yaml:2:25" in wrong.err) == (2, True)


def test_a_plan_is_the_same_until_something_in_it_changes(repo: Repo) -> None:
    repo.write(RUNBOOK_FILE, SHORT)
    seen = _hash(repo.gameday("plan", "files"))
    for file in (RUNBOOK_FILE, EXPERIMENT_FILE, DRILL_FILE):
        repo.write(file, "# a remark\n" + (repo.root / file).read_text())
    assert _hash(repo.gameday("plan", "files")) == seen
    assert repo.gameday("run", "files", "--plan", seen).code == 0
    repo.write(RUNBOOK_FILE, SHORT.replace('"true"', "echo"))
    for plan in (seen, seen[:15], "", _hash(repo.gameday("plan", "files"))[:8]):
        said = repo.gameday("run", "files", "--plan", plan)
        assert said.code == 3
        assert "something changed since it was looked at; see it with: gameday plan files\n" in said.err
    said = repo.gameday("run", *ON_STAGE, "--set", "limits.time-box=9s", "--plan", seen)
    assert said.err.endswith("see it with: gameday plan files --target stage --set limits.time-box=9s\n")
    assert repo.leftovers() == []
