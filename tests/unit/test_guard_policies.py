"""The guard: what must hold before a fault may happen, in the plan and again at the gate; and where secrets come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.engine.plan import Ask, Experiment, Load, RunPlan, Step, Target
from runner.errors import InputError
from runner.guard.call_check import judge_action
from runner.guard.hosts import allowed_hosts, host_refused
from runner.guard.policies import judge_plan
from runner.guard.refusal import Refusal, placed
from runner.guard.secret_exposure import judge_exposed
from runner.guard.secrets import resolve_secrets
from runner.planning.secret_values import unfit
from runner.testing import sample_plan

_STAGING = Target(name="stage", kind="http", environment="staging", url="https://shop.stage.example.com")
_PRODUCTION = Target(name="shop", kind="http", environment="production", url="https://shop.example.com")


def _experiment(provider: Mapping[str, Any], *, rollbacks: int = 1, no_undo: str = "") -> Experiment:
    action = {"type": "action", "name": "break it", "provider": dict(provider)}
    return Experiment(
        slug="errors",
        file="experiments/errors.yaml",
        document={"method": [action], "rollbacks": []},
        document_hash="",
        actions=1,
        rollbacks=rollbacks,
        no_undo=no_undo,
    )


_HARMLESS = _experiment({"type": "process", "path": "true"})
_SEEN = _experiment({"type": "http", "url": "https://shop.example.com/kill"})


def _plan(target: Target = _STAGING, experiment: Experiment = _HARMLESS, **more: Any) -> RunPlan:
    changes: dict[str, Any] = {"file": "drills/outage/drill.yaml", "load": None, **more}
    return sample_plan(target=target, experiments=(experiment,), **changes)


def _judged(plan: RunPlan, *, attended: bool = True, **more: Any) -> list[str]:
    return [refusal.rule for refusal in judge_plan(plan, attended=attended, **more)]


def _said(plan: RunPlan, **more: Any) -> str:
    return "\n".join(str(refusal) for refusal in judge_plan(plan, attended=more.pop("attended", True), **more))


def test_a_refusal_names_place_reason_cure_and_rule() -> None:
    refusal = Refusal(rule="hosts", what="it is elsewhere", where="a.yaml", cure="allow it")
    assert str(refusal) == "a.yaml: it is elsewhere; allow it [hosts]"


def test_nothing_is_said_against_a_harmless_plan() -> None:
    assert _judged(_plan()) == []


# -- production --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allow", "attended", "consent", "words"),
    [
        (False, True, "shop", "allow-production: true"),
        (True, False, "shop", "never unattended"),
        (True, True, "", "--consent shop"),
        (True, True, "Shop", "--consent shop"),
    ],
)
def test_production_takes_the_drill_people_and_the_typed_name(
    allow: bool, attended: bool, consent: str, words: str
) -> None:
    plan = _plan(_PRODUCTION, allow_production=allow)
    assert words in _said(plan, attended=attended, consent=consent)


def test_production_with_all_three_is_allowed() -> None:
    assert _judged(_plan(_PRODUCTION, _SEEN, allow_production=True), consent="shop") == []


def test_an_experiment_alone_never_runs_on_production() -> None:
    plan = _plan(_PRODUCTION, _SEEN, allow_production=True, bare=True)
    assert "where no experiment runs alone" in _said(plan, consent="shop")


def test_a_refusal_of_production_leads_to_where_the_target_says_so() -> None:
    (refusal,) = judge_plan(_plan(replace(_PRODUCTION, file="drills/targets.yaml"), _SEEN), attended=True)
    assert (refusal.where, refusal.at) == ("drills/targets.yaml", ("targets", "shop", "environment"))


def test_what_the_guard_cannot_see_into_is_named_on_production() -> None:
    process = _experiment({"type": "process", "path": "rm", "arguments": ["-rf", "/srv"]})
    (refusal,) = judge_plan(_plan(_PRODUCTION, process, allow_production=True), attended=True, consent="shop")
    assert refusal.what == "the guard cannot see into break it: rm -rf /srv"
    assert (refusal.where, refusal.at) == ("experiments/errors.yaml", ("method", 0))
    for name in ("break it: rm -rf /srv", "break it"):
        named = Target(name="shop", kind="http", environment="production", allow={"allow-opaque": [name]})
        assert _judged(_plan(named, process, allow_production=True), consent="shop") == []
    assert _judged(_plan(experiment=process)) == []


def test_a_control_is_opaque_wherever_it_stands() -> None:
    control = {"name": "watch", "provider": {"type": "python", "module": "own.control"}}
    probe = {"type": "probe", "name": "p", "provider": {"type": "http", "url": "https://shop.example.com"}}
    document = {
        "controls": [control],
        "steady-state-hypothesis": {"title": "h", "controls": [control], "probes": [{**probe, "controls": [control]}]},
        "method": [{**probe, "controls": [control]}],
        "rollbacks": [{**probe, "type": "action", "controls": [control]}],
    }
    experiment = replace(_HARMLESS, document=document, actions=0)
    plan = _plan(_PRODUCTION, experiment, allow_production=True)
    refusals = judge_plan(plan, attended=True, consent="shop")
    assert [each.at for each in refusals if "watch: control own.control" in each.what] == [
        ("controls", 0),
        ("steady-state-hypothesis", "controls", 0),
        ("steady-state-hypothesis", "probes", 0, "controls", 0),
        ("method", 0, "controls", 0),
        ("rollbacks", 0, "controls", 0),
    ]


def test_the_locustfile_is_opaque_too() -> None:
    load = Load(locustfile="drills/outage/l.py", host="https://shop.example.com")
    plan = _plan(_PRODUCTION, _SEEN, allow_production=True, load=load)
    assert "the guard cannot see into load: drills/outage/l.py" in _said(plan, consent="shop")


# -- undo --------------------------------------------------------------------------------------------------------------


def test_a_fault_that_nothing_undoes_is_for_sandboxes() -> None:
    lasting = _experiment({"type": "process", "path": "true"}, rollbacks=0)
    (refusal,) = judge_plan(_plan(experiment=lasting), attended=True)
    assert (refusal.rule, refusal.where, refusal.at) == ("undo", "experiments/errors.yaml", ("method", 0))
    healing = _experiment({"type": "process", "path": "true"}, rollbacks=0, no_undo="It heals.")
    assert _judged(_plan(experiment=healing)) == []


@pytest.mark.parametrize("kind", ["local", "http", "kubernetes", "sandbox"])
def test_only_what_is_thrown_away_takes_its_faults_along(kind: str) -> None:
    """Whatever its environment is called."""
    target = Target(name="t", kind=kind, environment="sandbox", url="http://127.0.0.1:1")
    lasting = _experiment({"type": "process", "path": "true"}, rollbacks=0)
    rules = [refusal.rule for refusal in judge_plan(_plan(target, lasting), attended=True)]
    assert ("undo" in rules) is (kind != "sandbox")


# -- people ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "needs"),
    [
        (Step(id="a", name="A", ask=(Ask(name="X", prompt="?"),)), "`ask`"),
        (Step(id="a", name="A", approve="boss"), "`approve`"),
        (Step(id="a", name="A", choose={"x": "a"}), "`choose`"),
    ],
)
def test_what_only_people_can_answer_needs_people_or_a_script(step: Step, needs: str) -> None:
    plan = _plan(steps=(step,), runbook_file="runbooks/r.yaml")
    (refusal,) = judge_plan(plan, attended=False)
    assert (refusal.where, refusal.at) == ("runbooks/r.yaml", ("steps", 0, needs.strip("`")))
    assert f"step a has {needs}" in refusal.what
    assert _judged(plan, attended=True) == []
    assert _judged(plan, attended=False, scripted=("a",)) == []


def test_a_confirmation_goes_ahead_without_people() -> None:
    assert _judged(_plan(steps=(Step(id="a", name="A", confirm="Really?"),)), attended=False) == []


def test_a_question_with_a_default_needs_nobody() -> None:
    ask = Ask(name="X", prompt="?", default="eu")
    assert _judged(_plan(steps=(Step(id="a", name="A", ask=(ask,)),)), attended=False) == []
    both = Step(id="a", name="A", ask=(ask, Ask(name="Y", prompt="?")))
    assert _judged(_plan(steps=(both,)), attended=False) == ["people"]


# -- hosts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://shop.stage.example.com/x", True),
        ("https://SHOP.stage.example.com:8443/x", True),
        ("https://shop.example.com/x", False),
        ("https://shop.stage.example.com.evil.example/x", False),
        ("https://shop.stage.example.com@evil.example/x", False),
        ("http://[::1", False),
        ("not an address", False),
        ("", False),
    ],
)
def test_a_host_is_judged_by_its_name_alone(url: str, allowed: bool) -> None:
    assert (host_refused(_plan(), url) == "") is allowed


def test_declared_hosts_replace_the_targets_own() -> None:
    target = Target(
        name="stage", kind="http", environment="staging", url="https://a.example.com", allow={"hosts": ["*.b.example"]}
    )
    assert allowed_hosts(_plan(target)) == ("*.b.example",)
    assert host_refused(_plan(target), "https://x.b.example") == ""
    assert "'a.example.com' is not among" in host_refused(_plan(target), "https://a.example.com")


def test_the_targets_own_addresses_count() -> None:
    target = Target(
        name="stage",
        kind="http",
        environment="staging",
        url="https://a.example.com",
        vars={"proxy": "http://p.example.com:8474", "word": "hello"},
    )
    assert allowed_hosts(_plan(target)) == ("a.example.com", "p.example.com")


@pytest.mark.parametrize("kind", ["sandbox", "local"])
def test_a_sandbox_is_this_machine(kind: Any) -> None:
    target = Target(name="x", kind=kind, environment="sandbox", allow={"hosts": ["*"]})
    for host in ("127.0.0.1", "localhost", "[::1]"):
        assert host_refused(_plan(target), f"http://{host}:80/") == ""
    assert host_refused(_plan(target), "https://shop.example.com") != ""


def test_what_the_load_is_told_by_its_environment_is_held_to_the_hosts_too() -> None:
    env = {"UPSTREAM": "prod-db", "NEXT": "http://shop.example.com/", "OWN": "https://shop.stage.example.com"}
    load = Load(locustfile="l.py", host="https://shop.stage.example.com", env={**env, "AT": "${target.url}"})
    refusals = judge_plan(_plan(load=load), attended=True)
    assert [(each.rule, each.at) for each in refusals] == [
        ("hosts", ("load", "env", "UPSTREAM")),
        ("hosts", ("load", "env", "NEXT")),
    ]
    assert "the load's UPSTREAM: 'prod-db' is not among" in str(refusals[0])


def test_actions_and_load_are_held_to_the_hosts_in_the_plan() -> None:
    away = _experiment({"type": "http", "url": "https://shop.example.com/kill"})
    assert "break it: 'shop.example.com' is not among" in _said(_plan(experiment=away))
    load = Load(locustfile="l.py", host="https://shop.example.com")
    assert "the load's host: 'shop.example.com' is not among" in _said(_plan(load=load))
    # What is not known yet is judged at the gate.
    later = _experiment({"type": "http", "url": "${base}/kill"})
    assert _judged(_plan(experiment=later)) == []


# -- tools -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        ({"type": "process", "path": "no-such-tool-here"}, "the command 'no-such-tool-here' is not on this machine"),
        ({"type": "process", "path": "/no/such/tool"}, "'/no/such/tool'"),
        ({"type": "process", "path": "~/no-such-tool"}, "'~/no-such-tool'"),
        ({"type": "python", "module": "no_such_module.x", "func": "f"}, "no Python module 'no_such_module.x'"),
    ],
)
def test_what_is_not_installed_is_missed_beforehand(provider: Mapping[str, Any], words: str) -> None:
    said = _said(_plan(experiment=_experiment(provider)))
    assert words in said
    assert said.startswith("experiments/errors.yaml: break it: ")


@pytest.mark.parametrize(
    "provider",
    [
        {"type": "process", "path": "sh"},
        {"type": "process", "path": "${tool}"},
        {"type": "python", "module": "os.path", "func": "join"},
        {"type": "python", "module": "${module}", "func": "f"},
    ],
)
def test_what_is_there_or_not_known_yet_is_not_missed(provider: Mapping[str, Any]) -> None:
    assert _judged(_plan(experiment=_experiment(provider))) == []


def test_every_reason_is_given_at_once() -> None:
    worst = _experiment({"type": "http", "url": "https://elsewhere.example.com"}, rollbacks=0)
    rules = _judged(_plan(_PRODUCTION, worst, steps=(Step(id="a", name="A", approve="boss"),)), attended=False)
    assert rules == ["production", "undo", "people", "hosts"]


# -- the gate ----------------------------------------------------------------------------------------------------------


def _at_the_gate(plan: RunPlan, provider: Mapping[str, Any], **more: Any) -> str:
    return "\n".join(str(refusal) for refusal in judge_action(plan, "errors", provider, **more))


def test_the_gate_judges_the_resolved_address() -> None:
    assert _at_the_gate(_plan(), {"type": "http", "url": "https://shop.stage.example.com/kill"}) == ""
    assert "elsewhere.example.com" in _at_the_gate(_plan(), {"type": "http", "url": "https://elsewhere.example.com"})
    assert _at_the_gate(_plan(), {"type": "http"}) != ""
    # Nothing is left to be resolved: what still looks like a placeholder is a text.
    assert _at_the_gate(_plan(), {"type": "http", "url": "${base}/kill"}) != ""


def test_the_gate_judges_what_would_undo_it_as_well() -> None:
    undo = {"type": "action", "name": "mend it", "provider": {"type": "http", "url": "${base}/mend"}}
    experiment = _experiment({"type": "http", "url": "${base}/kill"})
    experiment = replace(experiment, document={**experiment.document, "rollbacks": [undo]})
    action = {"type": "http", "url": "https://shop.stage.example.com/kill"}
    for base, words in (
        ("https://shop.stage.example.com", ""),
        ("https://shop.example.com", "mend it: 'shop.example.com'"),
    ):
        assert words in _at_the_gate(_plan(experiment=experiment), action, configuration={"base": base})
    assert (
        _at_the_gate(_plan(experiment=experiment), action, configuration={"base": "https://shop.stage.example.com"})
        == ""
    )


def test_the_gate_says_where_the_action_stands() -> None:
    (refusal,) = judge_action(
        _plan(), "errors", {"type": "http", "url": "https://x.example.com"}, index=0, name="break it"
    )
    assert (refusal.where, refusal.at) == ("experiments/errors.yaml", ("method", 0, "provider", "url"))
    (found,) = placed([refusal], lambda file, at: f"{file}:{len(at)}:7")
    assert str(found).startswith("experiments/errors.yaml:4:7: break it: 'x.example.com' is not among the hosts")


def test_a_secret_that_reached_an_argument_is_turned_back_at_the_gate() -> None:
    masked = {"type": "process", "path": "sh", "arguments": ["-c", "echo [redacted]"]}
    assert "[secrets]" in _at_the_gate(_plan(), masked)


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_a_secret_comes_from_the_environment_a_file_or_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_ENV", "value one")
    (tmp_path / "two").write_text("value two\n")
    sources = {"FROM_ENV": {}, "FROM_FILE": {"file": "two"}, "FROM_COMMAND": {"command": "pwd >&2; echo value three"}}
    assert resolve_secrets(sources, tmp_path) == {
        "FROM_ENV": "value one",
        "FROM_FILE": "value two",
        "FROM_COMMAND": "value three",
    }


def test_a_command_that_leaves_somebody_with_its_output_open_is_not_waited_for(tmp_path: Path) -> None:
    sources = {"S": {"command": "sleep 60 & echo open-sesame"}}
    assert resolve_secrets(sources, tmp_path) == {"S": "open-sesame"}


def test_a_command_without_end_is_cut_off(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="more than 65,536 bytes"):
        resolve_secrets({"S": {"command": "yes"}}, tmp_path)


@pytest.mark.parametrize("value", ["abc", "a\0bcd", "succeeded", "fault-undone", "warm-up"])
def test_what_cannot_be_kept_secret_is_refused(value: str) -> None:
    assert unfit(value)


def test_a_secret_that_a_file_says_in_plain_is_refused_at_its_line() -> None:
    plan = _plan()
    (refusal,) = judge_exposed(plan, {"TOKEN": plan.experiments[0].slug, "OTHER": "open-sesame"})
    assert (refusal.rule, "TOKEN" in refusal.what) == ("secrets", True)
    assert plan.experiments[0].slug not in str(refusal)


def test_every_secret_that_lacks_is_named_and_no_value_of_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LACKING", raising=False)
    monkeypatch.setenv("EMPTY", "")
    (tmp_path / "binary").write_bytes(b"open-sesame\xff")
    sources = {
        "LACKING": {},
        "EMPTY": {},
        "NO_FILE": {"file": "nowhere"},
        "BINARY": {"file": "binary"},
        "FAILS": {"command": "echo open-sesame; exit 3"},
    }
    with pytest.raises(InputError) as caught:
        resolve_secrets(sources, tmp_path, where=lambda _: "drills/a/drill.yaml")
    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["drills/a/drill.yaml"] * 5
    assert [name for name in sources if f"secret {name}: " in str(caught.value)] == list(sources)
    assert "set it, or declare" in lines[0]
    assert "exit code 3" in lines[4]
    assert "open-sesame" not in str(caught.value)
