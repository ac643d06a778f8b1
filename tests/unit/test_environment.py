"""What a run needs of its surroundings: named once, at its place, before anything else; what controls may fill."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from guard_samples import FILE, LOCAL, STAGING, command, plan_of

from runner.engine import events as ev
from runner.engine.apply import apply
from runner.engine.plan_json import plan_to_json
from runner.engine.rules.ending import troubles
from runner.engine.state import State
from runner.engine.wording import broken_control
from runner.errors import InputError
from runner.guard.call_check import judge_action, unresolved
from runner.guard.policies import judge_plan
from runner.guard.remarks import look_over
from runner.guard.secrets import lacking_secrets
from runner.specs.catalogue import Catalogue
from runner.specs.experiment import read_experiment
from runner.specs.yaml import parse

NOWHERE = "GAMEDAY_TEST_NOWHERE"


def _entry(**more: Any) -> dict[str, Any]:
    return {"type": "env", "key": NOWHERE, **more}


def _configured(entry: Any, **changes: Any) -> Any:
    return plan_of(LOCAL, command("touch", "${where}"), document={"configuration": {"where": entry}}, **changes)


def test_a_variable_that_is_not_set_is_named_first_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NOWHERE, raising=False)
    twice = {"configuration": {"where": _entry(), "again": _entry()}}
    refusals = judge_plan(plan_of(STAGING, command("no-such-command"), document=twice), attended=True)

    assert f"the environment variable {NOWHERE} is not set" in refusals[0].what
    assert (refusals[0].rule, refusals[0].where) == ("environment", FILE)
    assert refusals[0].at == ("configuration", "where", "key")
    assert [each.rule for each in refusals].count("environment") == 1


@pytest.mark.parametrize(
    ("entry", "value", "refused"),
    [
        (_entry(), "x", False),
        (_entry(), "", False),
        (_entry(default=None), None, False),
        (_entry(env_var_type="int"), "7", False),
        (_entry(env_var_type="int"), "seven", True),
        (_entry(env_var_type="float"), "1e3", False),
        (_entry(env_var_type="number"), "", True),
        (_entry(env_var_type="json"), "{", True),
        (_entry(env_var_type="bool"), "whatever", False),
        ({"type": "env", "key": "TARGET_PROXY"}, None, False),
        ({"type": "probe", "provider": command("true")}, None, False),
        ("written down", None, False),
    ],
)
def test_whether_a_variable_can_be_used(
    entry: Any, value: str | None, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(NOWHERE, raising=False)
    if value is not None:
        monkeypatch.setenv(NOWHERE, value)

    rules = [each.rule for each in judge_plan(_configured(entry), attended=True)]

    assert ("environment" in rules) == refused


def test_a_variable_that_is_a_secret_of_the_drill_comes_from_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NOWHERE, raising=False)
    plan = _configured(_entry(), secrets=(NOWHERE,), secret_sources={NOWHERE: {"command": "echo it"}})

    assert "environment" not in [each.rule for each in judge_plan(plan, attended=True)]


def test_a_secret_in_vault_needs_what_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.guard.missing_environment.PathFinder.find_spec", lambda name: None)
    secrets = {"secrets": {"shop": {"token": {"type": "vault", "path": "shop"}}}}

    (refusal,) = [
        each for each in judge_plan(plan_of(LOCAL, document=secrets), attended=True) if each.rule == "environment"
    ]

    assert "'hvac'" in refusal.what
    assert refusal.at == ("secrets", "shop", "token")


def test_secrets_that_are_not_there_lead_to_where_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(NOWHERE, raising=False)
    document = {"secrets": {"shop": {"token": {"type": "env", "key": NOWHERE}}}}
    sources = {NOWHERE: {}, "FILED": {"file": "no/such"}, "ASKED": {"command": "false"}}
    plan = plan_of(LOCAL, document=document, secrets=(NOWHERE, "FILED", "ASKED"), secret_sources=sources)

    own, filed = lacking_secrets(plan, tmp_path)

    assert (own.where, own.at) == (FILE, ("secrets", "shop", "token", "key"))
    assert (filed.where, filed.at) == ("drills/d/drill.yaml", ("secrets",))
    assert "no/such" in filed.what


# -- what controls may fill --------------------------------------------------------------------------------------------

_CONTROL = "controls: [{name: c, provider: {type: python, module: fill}}]"
_FILLED = """\
title: t
description: d
%s
method:
  - {type: action, name: a%s, provider: {type: process, path: touch, arguments: ["${where}"]}}
