"""Finding and reading the files that belong together."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.errors import InputError
from runner.specs.catalogue import Catalogue
from runner.specs.injection_moment import OnCommand

_EVERYTHING = Path(__file__).parent / "fixtures" / "everything"
_NAME = "payment-gateway-outage"


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    shutil.copytree(_EVERYTHING, tmp_path, dirs_exist_ok=True)
    return Catalogue(tmp_path)


def _said(caught: pytest.ExceptionInfo[InputError]) -> list[str]:
    return [str(problem) for problem in caught.value.problems]


def test_the_root_is_found_from_below(catalogue: Catalogue) -> None:
    assert Catalogue.find(catalogue.root).root == catalogue.root
    assert Catalogue.find(catalogue.root / "drills" / _NAME).root == catalogue.root


def test_no_root_is_an_error_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no drills/, experiments/, runbooks/ here.*gameday init"):
        Catalogue.find(tmp_path)


def test_what_there_is(catalogue: Catalogue) -> None:
    (catalogue.root / "drills" / "notes").mkdir()
    (catalogue.root / "experiments" / "deep").mkdir()
    (catalogue.root / "experiments" / "deep" / "e.yml").write_text("title: t\ndescription: d\nmethod: []\n")
    assert catalogue.drills() == [_NAME]
    assert catalogue.runbooks() == [_NAME]
    assert catalogue.experiments() == ["deep/e", "payment-gateway-errors", "pod-kill"]
    assert set(catalogue.targets()) == {"sandbox", "local", "staging", "staging-eu"}


def test_the_built_in_targets_need_no_file(tmp_path: Path) -> None:
    (tmp_path / "drills").mkdir()
    targets = Catalogue(tmp_path).targets()
    assert {name: target.kind for name, target in targets.items()} == {"sandbox": "sandbox", "local": "local"}


@pytest.mark.parametrize("what", [_NAME, "{root}/drills/" + _NAME, "{root}/drills/" + _NAME + "/drill.yaml"])
def test_a_drill_is_named_in_three_ways(catalogue: Catalogue, what: str) -> None:
    loaded = catalogue.load_drill(what.format(root=catalogue.root))
    assert loaded.slug == _NAME
    assert loaded.file == f"drills/{_NAME}/drill.yaml"
    assert loaded.runbook_file == f"runbooks/{_NAME}.yaml"
    assert [each.slug for each in loaded.experiments] == ["payment-gateway-errors", "pod-kill"]
    assert set(loaded.secrets) == {"STAGING_TOKEN", "PAGER_KEY", "OTHER_KEY"}
    assert loaded.secrets["PAGER_KEY"].command == "printf hush"


def test_an_unknown_drill_names_the_nearest(catalogue: Catalogue) -> None:
    with pytest.raises(InputError) as caught:
        catalogue.load_drill("payment-gatway-outage")
    assert _said(caught) == [f"gameday: there is no drill 'payment-gatway-outage'; did you mean {_NAME!r}?"]
    with pytest.raises(InputError, match=f"drills here: {_NAME}"):
        catalogue.load_drill("zzz")


def test_a_drill_by_a_path_that_is_not_there(catalogue: Catalogue) -> None:
    with pytest.raises(InputError, match=r"drills/x/drill\.yaml: there is no such file"):
        catalogue.load_drill(str(catalogue.root / "drills" / "x" / "drill.yaml"))


def test_what_run_is_given_is_a_drill_or_an_experiment(catalogue: Catalogue) -> None:
    root = catalogue.root
    assert not catalogue.is_experiment(_NAME)
    assert not catalogue.is_experiment(str(root / "drills" / _NAME))
    assert catalogue.is_experiment("pod-kill")
    assert catalogue.is_experiment(str(root / "experiments" / "pod-kill.json"))
    with pytest.raises(InputError, match="there is no drill or experiment 'pod-kil'; did you mean 'pod-kill'"):
        catalogue.is_experiment("pod-kil")


def test_another_target(catalogue: Catalogue) -> None:
    loaded = catalogue.load_drill(_NAME, target="sandbox", sets={"secrets": "[STAGING_TOKEN]"})
    assert (loaded.target_name, loaded.target.kind) == ("sandbox", "sandbox")
    with pytest.raises(InputError) as caught:
        catalogue.load_drill(_NAME, target="stagin")
    assert _said(caught) == ["--target: there is no target 'stagin'; did you mean 'staging'?"]


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("load.users", "forty", "--set load.users: users: 'forty' is not a whole number"),
        ("load.usrs", "4", "--set load.usrs: unknown key 'usrs'; did you mean 'users'?"),
        ("limits.time-box", "soon", "--set limits.time-box: time-box: 'soon' is not a duration"),
        ("steady-state.indicators.0.at-least", "99", "--set steady-state.indicators.0.at-least: at-least: 99 is not"),
        ("name.first", "x", "--set name.first: name has nothing called 'first' in it"),
        ("experiments.7.inject", "on-command", "--set experiments.7.inject: experiments has nothing called 7 in it"),
        ("", "x", "--set : a field is missing, such as load.users=10"),
        ("load..users", "1", "--set load..users: a field is missing"),
        ("load.users", "[1", "--set load.users: is not YAML"),
        ("runbook", "nothing", "--set runbook: there is no runbook 'nothing'"),
    ],
)
def test_a_bad_option_is_explained(catalogue: Catalogue, field: str, text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        catalogue.load_drill(_NAME, sets={field: text})
    assert _said(caught)[0].startswith(said), _said(caught)


def test_options_change_the_drill_and_nothing_else(catalogue: Catalogue) -> None:
    sets = {"load.users": "10", "limits.time-box": "2m", "experiments.0.inject": "on-command", "reveal": "detected"}
    drill = catalogue.load_drill(_NAME, sets=sets).drill
    assert drill.load is not None
    assert (drill.load.users, drill.limits.time_box) == (10, 120.0)
    assert (drill.experiments[0].inject, drill.reveal) == (OnCommand(), "detected")
    untouched = catalogue.load_drill(_NAME).drill
    assert untouched.load is not None
    assert untouched.load.users == 40


def test_check_looks_at_everything(catalogue: Catalogue) -> None:
    root = catalogue.root
    assert catalogue.check() == []
    (root / "runbooks" / "alone.yaml").write_text("name: x\nsteps: [{nam: a}]\n")
    (root / "experiments" / "alone.json").write_text('{"title": "t"}')
    (root / "drills" / "other").mkdir()
    (root / "drills" / "other" / "drill.yaml").write_text("name: x\ntarget: sandbox\nrunbook: alone\n")
    files = {problem.file for problem in Catalogue(root).check()}
    assert files == {"runbooks/alone.yaml", "experiments/alone.json"}


def test_check_takes_files_and_folders(catalogue: Catalogue) -> None:
    root = catalogue.root
    bad = root / "elsewhere"
    bad.mkdir()
    (bad / "e.yaml").write_text("method: []\n")
    (bad / "r.yaml").write_text("steps: []\n")
    (bad / "o.yaml").write_text("name: ana\nsteps: {a: {chose: x}}\n")
    (bad / "u.yaml").write_text("hello: world\n")
    (bad / "l.py").write_text("x = 1\n")
    said = [str(problem) for problem in catalogue.check([bad, bad / "l.py", bad / "none.yaml"])]
    assert said == [
        "elsewhere/e.yaml:1:1: 'description' is missing",
        "elsewhere/e.yaml:1:1: 'title' is missing",
        "elsewhere/l.py:1:1: defines no User class; define one, such as `class Shopper(HttpUser):`",
        "elsewhere/none.yaml: there is no such file",
        "elsewhere/o.yaml:2:13: unknown key 'chose'; did you mean 'choose'?",
        "elsewhere/r.yaml:1:1: 'name' is missing; give it a name",
        "elsewhere/r.yaml:1:8: steps: is empty; at least 1",
        "elsewhere/u.yaml:1:1: it does not show what kind of file this is; a drill, a runbook, an experiment or targets",
    ]


def test_a_pipe_in_the_place_of_a_file_hides_nothing_else(catalogue: Catalogue) -> None:
    root = catalogue.root
    for file in (f"runbooks/{_NAME}.yaml", "experiments/pod-kill.json"):
        (root / file).unlink()
        os.mkfifo(root / file)
    drill = root / "drills" / _NAME / "drill.yaml"
    drill.write_text(drill.read_text().replace("users: 40", "users: many"))
    with pytest.raises(InputError) as caught:
        catalogue.load_drill(_NAME)
    assert [problem.file for problem in caught.value.problems] == [
        f"drills/{_NAME}/drill.yaml",
        "experiments/pod-kill.json",
        f"runbooks/{_NAME}.yaml",
    ]


def test_unreadable_targets_are_one_problem(catalogue: Catalogue) -> None:
    file = catalogue.root / "drills" / "targets.yaml"
    file.unlink()
    file.mkdir()
    assert "drills/targets.yaml: is a folder, not a file" in [str(problem) for problem in catalogue.check()]


def test_a_bare_experiment_and_its_target(catalogue: Catalogue) -> None:
    loaded, target = catalogue.load_experiment("payment-gateway-errors", target="sandbox")
    assert (loaded.slug, loaded.experiment.actions, target.kind) == ("payment-gateway-errors", 2, "sandbox")
    with pytest.raises(InputError, match="the target 'local' has no 'proxy'"):
        catalogue.load_experiment("payment-gateway-errors", target="local")
    with pytest.raises(InputError, match="there is no target 'stagin'; did you mean 'staging'"):
        catalogue.load_experiment("pod-kill", target="stagin")


# -- which repository --------------------------------------------------------------------------------------------------


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two repositories side by side with the same names in them, and a file in neither."""
    for name in ("one", "two"):
        shutil.copytree(_EVERYTHING, tmp_path / name)
    (tmp_path / "alone.yaml").write_text("title: t\ndescription: d\nmethod: []\n")
    monkeypatch.chdir(tmp_path / "two" / "drills")
    return tmp_path


