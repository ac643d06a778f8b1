"""What is given beside the files: --var, --var-file and Chaos Toolkit's settings, each mistake at its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from guard_samples import LOCAL, STAGING, plan_of

from runner.engine.plan import RunPlan, Target
from runner.errors import InputError
from runner.guard.policies import judge_plan
from runner.guard.secret_exposure import declared_at
from runner.guard.secrets import lacking_secrets, resolve_secrets
from runner.planning.compile import compile_named
from runner.planning.passed_variables import secrets_of
from runner.specs.catalogue import Catalogue
from runner.specs.overrides import Beside, read_beside
from runner.specs.settings import read_settings
from runner.specs.variables import read_variables
from runner.views.plan_text import plan_text

_EXPERIMENT = """\
title: t
description: d
configuration: {where: /tmp/a, count: 1, region: {type: env, key: GAMEDAY_TEST_NOWHERE}}
secrets: {api: {token: {type: env, key: GAMEDAY_TEST_NOWHERE}, user: plain}}
method:
  - {type: action, name: a, provider: {type: process, path: touch, arguments: ["${where}", "${count}", "${region}"]}}
rollbacks:
  - {type: action, name: b, provider: {type: process, path: rm, arguments: ["-f", "${where}"]}}
"""


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GAMEDAY_TEST_NOWHERE", raising=False)


def _written(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def _compiled(root: Path, beside: Beside, experiment: str = _EXPERIMENT) -> RunPlan:
    return compile_named(_catalogue(root, beside, experiment), "e", target="local")


def _catalogue(root: Path, beside: Beside, experiment: str = _EXPERIMENT) -> Catalogue:
    (root / "experiments").mkdir(exist_ok=True)
    (root / "experiments" / "e.yaml").write_text(experiment)
    return Catalogue(root, beside)


# -- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("a=b", "a", "b"),
        ("a=", "a", ""),
        ("a=b=c", "a", "b=c"),
        ("a=http://x:1/", "a", "http://x:1/"),
        ("a:str=1", "a", "1"),
        ("a:int=1", "a", 1),
        ("a:integer=1", "a", 1),
        ("a:float=1.5", "a", 1.5),
        ("a:number=2", "a", 2.0),
        ("a:bool=no", "a", False),
        ("a:bool=yes", "a", True),
        ('a:json={"x": [1]}', "a", {"x": [1]}),
        ("ns:a:int=1", "ns:a", 1),
    ],
)
def test_a_value_has_its_type(text: str, name: str, value: Any) -> None:
    assert read_variables([text], []).configuration[name].value == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a", "--var a: is not a name and a value"),
        ("=b", "--var =b: is not a name and a value"),
        (":int=1", "--var :int: is not a name and a value"),
        ("a:integr=1", "--var a:integr: there is no type 'integr'; did you mean 'integer'?"),
        ("a:int=one", "--var a:int: 'one' is no value of the type int"),
        ("a:json={", "--var a:json: '{' is no value of the type json"),
        ("a:float=nan", "--var a:float: 'nan' is no value of the type float"),
        ("a:number=-inf", "--var a:number: '-inf' is no value of the type number"),
        ("a:float=1e999", "--var a:float: '1e999' is no value of the type float"),
        ("a:json=NaN", "--var a:json: 'NaN' is no value of the type json"),
        ("a:json=[1e999]", "--var a:json: '[1e999]' is no value of the type json"),
        (f"a:json={'[' * 5000}{']' * 5000}", "--var a:json: '[[["),
        ("a:bytes=x", "--var a:bytes: bytes cannot be written down"),
    ],
)
def test_what_is_no_value_is_told_with_its_option(text: str, says: str) -> None:
    with pytest.raises(InputError) as told:
        read_variables([text], [])
    assert str(told.value).startswith(says)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("v.yaml", "configuraton: {}\n", ":1:1: unknown key 'configuraton'; did you mean 'configuration'?"),
        ("v.yaml", "configuration: [a]\n", ":1:16: configuration: a list stands where a mapping is meant"),
        ("v.yaml", "secrets: {api: abc}\n", ":1:16: api: 'abc' stands where a mapping is meant"),
        ("v.yaml", "configuration: {a: yes}\n", ":1:20:"),
        ("v.yaml", "configuration: {a: 1\n", ":2:1:"),
        ("v.yml", "- a\n", ":1:1:"),
        ("v.json", '{"configuration": }', ":1:19: is not JSON"),
        ("v.env", "A=1\nB\n", ":2:1: is not a variable and its value"),
        ("v.env", "9=1\n", ":1:1: is not a variable and its value"),
        ("v.env", "TARGET_URL=x\n", ":1:1: TARGET_URL is one that Gameday itself sets"),
        ("v.vars", "\0", ":1:1: is not a variable and its value"),
    ],
)
def test_a_wrong_file_is_told_at_its_place(name: str, text: str, says: str, tmp_path: Path) -> None:
    path = _written(tmp_path, name, text)
    with pytest.raises(InputError) as told:
        read_variables([], [path])
    assert str(told.value).startswith(path + says), told.value


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.yaml: there is no such file"):
        read_variables([], [str(tmp_path / "no.yaml")])


def test_a_file_of_lines_gives_variables(tmp_path: Path) -> None:
    path = _written(tmp_path, ".env", "# remark\n\nA=1=2\n export B=x y\n")
    assert read_variables([], [path]).environment == {"A": "1=2", "B": "x y"}


def test_what_is_typed_counts_before_files_and_later_files_before_earlier_ones(tmp_path: Path) -> None:
    first = _written(tmp_path, "1.yaml", "configuration: {where: /1, count: 10, unknown: 1}\n")
    second = _written(tmp_path, "2.json", '{"configuration": {"count": 20}}')
    plan = _compiled(tmp_path, read_beside(["region=eu", "where=/typed"], [first, second]))

    configuration = plan.experiments[0].document["configuration"]
    assert configuration == {"where": "/typed", "count": 20, "region": "eu"}
    assert "touch /typed 20 eu" in plan_text(plan, ())
    assert plan.plan_hash != _compiled(tmp_path, read_beside(["region=eu"])).plan_hash


def test_what_nothing_declares_is_told_when_it_was_typed(tmp_path: Path) -> None:
    with pytest.raises(InputError) as told:
        _compiled(tmp_path, read_beside(["wher=/x", "region=eu"]))
    assert str(told.value) == "--var wher: no configuration is called 'wher'; did you mean 'where'?"


def test_what_is_wrong_with_a_given_value_is_told_where_it_was_given(tmp_path: Path) -> None:
    path = _written(tmp_path, "v.yaml", "configuration:\n  where: {type: env, kye: X}\n")
    with pytest.raises(InputError) as told:
        _compiled(tmp_path, read_beside(["region=eu"], [path]))
    assert f"{path}:2:10: unknown key 'kye'" in str(told.value)


def test_all_experiments_of_a_drill_get_what_they_declare(tmp_path: Path) -> None:
    catalogue = _catalogue(tmp_path, read_beside(["region=eu", "where=/x"]))
    (tmp_path / "drills" / "d").mkdir(parents=True)
    drill = "name: d\ntarget: sandbox\nexperiments: [{experiment: e}]\nsecrets: [GAMEDAY_TEST_NOWHERE]\n"
    (tmp_path / "drills" / "d" / "drill.yaml").write_text(drill)

    assert compile_named(catalogue, "d").experiments[0].document["configuration"]["where"] == "/x"


# -- secrets of a file -------------------------------------------------------------------------------------------------


def test_a_secret_stays_in_its_file(tmp_path: Path) -> None:
    path = _written(tmp_path, "v.yaml", "secrets: {api: {token: tokentoken, user: userusers}}\n")
    plan = _compiled(tmp_path, read_beside(["region=eu"], [path]))

    assert "tokentoken" not in str(plan)
    document = plan.experiments[0].document
    assert document["secrets"]["api"]["token"] == {"type": "env", "key": "CHAOS_SECRET_API_TOKEN"}
    assert resolve_secrets(plan.secret_sources, tmp_path) == {
        "CHAOS_SECRET_API_TOKEN": "tokentoken",
        "CHAOS_SECRET_API_USER": "userusers",
    }
    assert lacking_secrets(plan, tmp_path) == ()
    assert declared_at(plan, "CHAOS_SECRET_API_TOKEN")[1] == ("secrets", "api", "token", "key")


def test_a_secret_that_is_gone_from_its_file_is_named(tmp_path: Path) -> None:
    path = _written(tmp_path, "v.yaml", "secrets: {api: {token: tokentoken}}\n")
    plan = _compiled(tmp_path, read_beside(["region=eu"], [path]))
    Path(path).write_text("secrets: {}\n")

    (lacking,) = lacking_secrets(plan, tmp_path)
    assert "holds no secret api/token" in lacking.what


def test_an_entry_of_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    path = _written(tmp_path, "v.yaml", "secrets: {api: {token: {type: env, key: OTHER}}, unknown: {a: b}}\n")
    plan = _compiled(tmp_path, read_beside(["region=eu"], [path]))
    assert (dict(plan.secret_sources), plan.secrets) == ({"OTHER": {}}, ("OTHER",))


# -- settings ----------------------------------------------------------------------------------------------------------

_SETTINGS = """\
controls:
  watch: {provider: {type: python, module: %s, arguments: {token: controltoken}}}