"""


@pytest.mark.parametrize(("whole", "one"), [(_CONTROL, ""), ("", f", {_CONTROL}")])
def test_what_a_control_may_fill_is_a_remark(whole: str, one: str) -> None:
    experiment, notes = read_experiment(parse((_FILLED % (whole, one)).encode(), "e.yaml"))

    assert not notes
    assert experiment is not None
    assert "nothing but a control can give ${where} a value" in experiment.warnings[0]
    assert experiment.warnings[0].startswith("e.yaml:5:")


def test_without_controls_it_is_an_error_at_its_place() -> None:
    experiment, notes = read_experiment(parse((_FILLED % ("", "")).encode(), "e.yaml"))

    assert experiment is None
    assert [problem.what for problem in notes.problems()] == ["nothing defines ${where}"]


@pytest.mark.parametrize(
    ("name", "controlled", "refused"),
    [("made", True, False), ("made", False, True), ("target.nothing", True, True)],
)
def test_an_undone_when_may_ask_for_what_a_control_fills(
    name: str, controlled: bool, refused: bool, tmp_path: Path
) -> None:
    (tmp_path / "experiments").mkdir()
    check = f'{{provider: {{type: process, path: test, arguments: ["!", "-e", "${{{name}}}"]}}, tolerance: 0}}'
    text = f"title: t\ndescription: d\nmethod: []\nextensions: [{{name: gameday, undone-when: [{check}]}}]\n"
    (tmp_path / "experiments" / "e.yaml").write_text(text + (f"{_CONTROL}\n" if controlled else ""))

    with pytest.raises(InputError, match="nothing defines") if refused else nullcontext():
        Catalogue(tmp_path).load_experiment("e", target="local")


@pytest.mark.parametrize(
    ("configuration", "undo", "controls", "refused"),
    [
        ({}, "rm", False, True),
        ({"where": "/x"}, "rm", False, False),
        ({"where": "/x"}, "${made}", False, True),
        ({"where": "/x"}, "${made}", True, False),
        ({"where": "/x"}, "${token}", False, False),
        ({"where": "/x"}, "${TARGET_URL}", False, False),
    ],
)
def test_what_nothing_has_filled_is_refused_at_the_gate(
    configuration: dict[str, str], undo: str, controls: bool, refused: bool
) -> None:
    control = [{"name": "c", "provider": {"type": "python", "module": "json"}}]
    document = {"secrets": {"g": {"token": "t"}}, "controls": control if controls else []}
    plan = plan_of(LOCAL, command("touch", "${where}"), rollbacks=[command("rm", undo)], document=document)
    provider = command("touch", configuration.get("where", "${where}"))

    refusals = judge_action(plan, "e", provider, index=0, name="break it", configuration=configuration)

    assert ([each.rule for each in refusals] == ["configuration"]) == refused


def test_a_text_that_only_looks_like_a_name_is_no_reason() -> None:
    plan = plan_of(LOCAL, command("echo", "$${HOME}"))
    assert not judge_action(plan, "e", command("echo", "${HOME}"), index=0, name="break it", configuration={})


def test_of_what_has_no_value_only_what_is_used_counts() -> None:
    plan = plan_of(LOCAL, command("touch", "${where}"))
    assert unresolved(plan.experiments[0].document, ("where", "nobody-asks")) == ("where",)


# -- a control that broke ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stops", [True, False])
def test_a_control_that_stands_before_something_refuses_the_run(stops: bool) -> None:
    plan = plan_of(LOCAL, command("touch", "x"))
    broke = ev.ControlBroke(experiment="e", control="ask", when="before activity", activity="a", why="no", stops=stops)
    state = State.empty()
    for event in (ev.RunStarted(run="r", plan=plan_to_json(plan), attended=False), broke):
        state = apply(state, ev.Recorded(1, "", 0.0, "x", event))

    assert broken_control(broke) == "control 'ask' broke before activity 'a': no"
    assert bool(troubles(state)) == stops


# -- remarks of check --------------------------------------------------------------------------------------------------

_ASKS = """\
title: t
description: d
configuration: {where: {type: env, key: %s}}
method: []
"""


def _remarks(root: Path) -> tuple[str, ...]:
    catalogue = Catalogue(root)
    return look_over(catalogue, catalogue.readable()).remarks


def test_check_remarks_what_this_machine_has_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NOWHERE, raising=False)
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "e.yaml").write_text(_ASKS % NOWHERE)

    (remark,) = _remarks(tmp_path)

    assert remark.startswith(f"experiments/e.yaml:3:41: configuration where: the environment variable {NOWHERE}")


def test_what_a_drill_gives_its_experiment_is_not_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NOWHERE, raising=False)
    for folder in ("experiments", "drills/d"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "experiments" / "e.yaml").write_text(_ASKS % NOWHERE)
    drill = (
        f"name: d\ntarget: sandbox\nexperiments: [{{experiment: e}}]\nsecrets: {{{NOWHERE}: {{command: echo it}}}}\n"
    )
    (tmp_path / "drills" / "d" / "drill.yaml").write_text(drill)

    assert _remarks(tmp_path) == ()