@pytest.mark.parametrize(
    ("what", "root"),
    [
        (_NAME, "two"),
        (f"{_NAME}/drill.yaml", "two"),
        (f"../../one/drills/{_NAME}/drill.yaml", "one"),
        (f"../../one/drills/{_NAME}", "one"),
        ("{top}/one/drills/" + _NAME, "one"),
        ("../../one/experiments/pod-kill.json", "one"),
        (f"../../one/runbooks/{_NAME}.yaml", "one"),
        ("../experiments/pod-kill.json", "two"),
        ("pod-kill", "two"),
        # What lies in no repository takes the targets of the one that somebody stands in.
        ("../../alone.yaml", "two"),
    ],
)
def test_what_is_named_by_its_path_belongs_where_it_lies(what: str, root: str, two: Path) -> None:
    assert Catalogue.around(Path.cwd(), what.format(top=two)).root == two / root


def test_without_any_repository_it_is_where_one_stands(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (two / "empty").mkdir()
    monkeypatch.chdir(two / "empty")
    assert Catalogue.around(Path.cwd(), "../alone.yaml").root == two / "empty"
    assert Catalogue.around(Path.cwd(), f"../one/drills/{_NAME}").root == two / "one"
    with pytest.raises(InputError, match=r"\.\./nothing\.yaml: there is no such file"):
        Catalogue.around(Path.cwd(), "../nothing.yaml")
    for what in (_NAME, ".."):
        with pytest.raises(InputError, match="gameday init"):
            Catalogue.around(Path.cwd(), what)


def test_a_drill_of_another_repository_takes_everything_from_there(two: Path) -> None:
    for kind in ("experiments", "runbooks"):
        shutil.rmtree(two / "two" / kind)
    what = f"../../one/drills/{_NAME}"
    loaded = Catalogue.around(Path.cwd(), what).load_drill(what)
    assert (loaded.root, loaded.slug, loaded.file) == (two / "one", _NAME, f"drills/{_NAME}/drill.yaml")
    assert loaded.runbook_file == f"runbooks/{_NAME}.yaml"


# -- names -------------------------------------------------------------------------------------------------------------


def test_drills_in_deeper_folders_and_behind_links_are_found(catalogue: Catalogue) -> None:
    drills = catalogue.root / "drills"
    shutil.copytree(drills / _NAME, drills / "shop" / "eu" / "outage")
    (drills / "linked").symlink_to(drills / _NAME)
    (drills / "loop").symlink_to(drills)
    (drills / "shop" / "eu" / "back").symlink_to(drills / "shop")
    found = Catalogue(catalogue.root)
    assert {"linked", "shop/eu/outage"} < set(found.drills())
    loaded = found.load_drill("shop/eu/outage")
    assert (loaded.slug, loaded.file) == ("shop/eu/outage", "drills/shop/eu/outage/drill.yaml")
    assert found.load_drill(str(drills / "shop" / "eu" / "outage")).slug == "shop/eu/outage"


def test_a_drill_that_is_not_called_one_is_checked_all_the_same(catalogue: Catalogue) -> None:
    (catalogue.root / "drills" / "flat.yaml").write_text("name: F\ntarget: local\nrunbok: x\n")
    assert any(problem.file == "drills/flat.yaml" for problem in Catalogue(catalogue.root).check())


@pytest.mark.parametrize(
    ("one", "other", "ask"),
    [
        ("runbooks/r.yaml", "runbooks/r.yml", lambda found: found.load_runbook("r")),
        ("runbooks/r.json", "runbooks/r.yml", lambda found: found.load_drill("d")),
        ("runbooks/a/r.yaml", "runbooks/a/r.yml", lambda found: found.load_runbook("a/r")),
        ("experiments/e.json", "experiments/e.yaml", lambda found: found.load_experiment("e", target="local")),
        ("experiments/e.yaml", "experiments/e.yml", lambda found: found.load_drill("d")),
        ("drills/x/drill.yaml", "drills/x/drill.yml", lambda found: found.load_drill("x")),
        ("runbooks/r.yaml", "runbooks/r.yml", lambda found: found.check() and found.load_runbook("r")),
    ],
)
def test_two_files_of_one_name_are_both_named(
    one: str, other: str, ask: Callable[[Catalogue], object], catalogue: Catalogue
) -> None:
    experiment = '{"title": "t", "description": "d", "method": []}'
    drill = '{"name": "D", "target": "local", "runbook": "r", "experiments": [{"experiment": "e"}]}'
    runbook = '{"name": "R", "steps": [{"name": "Look"}]}'
    texts = {"drills": drill, "experiments": experiment, "runbooks": runbook}
    for name in ("drills/d/drill.yaml", "runbooks/r.yaml", "experiments/e.yaml", one, other):
        if name in (one, other) or name[:-5] != one.rpartition(".")[0]:
            path = catalogue.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[name.partition("/")[0]])
    found = Catalogue(catalogue.root)
    with pytest.raises(InputError) as caught:
        ask(found)
    name = one.partition("/")[2].removesuffix("/drill.yaml").rpartition(".")[0] or "x"
    assert any(one in said and other in said and repr(name) in said for said in _said(caught))
    assert any(one in str(each) and other in str(each) for each in found.check())
