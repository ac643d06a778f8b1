"""Which variables of the shell reach a run, and which of them are kept like secrets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from guard_samples import LOCAL, cluster, plan_of
from transcript_samples import write

from runner.engine.events import RunStarted
from runner.engine.plan import RunPlan, Target
from runner.engine.plan_json import plan_from_json, plan_to_json
from runner.errors import InputError
from runner.guard.policies import judge_plan
from runner.guard.secret_exposure import declared_at
from runner.planning.compile import compile_named
from runner.planning.passed_variables import looks_secret
from runner.specs.catalogue import Catalogue
from runner.undo import recovery
from runner.views.plan_text import plan_text

_EXPERIMENT = "title: t\ndescription: d\nmethod: []\n"
_TARGETS = "targets:\n  local: {kind: local, environment: sandbox, env: %s}\n"
_DRILL = "name: d\ntarget: local\nexperiments: [{experiment: e}]\nenv: %s\n"


def _repository(root: Path, *, target: str = "[]", drill: str = "[]") -> Catalogue:
    for folder in ("experiments", "drills/d"):
        (root / folder).mkdir(parents=True)
    (root / "experiments" / "e.yaml").write_text(_EXPERIMENT)
    (root / "drills" / "targets.yaml").write_text(_TARGETS % target)
    (root / "drills" / "d" / "drill.yaml").write_text(_DRILL % drill)
    return Catalogue(root)


def _drill(root: Path, **env: str) -> RunPlan:
    return compile_named(_repository(root, **env), "d")


@pytest.fixture(autouse=True)
def _shell(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "AWS_PROFILE": "staging",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIK7MDENG",
        "VAULT_ADDR": "https://vault.example.com",
        "VAULT_TOKEN": "s.tokentokentoken",
        "HTTPS_PROXY": "http://me:hunter22@proxy:3128",
        "TARGET_URL": "http://elsewhere",
        "GAMEDAY_RUN": "another",
        "GAMEDAY_TEST_OTHER": "x",
        "OTHER_URL": "x",
    }
    for name in [name for name in os.environ if name.startswith(("AWS_", "VAULT_")) or name.endswith(("_URL", "_RUN"))]:
        monkeypatch.delenv(name)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


def test_nothing_reaches_a_run_that_is_not_named(tmp_path: Path) -> None:
    plan = _drill(tmp_path)
    assert (dict(plan.passed), plan.passed_secrets) == ({}, ())


def test_those_of_the_target_and_of_the_drill_reach_it(tmp_path: Path) -> None:
    plan = _drill(tmp_path, target="[AWS_PROFILE, SSH_AUTH_SOCK]", drill='["VAULT_*"]')

    assert dict(plan.passed) == {"AWS_PROFILE": "staging", "VAULT_ADDR": "https://vault.example.com"}
    assert plan.passed_secrets == ("VAULT_TOKEN",)
    assert plan.secret_sources["VAULT_TOKEN"] == {}
    assert plan_from_json(plan_to_json(plan)) == plan


def test_an_experiment_alone_gets_those_of_the_target(tmp_path: Path) -> None:
    catalogue = _repository(tmp_path, target='["AWS_*"]', drill='["VAULT_*"]')
    plan = compile_named(catalogue, "e", target="local")

    assert dict(plan.passed) == {"AWS_PROFILE": "staging"}
    assert plan.passed_secrets == ("AWS_SECRET_ACCESS_KEY",)


def test_what_the_run_itself_sets_nobody_replaces(tmp_path: Path) -> None:
    assert set(_drill(tmp_path, drill='["*_URL", "*_RUN", "*_OTHER"]').passed) == {"OTHER_URL"}


def test_the_plan_shows_them_and_no_secret(tmp_path: Path) -> None:
    said = plan_text(_drill(tmp_path, drill='["AWS_*", HTTPS_PROXY, SSH_AUTH_SOCK, "NO_SUCH_*"]'), ())

    for line in ("AWS_PROFILE=staging", "AWS_SECRET_ACCESS_KEY, kept secret", "HTTPS_PROXY, kept secret"):
        assert f"env             {line}" in said
    assert "SSH_AUTH_SOCK, not set here" in said
    assert "NO_SUCH_*, not set here" in said
    assert "hunter22" not in said
    assert "wJalr" not in said


def test_another_value_is_another_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = _repository(tmp_path, drill="[AWS_PROFILE]")
    before = compile_named(catalogue, "d").plan_hash
    monkeypatch.setenv("AWS_PROFILE", "production")
    assert compile_named(catalogue, "d").plan_hash != before


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ('["*"]', "would let every variable through"),
        ('["__?*"]', "would let every variable through"),
        ("[AWS-PROFILE]", "'AWS-PROFILE' is not the name of a variable"),
        ('["9LIVES"]', "is not the name of a variable"),
        ('["A B"]', "is not the name of a variable"),
        ('["A=1"]', "is not the name of a variable"),
        ('[""]', "is not the name of a variable"),
        ("[TARGET_URL]", "one that Gameday itself sets"),
        ('["GAMEDAY_*"]', "one that Gameday itself sets"),
        ("[7]", "env"),
        ("{A: b}", "env"),
    ],
)
@pytest.mark.parametrize("where", ["drill", "target"])
def test_what_is_no_name_is_told_at_its_place(where: str, written: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as told:
        _drill(tmp_path, **{where: written})
    file, line = ("drill.yaml", 4) if where == "drill" else ("targets.yaml", 2)
    assert any(f"{file}:{line}:" in str(each) and says in str(each) for each in told.value.problems)


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("GITHUB_TOKEN", "ghp_aaaabbbbcccc", True),
        ("CLIENT_SECRET", "aaaabbbb", True),
        ("AWS_SECRET_ACCESS_KEY", "/aaaabbbbcccc", True),
        ("DATADOG_API_KEY", "aaaabbbb", True),
        ("PGPASSWORD", "aaaabbbb", True),
        ("MYSQL_PWD", "aaaabbbb", True),
        ("REDISCLI_AUTH", "aaaabbbb", True),
        ("AZURE_CREDENTIALS", '{"clientSecret": "aaaabbbb"}', True),
        ("DATABASE_URL", "postgres://app:aaaabbbb@db/shop", True),
        ("HTTPS_PROXY", "http://me:aaaabbbb@proxy:3128", True),
        ("GIT_REMOTE", "https://ghp_aaaabbbbccccdddd@git.example.com/x", True),
        ("CALLBACK", "https://example.com/hook?token=aaaabbbb", True),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer aaaabbbb", True),
        ("DEPLOY", "-----BEGIN OPENSSH PRIVATE KEY-----\naaaabbbb\n", True),
        ("SESSION", "eyJhbGciOi.eyJzdWIiOi.aaaabbbb", True),
        ("AWS_PROFILE", "staging", False),
        ("SSH_AUTH_SOCK", "/tmp/agent.1", False),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/x", False),
        ("VAULT_TOKEN_FILE", "/run/secrets/vault", False),
        ("PGPASSFILE", "/home/me/.pgpass", False),
        ("OAUTH_TOKEN_URL", "https://login.example.com", False),
        ("VAULT_ADDR", "https://vault.example.com", False),
        ("GIT_SSH", "ssh://git@git.example.com", False),
        ("MONKEY", "banana-banana", False),
        ("PWD", "/work/here", False),
        # No text could be kept free of these.
        ("FEATURE_KEY", "on", False),
        ("FEATURE_TOKEN", "true", False),
        ("EMPTY_TOKEN", "", False),
    ],
)
def test_what_looks_secret(name: str, value: str, secret: bool) -> None:
    assert looks_secret(name, value) == secret


def test_a_kept_one_leads_to_where_it_was_let_through(tmp_path: Path) -> None:
    plan = _drill(tmp_path, target='["VAULT_*"]', drill='["AWS_*"]')

    assert declared_at(plan, "VAULT_TOKEN") == ("drills/targets.yaml", ("targets", "local", "env"))
    assert declared_at(plan, "AWS_SECRET_ACCESS_KEY") == ("drills/d/drill.yaml", ("env",))


def test_none_may_lead_to_another_cluster() -> None:
    plan = plan_of(cluster(), env=("KUBE*",), passed={"KUBERNETES_SERVICE_HOST": "10.0.0.1"})
    refusals: list[Any] = [each for each in judge_plan(plan, attended=True) if "KUBERNETES_SERVICE_HOST" in each.what]
    assert [(each.rule, each.at) for each in refusals] == [("identity", ("env",))]


def test_a_target_without_any_is_as_before() -> None:
    assert Target(name="x", kind="local", environment="sandbox").env == LOCAL.env == ()


def test_recover_reads_kept_ones_again_and_names_those_that_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = _drill(tmp_path, drill='["VAULT_*", AWS_SECRET_ACCESS_KEY]')
    write(tmp_path / "run", [RunStarted(run="r", plan=plan_to_json(plan), attended=False)])
    monkeypatch.delenv("VAULT_TOKEN")
    told: list[str] = []

    found = recovery.secrets_again(tmp_path / "run", told.append)

    assert found == {"AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIK7MDENG"}
    (lack,) = told
    assert lack.startswith("secret VAULT_TOKEN: the environment variable VAULT_TOKEN is not set")
