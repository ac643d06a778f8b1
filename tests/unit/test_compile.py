"""Files → plan: every default filled in, every unit right, the same hash for the same plan."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from runner.engine.plan import Ask, Check, Indicator, Link, RunPlan, StopRule
from runner.engine.plan_json import plan_from_json, plan_to_json
from runner.errors import InputError
from runner.guard.plan_remarks import plan_remarks
from runner.planning.compile import compile_drill, compile_named, compile_walk, plan_hash
from runner.specs.catalogue import Catalogue
from runner.specs.failure_rule import AskPeople, ContinueRunbook, FailureRule, GoToStep, StopRunbook
from runner.specs.injection_moment import AfterWarmUp, AtStep, Between
from runner.specs.probe_spec import ProbeSpec

_EVERYTHING = Path(__file__).parent / "fixtures" / "everything"
_NAME = "payment-gateway-outage"


@pytest.fixture
def plan() -> RunPlan:
    return compile_named(Catalogue(_EVERYTHING), _NAME)


def test_the_head(plan: RunPlan) -> None:
    assert (plan.name, plan.slug, plan.bare) == ("Payment gateway outage", _NAME, False)
    assert plan.file == f"drills/{_NAME}/drill.yaml"
    assert (plan.runbook, plan.runbook_file) == ("Payment gateway outage", f"runbooks/{_NAME}.yaml")
    assert (plan.time_box, plan.max_pause, plan.abandon_after, plan.hold) == (900.0, 900.0, 300.0, 5.0)
    assert (plan.expect, plan.impact_within, plan.reveal, plan.group) == ("impact", 60.0, "always", "oncall")
    assert (plan.time_to_detect, plan.time_to_acknowledge) == (60.0, 120.0)
    assert (plan.time_to_mitigate, plan.time_to_recover) == (180.0, 300.0)


def test_the_links_of_the_runbook_in_a_drill_and_in_a_tabletop(plan: RunPlan) -> None:
    page = Link(name="Gateway status page", url="https://status.gateway.example.com")
    assert plan.links == compile_walk(Catalogue(_EVERYTHING), _NAME).links == (page,)
    assert plan_from_json(plan_to_json(plan)).links == (page,)


def test_the_target(plan: RunPlan) -> None:
    target = plan.target
    assert (target.name, target.kind, target.environment) == ("staging", "http", "staging")
    assert target.vars["proxy"] == "http://toxiproxy.staging.example.com:8474"
    assert target.allow == {"hosts": ["*.staging.example.com"]}
    assert target.identity is not None
    assert ProbeSpec.model_validate(target.identity).name == "staging is what was declared"


def test_the_steps(plan: RunPlan) -> None:
    confirm, choose, raised, fail_over, look, watch, declare, tell = plan.steps
    assert (confirm.milestone, confirm.target_time, confirm.automated) == ("detected", 60.0, False)
    assert confirm.where == f"runbooks/{_NAME}.yaml:7"
    assert choose.choose == {"errors": "fail-over", "slow only": "raise-timeout"}
    assert (raised.on_failure, raised.on_timeout, raised.timeout) == (ContinueRunbook(), GoToStep("fail-over"), 10.0)
    assert raised.condition == "steps.what-is-it.choice == 'slow only'"
    assert raised.output == {"TIMEOUT": "$.timeout", "SERVED_BY": r"/served by (\S+)/"}
    assert (watch.id, watch.name, watch.automated) == ("watch-it-for-a-minute", "Watch it for a minute", False)
    assert raised.env == {"RETRIES": "3", "REGION": "eu"}
    assert (fail_over.retry_max, fail_over.retry_delay, fail_over.approve) == (2, 5.0, "incident-commander")
    assert fail_over.ask == (
        Ask(name="region", prompt="Which region?", choices=("eu", "us"), default="eu"),
        Ask(name="ticket", prompt="Which ticket?", pattern="[A-Z]+-[0-9]+"),
        Ask(name="pin", prompt="Your PIN?", secret=True),
    )
    assert fail_over.verify is not None
    assert (fail_over.verify.indicator, fail_over.verify.lasting, fail_over.verify.within) == (
        "checkouts succeed",
        5,
        60,
    )
    assert look.verify is not None
    assert look.verify.probe is not None
    assert (ProbeSpec.model_validate(look.verify.probe).tolerance, look.verify.every) == (200, 2.0)
    assert (declare.critical, tell.anytime, tell.every) == (False, True, 900.0)


@pytest.mark.parametrize(("attended", "rule"), [(True, AskPeople()), (False, StopRunbook())])
def test_what_follows_a_failure_depends_on_people(attended: bool, rule: FailureRule) -> None:
    plan = compile_named(Catalogue(_EVERYTHING), _NAME, attended=attended)
    assert [step.on_failure for step in plan.steps if step.id != "raise-timeout"] == [rule] * 7
    assert plan.step("raise-timeout").on_failure == ContinueRunbook()


def test_the_indicators_and_what_hangs_on_them(plan: RunPlan) -> None:
    succeed, p95, rate, answers = plan.indicators
    checkout = "POST /checkout"
    assert succeed == Indicator(name="checkouts succeed", source="load", request=checkout, at_least=0.99, degraded=0.95)
    assert p95 == Indicator(
        name="checkout p95", source="load", metric="p95", request=checkout, at_most=0.4, degraded=1.0
    )
    assert rate == Indicator(name="requests flow", source="load", metric="rate", at_least=20.0)
    assert (answers.source, answers.at_least, answers.every) == ("probe", 1.0, 0.2)
    assert plan.stop_when == (
        StopRule(indicator="storefront answers", below=0.95, lasting=10.0),
        StopRule(indicator="checkout p95", above=30.0, lasting=60.0),
    )


def test_the_checks_read_back_as_probes(plan: RunPlan) -> None:
    checks: list[Check] = [*plan.needs, *plan.alerts, *plan.undone_when, *plan.experiments[0].undone_when]
    assert [check.name for check in checks] == [
        "catalogue is loaded",
        "CheckoutErrorsHigh",
        "no toxic is left",
        "payment-gateway-errors 1",
    ]
    assert [ProbeSpec.model_validate(check.probe).name for check in checks] == [check.name for check in checks]


def test_the_experiments(plan: RunPlan) -> None:
    errors, kill = plan.experiments
    assert (errors.inject, errors.actions, errors.rollbacks, errors.undo_deadline) == (Between(60.0, 480.0), 2, 1, 10.0)
    assert (kill.inject, kill.no_undo) == (AtStep("fail-over"), "The Deployment replaces the pod.")
    canonical = json.dumps(kill.document, sort_keys=True, separators=(",", ":")).encode()
    assert kill.document_hash == hashlib.sha256(canonical).hexdigest()
    assert json.loads(json.dumps(errors.document)) == errors.document


def test_the_load(plan: RunPlan) -> None:
    assert plan.load is not None
    assert plan.load.locustfile == f"drills/{_NAME}/locustfile.py"
    assert plan.load.host == "https://checkout.staging.example.com"
    assert (plan.load.users, plan.load.spawn_rate, plan.load.warm_up) == (40, 20.0, 10.0)
    sandbox = compile_named(Catalogue(_EVERYTHING), _NAME, target="sandbox", sets={"secrets": "[STAGING_TOKEN]"}).load
    assert sandbox is not None
    assert sandbox.host == ""


def test_secrets_keep_their_sources(plan: RunPlan) -> None:
    assert plan.target.secrets == ("STAGING_TOKEN",)
    assert plan.secrets == ("PAGER_KEY", "OTHER_KEY", "STAGING_TOKEN")
    assert plan.secret_sources == {"STAGING_TOKEN": {}, "PAGER_KEY": {"command": "printf hush"}, "OTHER_KEY": {}}


def test_what_cannot_be_seen_into_is_listed_whole(plan: RunPlan) -> None:
    assert plan.opaque == (
        "say: sh -c 'echo ${TARGET_URL}'",
        "tracing: control chaostracing.oltp",
        f"load: drills/{_NAME}/locustfile.py",
    )
    (warning,) = plan.warnings
    assert "'say' runs in the background" in warning


def _compiled(root: Path) -> RunPlan:
    return compile_named(Catalogue(root), _NAME, remarks=plan_remarks)


def test_a_fault_without_undo_is_warned_of(tmp_path: Path) -> None:
    shutil.copytree(_EVERYTHING, tmp_path, dirs_exist_ok=True)
    drill = tmp_path / "drills" / _NAME / "drill.yaml"
    drill.write_text(drill.read_text().replace("    no-undo: The Deployment replaces the pod.\n", ""))
    # A controller brings back the pods that it takes.
    assert not any("nothing undoes" in line for line in _compiled(tmp_path).warnings)
    experiment = tmp_path / "experiments" / "pod-kill.json"
    experiment.write_text(experiment.read_text().replace("terminate_pods", "exec_in_pods"))
    plan = _compiled(tmp_path)
    assert any("experiments/pod-kill.json: nothing undoes its fault" in line for line in plan.warnings)


def test_the_hash_is_of_the_calls_as_they_are_resolved_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drills").mkdir()
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "e.yaml").write_text(
        "title: t\ndescription: d\nconfiguration: {from: {type: env, key: COMPILE_TEST_FILE, default: a}}\nmethod:\n"
        "  - {type: action, name: take, provider: {type: process, path: rm, arguments: ['${from}']}}\n"
    )

    def hashed() -> str:
        return compile_named(Catalogue(tmp_path), "experiments/e.yaml", target="local").plan_hash

    before = hashed()
    monkeypatch.setenv("COMPILE_TEST_FILE", "b")
    assert hashed() != before
    monkeypatch.setenv("COMPILE_TEST_FILE", "a")
    assert hashed() == before


def test_the_hash_is_the_plan_s(plan: RunPlan, tmp_path: Path) -> None:
    shutil.copytree(_EVERYTHING, tmp_path, dirs_exist_ok=True)
    elsewhere = Catalogue(tmp_path)
    assert plan.plan_hash == plan_hash(plan) == compile_named(elsewhere, _NAME).plan_hash
    assert len(plan.plan_hash) == 64
    assert compile_named(elsewhere, _NAME, sets={"load.users": "41"}).plan_hash != plan.plan_hash
    locustfile = tmp_path / "drills" / _NAME / "locustfile.py"
    locustfile.write_text(locustfile.read_text() + "# changed\n")
    assert compile_named(Catalogue(tmp_path), _NAME).plan_hash != plan.plan_hash


def test_a_bare_experiment() -> None:
    plan = compile_named(Catalogue(_EVERYTHING), "payment-gateway-errors", target="sandbox")
    assert (plan.bare, plan.name, plan.slug) == (True, "The card gateway resets connections", "payment-gateway-errors")
    assert (plan.steps, plan.load, plan.indicators) == ((), None, ())
    assert plan.experiments[0].inject == AfterWarmUp()
    assert plan.secrets == ("STAGING_TOKEN",)


def test_a_bare_experiment_needs_a_target_and_takes_no_settings() -> None:
    catalogue = Catalogue(_EVERYTHING)
    with pytest.raises(InputError, match="needs a target: --target NAME; targets: sandbox, local, staging"):
        compile_named(catalogue, "pod-kill")
    with pytest.raises(InputError, match="--set changes a drill"):
        compile_named(catalogue, "pod-kill", target="sandbox", sets={"a": "1"})


def test_a_drill_of_almost_nothing(tmp_path: Path) -> None:
    (tmp_path / "drills" / "small").mkdir(parents=True)
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "drills" / "small" / "drill.yaml").write_text("name: s\ntarget: local\nrunbook: r\n")
    (tmp_path / "runbooks" / "r.yaml").write_text("name: r\nsteps: [{name: Look}]\n")
    plan = compile_drill(Catalogue(tmp_path).load_drill("small"))
    assert plan.steps[0].id == "look"
    assert (plan.hold, plan.time_box, plan.experiments, plan.load) == (60.0, 3600.0, (), None)
