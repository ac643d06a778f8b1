"""The files of a load: one locustfile, several or a folder of them, and what locust.conf may still say."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.guard.remarks import look_over
from runner.planning.compile import compile_named
from runner.specs.catalogue import Catalogue
from runner.specs.locust_conf import check_conf, entries, heeded, unheeded
from runner.specs.locust_files import LoadFiles, read_load_files

_USER = "from locust import HttpUser\nclass {}(HttpUser): pass\n"
_CONF = """\
# comment
[section]
users = 500
--host: http://elsewhere.example.com
spawn_rate 10
headless
tags = [checkout, search]
stop-timeout = 5
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "load/deep").mkdir(parents=True)
    for name in ("locustfile", "a", "b", "load/one", "load/deep/two", "load/_helper"):
        (tmp_path / f"{name}.py").write_text(_USER.format(f"U{name.replace('/', '_')}"))
    return tmp_path


def _read(folder: Path, written: object) -> LoadFiles:
    load = {} if written is None else {"locustfile": written}
    return read_load_files(folder, load, lambda path: path.relative_to(folder).as_posix())


@pytest.mark.parametrize(
    ("written", "files"),
    [
        (None, ["locustfile.py"]),
        ("a.py", ["a.py"]),
        ("b.py,a.py", ["b.py", "a.py"]),
        (["a.py", "b.py", "a.py"], ["a.py", "b.py"]),
        ("load", ["load/deep/two.py", "load/one.py"]),
        (["a.py", "load"], ["a.py", "load/deep/two.py", "load/one.py"]),
    ],
)
def test_files_and_folders_as_locust_takes_them(folder: Path, written: object, files: list[str]) -> None:
    found = _read(folder, written)
    assert [path.relative_to(folder).as_posix() for path in found.locustfiles] == files
    assert found.problems == []


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("a.py,none.py", "none.py: there is no such file"),
        (["empty"], "empty: holds no locustfile; a .py file whose name does not begin with _"),
    ],
)
def test_what_is_not_there_is_named(folder: Path, written: object, said: str) -> None:
    (folder / "empty").mkdir()
    assert [str(problem) for problem in _read(folder, written).problems] == [said]


def test_the_keys_of_a_conf() -> None:
    found = [(entry.key, entry.line, entry.column) for entry in entries(_CONF)]
    assert found == [
        ("users", 3, 1),
        ("host", 4, 1),
        ("spawn-rate", 5, 1),
        ("headless", 6, 1),
        ("tags", 7, 1),
        ("stop-timeout", 8, 1),
    ]
    assert [line for line in heeded(_CONF).splitlines() if line] == [
        "# comment",
        "[section]",
        "tags = [checkout, search]",
        "stop-timeout = 5",
    ]
    users, _, _, headless = unheeded(_CONF, "c")
    assert users == "c:3:1: 'users' is not used: load.users of the drill decides"
    assert headless == "c:6:1: 'headless' is not used: the run decides that"
    assert check_conf(_CONF, "c", own_options=False) == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("loglevel = LOUD", "loglevel: 'LOUD' is no value that Locust takes; DEBUG, INFO, WARNING, ERROR or CRITICAL"),
        ("stop-timeout = soon", "stop-timeout: 'soon' is no value that Locust takes; a time such as 5 or 5s"),
        ("stop-timeout = 5.5", "stop-timeout: '5.5' is no value that Locust takes; a time such as 5 or 5s"),
        ("equal_weights: maybe", "equal-weights: 'maybe' is no value that Locust takes; true or false"),
        ("loglevel = warning", ""),
        ("stop-timeout = 1m30s", ""),
        ("stop-timeout = '5'", ""),
        ("stop-timeout = 5  # seconds", ""),
        ("equal-weights", ""),
        ("equal-weights = True", ""),
    ],
)
@pytest.mark.parametrize("own_options", [False, True])
def test_a_value_that_locust_would_not_take_is_named(line: str, says: str, own_options: bool) -> None:
    found = [str(problem) for problem in check_conf(f"\n{line}\n", "c", own_options=own_options)]
    assert found == ([f"c:2:1: {says}"] if says else [])


def test_a_key_that_locust_does_not_know_is_named_unless_the_locustfile_may() -> None:
    (problem,) = check_conf("stop-timout = 5\n", "c", own_options=False)
    assert str(problem) == "c:1:1: Locust has no option 'stop-timout'; did you mean 'stop-timeout'?"
    assert check_conf("basket = 5\n", "c", own_options=True) == []


def test_the_plan_names_all_files_and_what_is_not_heeded(folder: Path) -> None:
    drill = folder / "drills/d"
    drill.mkdir(parents=True)
    for name in ("a.py", "b.py"):
        (drill / name).write_text((folder / name).read_text())
    (drill / "locust.conf").write_text(_CONF)
    (drill / "drill.yaml").write_text("name: d\ntarget: sandbox\nrunbook: r\nload: {locustfile: [a.py, b.py]}\n")
    (folder / "runbooks").mkdir()
    (folder / "runbooks/r.yaml").write_text("name: r\nsteps: [Look]\n")
    plan = compile_named(Catalogue(folder), "d")
    assert plan.load is not None
    assert plan.load.locustfiles == ("drills/d/a.py", "drills/d/b.py")
    assert (plan.load.locustfile, plan.load.conf) == ("drills/d/a.py,drills/d/b.py", "drills/d/locust.conf")
    remark = "drills/d/locust.conf:3:1: 'users' is not used: load.users of the drill decides"
    assert remark in plan.warnings
    catalogue = Catalogue(folder)
    assert remark in look_over(catalogue, catalogue.readable()).remarks
    before = plan.plan_hash
    (drill / "locust.conf").write_text("tags = [search]\n")
    assert compile_named(Catalogue(folder), "d").plan_hash != before