auths: {"example.com": {type: bearer, value: authvalue}}
notifications: [{type: http, url: "http://x"}]
"""


def _with_settings(folder: Path, module: str = "json", experiment: str = _EXPERIMENT) -> RunPlan:
    settings = _written(folder, "s.yaml", _SETTINGS % module)
    return _compiled(folder, read_beside(["region=eu"], [], settings), experiment)


def test_the_plan_shows_global_controls_and_no_secret_of_the_settings(tmp_path: Path) -> None:
    plan = _with_settings(tmp_path)
    said = plan_text(plan, ())

    assert dict(plan.global_controls) == {"watch": "json"}
    assert "watch: json, around every experiment" in said
    assert "  watch: control json" in said
    assert "notifications are for `chaos run`" in said
    assert "controltoken" not in str(plan)
    assert sorted(secrets_of(read_settings(plan.settings).value)) == ["authvalue", "controltoken"]
    assert plan.plan_hash != _compiled(tmp_path, read_beside(["region=eu"])).plan_hash


def test_a_global_control_that_cannot_be_there_is_refused_at_its_place(tmp_path: Path) -> None:
    plan = _with_settings(tmp_path, "not_installed_here")
    (refusal,) = [each for each in judge_plan(plan, attended=True) if each.rule == "tools"]
    assert "control watch: there is no Python module 'not_installed_here'" in refusal.what
    catalogue = Catalogue(tmp_path, Beside(settings=read_settings(plan.settings)))
    assert catalogue.where(refusal.where, refusal.at) == f"{plan.settings}:2:44"


def test_a_global_control_may_fill_what_nothing_defines(tmp_path: Path) -> None:
    unfilled = _EXPERIMENT.replace('"${count}"', '"${filled}"')
    assert any("${filled}" in warning for warning in _with_settings(tmp_path, experiment=unfilled).warnings)
    with pytest.raises(InputError, match="nothing defines"):
        _compiled(tmp_path, read_beside(["region=eu"], []), unfilled)


def test_on_production_global_controls_are_opaque() -> None:
    production = Target(name="shop", kind="http", environment="production", url="https://shop.example.com")
    plan = replace(plan_of(STAGING), target=production, allow_production=True, settings="s", global_controls={"w": "m"})
    assert any("w: control m" in each.what for each in judge_plan(plan, attended=True, consent="shop"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("controls: [a]\n", ":1:11: controls: a list stands where a mapping is meant"),
        ("controls: {a: {}}\n", ":1:15: 'provider' is missing"),
        ("controls: {a: {provider: {type: python}}}\n", ":1:26: 'module' is missing"),
        ("controls: {a: {scope: befor, provider: {type: python, module: m}}}\n", ":1:23: scope: 'befor'"),
        ("controls: {a: {provider: {type: process, module: m}}}\n", ":1:33: type: 'process'"),
        ("runtime: {hypothesis: {strategy: always}}\n", ":1:34: strategy: 'always'"),
        ("- a\n", ":1:1:"),
        ("a: [\n", ":2:1:"),
    ],
)
def test_wrong_settings_are_told_at_their_place(text: str, says: str, tmp_path: Path) -> None:
    path = _written(tmp_path, "s.yaml", text)
    with pytest.raises(InputError) as told:
        read_settings(path)
    assert str(told.value).startswith(path + says), told.value


@pytest.mark.parametrize("text", ["", "# nothing\n", "auths: {x: yes}\n", "{}\n"])
def test_settings_that_concern_nobody_here_are_let_be(text: str, tmp_path: Path) -> None:
    assert read_settings(_written(tmp_path, "s.yaml", text)).controls == {}


def test_the_usual_file_counts_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_settings(None).file == ""
    (tmp_path / ".chaostoolkit").mkdir()
    usual = _written(tmp_path / ".chaostoolkit", "settings.yaml", _SETTINGS % "json")
    assert read_settings(None).file == usual
    with pytest.raises(InputError, match="there is no such file"):
        read_settings(str(tmp_path / "other.yaml"))


def test_without_any_of_it_nothing_changes(tmp_path: Path) -> None:
    plan = plan_of(LOCAL)
    assert (plan.settings, dict(plan.global_controls)) == ("", {})
