"""What the guard will refuse in every run of a drill, `check` says already; what only this machine lacks is a remark."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from runner.cli.drill_files import check
from runner.guard.policies import judge_plan
from runner.guard.remarks import CheckFindings, look_over
from runner.planning.compile import compile_drill
from runner.specs.catalogue import Catalogue
from runner.specs.loaded import LoadedDrill

_TARGETS = """\
targets:
  stage:
    kind: http
    environment: staging
    url: https://shop.stage.example.com
  shop:
    kind: http
    environment: production
    url: https://shop.example.com
  eu:
    kind: kubernetes
    environment: staging
    context: eu
    cluster-uid: 5b9cf7a0
    allow: {namespaces: [shop], max-pods: 2}
"""
_DRILL = "name: A\ntarget: %s\nexperiments: [{experiment: e}]\nsteady-state:\n  indicators:\n    - {name: up, probe: {provider: {type: http, url: '${target.url}/', timeout: 1}, tolerance: 200}}\n"
_UNDO = "rollbacks: [{type: action, name: mend, provider: {type: process, path: 'true'}}]\n"


def _repository(root: Path, action: str, *, target: str = "stage", more: str = _UNDO, drill: str = "") -> Catalogue:
    for name, text in {
        "drills/targets.yaml": _TARGETS,
        "drills/d/drill.yaml": (_DRILL % target).replace("${target.url}", "http://127.0.0.1") + drill,
        "experiments/e.yaml": f"title: t\ndescription: d\nmethod:\n  - {{type: action, name: break, provider: {{{action}}}}}\n{more}",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Catalogue(root)


def _findings(catalogue: Catalogue) -> CheckFindings:
    assert catalogue.check() == []
    return look_over(catalogue, catalogue.readable())


@pytest.mark.parametrize(
    ("action", "options", "said"),
    [
        (
            "type: process, path: ssh, arguments: [web1, reboot]",
            {},
            "experiments/e.yaml:4:81: break: 'web1' is not among the hosts that target stage allows"
            " (shop.stage.example.com) [hosts]; name it under allow: hosts",
        ),
        ("type: http, url: 'https://prod.example.com/', method: POST", {}, "experiments/e.yaml:4:61: break: 'prod.example.com'"),
        ("type: process, path: 'true'", {"more": ""}, "experiments/e.yaml:4:5: experiment e has a fault and nothing that undoes it [undo]"),
        ("type: process, path: 'true'", {"target": "shop"}, "drills/targets.yaml:8:18: target shop is production [production]"),
        (
            "type: process, path: 'true'",
            {"target": "shop", "drill": "allow-production: true\n"},
            "experiments/e.yaml:4:5: the guard cannot see into break: true [opaque]",
        ),
        (
            "type: python, module: chaosk8s.pod.actions, func: terminate_pods, arguments: {ns: prod, name_pattern: web}",
            {"target": "eu"},
            "namespace 'prod' is not among those that target eu allows",
        ),
        (
            "type: python, module: chaosk8s.pod.actions, func: terminate_pod, arguments: {ns: shop}",
            {"target": "eu"},
            "experiments/e.yaml:4:94: break: chaosk8s.pod.actions.terminate_pod is not allowed: there is no such function, and the"
            " guard does not know what it does [kubernetes]; did you mean 'chaosk8s.pod.actions.terminate_pods'?",
        ),
    ],
)  # fmt: skip
def test_what_is_refused_in_any_case_is_a_mistake_in_the_files(
    tmp_path: Path, action: str, options: dict[str, str], said: str
) -> None:
    problems = _findings(_repository(tmp_path, action, **options)).problems
    assert said in "\n".join(map(str, problems))
    assert all(problem.line for problem in problems)


@pytest.mark.parametrize(
    ("action", "more"),
    [
        ("type: process, path: no-such-command-here", _UNDO),
        ("type: python, module: no_such_module_here, func: f", _UNDO),
        (
            "type: http, url: '${base}/', method: POST",
            f"{_UNDO}configuration: {{base: {{type: env, key: GUARD_TEST_BASE, default: 'https://prod.example.com'}}}}\n",
        ),
    ],
)
def test_what_another_machine_may_have_is_a_remark(tmp_path: Path, action: str, more: str) -> None:
    findings = _findings(_repository(tmp_path, action, more=more))
    assert findings.problems == ()
    assert [remark for remark in findings.remarks if remark.startswith("experiments/e.yaml:4:")]


@pytest.mark.parametrize("path", ["drills/d/drill.yaml", "experiments/e.yaml"])
def test_a_function_is_looked_for_wherever_an_experiment_belongs(tmp_path: Path, path: str) -> None:
    catalogue = _repository(tmp_path, "type: python, module: chaosk8s.pod.actions, func: terminate_pod")
    findings = look_over(catalogue, catalogue.readable([tmp_path / path]))
    assert "does not expose a function called 'terminate_pod'" in "\n".join(map(str, findings.problems))


def test_people_and_what_they_type_are_no_matter_of_files(tmp_path: Path) -> None:
    action = "type: http, url: 'https://shop.example.com/x', method: POST"
    undo = "rollbacks: [{type: action, name: m, provider: {type: http, url: 'https://shop.example.com/x', method: DELETE}}]\n"
    catalogue = _repository(tmp_path, action, target="shop", more=undo, drill="allow-production: true\nrunbook: r\n")
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks/r.yaml").write_text("name: r\nsteps: [{name: a, approve: {by: boss}}]\n")
    assert _findings(catalogue) == CheckFindings(problems=(), remarks=())


def test_check_says_everything_that_the_plan_says(tmp_path: Path) -> None:
    action = "type: process, path: no-such-command, arguments: '-x web1 --host web1 http://web2/${x}'"
    catalogue = _repository(tmp_path, action, more="configuration: {x: {type: env, key: GUARD_TEST_UNSET}}\n")
    drill = next(each for each in catalogue.readable() if isinstance(each, LoadedDrill))
    findings = _findings(catalogue)
    said = "\n".join([*map(str, findings.problems), *findings.remarks])
    refusals = judge_plan(compile_drill(drill), attended=True)
    assert {each.rule for each in refusals} == {"environment", "undo", "hosts", "tools"}
    for refusal in refusals:
        assert refusal.what in said


def test_the_command_ends_with_2_and_names_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _repository(tmp_path, "type: process, path: ssh, arguments: [web1, reboot]")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(check, ["--json"], standalone_mode=False)
    assert result.return_value == 2
    assert '"line": 4' in result.output
    assert "'web1' is not among the hosts" in result.output


def test_runbooks_alone_need_no_guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks/r.yaml").write_text("name: r\nsteps: [{name: a}]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "runner.guard.remarks", None)
    assert CliRunner().invoke(check, [], standalone_mode=False).return_value == 0
