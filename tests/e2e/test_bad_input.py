"""Whatever is typed or written wrongly: clear lines with a place and a cure, exit code 2 or 3, nothing started, nothing left."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from file_fault import DRILL, EXPERIMENT, Repo, Said

_DRILL = "drills/files/drill.yaml"
_RUNBOOK = "runbooks/files.yaml"
_EXPERIMENT = "experiments/files.yaml"
_OPERATOR = "op.yaml"
_BARE = ("run", _EXPERIMENT, "--target", "local")
_ALIASES = "".join(
    f"{name}: &{name} [{', '.join(['*' + was] * 9)}]\n" for was, name in zip("abcdefgh", "bcdefghi", strict=True)
)
_TARGETS = """\
targets:
  stage: {kind: http, environment: staging, url: "http://127.0.0.1:9"}
  shop: {kind: http, environment: production, url: "http://127.0.0.1:9"}
"""
_LOAD = 'load: {locustfile: locustfile.py, users: 1, spawn-rate: 1, warm-up: 1s, host: "http://127.0.0.1:9"}\n'
_ASK = "name: F\nsteps:\n  - {name: A, ask: [{name: REGION, prompt: which}]}\n"
_APPROVE = "name: F\nsteps:\n  - {name: A, approve: {by: boss}}\n"
_CHOOSE = "name: F\nsteps:\n  - {name: A, choose: {left: b, right: b}}\n  - {name: B}\n"
_PYTHON = """\
title: t
description: d
method:
  - {type: action, name: break it, provider: {type: python, module: no_such_module.faults, func: f}}
rollbacks: []
"""


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with Repo.make(tmp_path) as made:
        yield made


@dataclass(frozen=True)
class Case:
    """`files` are written, `args` typed; stderr must hold every one of `says`."""

    name: str
    says: tuple[str, ...]
    files: tuple[tuple[str, str | bytes], ...] = ()
    args: tuple[str, ...] = ("run", "files")
    code: int = 2


def _file(name: str, path: str, content: str | bytes, *says: str, args: tuple[str, ...] = ("run", "files")) -> Case:
    return Case(name, says, ((path, content),), args)


def _operator(name: str, runbook: str, script: str, *says: str) -> Case:
    return Case(name, says, ((_RUNBOOK, runbook), (_OPERATOR, script)), ("run", "files", "--operator", _OPERATOR))


CASES = [
    # what is typed
    Case("unknown drill", ("no drill or experiment 'fils'", "did you mean 'files'?"), args=("run", "fils")),
    Case("empty name", ("there is no drill ''",), args=("run", "")),
    Case("endless name", ("File name too long",), args=("run", "x" * 5000)),
    Case("a folder", ("there is no drill 'drills'",), args=("run", "drills")),
    Case("a runbook", ("runbooks/files.yaml: is a runbook, not a drill", "gameday walk runbooks/files.yaml"), args=("run", _RUNBOOK)),
    Case("targets", ("drills/targets.yaml: is the list of targets, not a drill",), (("drills/targets.yaml", "targets: {}\n"),), ("run", "drills/targets.yaml")),
    Case("set twice", ("--set load.users: is given 2 times",), args=("run", "files", "--set", "load.users=1", "--set", "load.users=2")),
    Case("no such file", ("experiments/fils.yaml: there is no such file",), args=("run", "experiments/fils.yaml", "--target", "local")),
    Case("no target", ("--target NAME", "sandbox, local"), args=("run", _EXPERIMENT)),
    Case("unknown target", ("no target 'lokal'", "'local'"), args=("run", "files", "--target", "lokal")),
    Case("set without value", ("--set load.users: has no value; write it as KEY=VALUE",), args=("run", "files", "--set", "load.users")),
    Case("set to nothing", ("--set load.users: has no value",), args=("run", "files", "--set", "load.users=")),
    Case("set no field", ("--set =3: names no field",), args=("run", "files", "--set", "=3")),
    Case("set unknown", ("'limit'", "'limits'"), args=("run", "files", "--set", "limit.time-box=1m")),
    Case("set nonsense", ("--set limits.time-box", "is not a duration"), args=("run", "files", "--set", "limits.time-box=soon")),
    Case("set on experiment", ("--set changes a drill",), args=(*_BARE, "--set", "a=b")),
    Case("another plan", ("the plan is", "gameday plan files"), args=("run", "files", "--plan", "abc123"), code=3),
    Case("no operator file", ("nobody.yaml: there is no such file",), args=("run", "files", "--operator", "nobody.yaml")),
    # what is written
    _file("not YAML", _DRILL, "name: [x\n", f"{_DRILL}:2:1: is not YAML"),
    _file("empty", _DRILL, "", f"{_DRILL}:1:1: is empty"),
    _file("a list", _DRILL, "- a\n", f"{_DRILL}:1:1: a list stands where a mapping is meant"),
    _file("duplicate key", _RUNBOOK, "name: a\nname: b\nsteps: [{name: x}]\n", f"{_RUNBOOK}:2:1", "twice"),
    _file("not UTF-8", _RUNBOOK, b"name: \xff\xfe\n", f"{_RUNBOOK}:1:7: is not UTF-8"),
    _file("zero byte", _RUNBOOK, b"name: a\0b\n", f"{_RUNBOOK}:1:8"),
    _file("nested", _RUNBOOK, f"name: a\nsteps: {'[' * 9999}\n", f"{_RUNBOOK}:2:", "nests too deep"),
    _file("alias bomb", _RUNBOOK, f"a: &a [x]\n{_ALIASES}", f"{_RUNBOOK}:"),
    _file("too big", _RUNBOOK, f"name: a\n# {'x' * 2_000_000}\n", f"{_RUNBOOK}: is too big"),
    _file("not a number", _DRILL, DRILL.replace("40s", ".nan"), f"{_DRILL}:7:20", "not a finite number"),
    _file("unknown runbook", _DRILL, DRILL.replace("runbook: files", "runbook: file"), f"{_DRILL}:4:10", "'files'"),
    _file("unknown experiment", _DRILL, DRILL.replace("t: files", "t: file"), f"{_DRILL}:6:17", "'files'"),
    _file("unknown step", _DRILL, DRILL.replace("t: files", "t: files\n    inject: {at-step: lock}"), f"{_DRILL}:7:23", "'look'"),
    _file("undefined", _EXPERIMENT, EXPERIMENT.replace("-f $M", "-f ${nowhere} $M"), f"{_EXPERIMENT}:10:", "${nowhere}", args=_BARE),
    _file("targets", "drills/targets.yaml", "targets: {a: {kind: htp}}\n", "drills/targets.yaml:1:21", "'http'"),
    _file("bad JSON", "experiments/j.json", '{"title": }', "j.json:1:11: is not JSON", args=("run", "experiments/j.json", "--target", "local")),
    _file("JSON NaN", "experiments/j.json", '{"x": NaN}', "j.json", "NaN", args=("run", "experiments/j.json", "--target", "local")),
    _file("no locustfile", _DRILL, DRILL + _LOAD, "drills/files/locustfile.py: there is no such file"),
    Case("locustfile syntax", ("drills/files/locustfile.py:1:7: is not Python",), ((_DRILL, DRILL + _LOAD), ("drills/files/locustfile.py", "def x(:\n"))),
    Case("no user class", ("drills/files/locustfile.py:1:1: defines no User class",), ((_DRILL, DRILL + _LOAD), ("drills/files/locustfile.py", "x = 1\n"))),
    _file("no secret", _DRILL, DRILL + "secrets: [GAMEDAY_TEST_NOWHERE]\n", f"{_DRILL}:8:10: secret GAMEDAY_TEST_NOWHERE", "is not set"),
    # what is answered beforehand
    _operator("operator key", _ASK, "name: ana\nstep: {}\n", "op.yaml:2:1", "'steps'"),
    _operator("operator step", _ASK, "name: ana\nsteps: {b: {}}\n", "op.yaml:2:9", "step 'b' is not in the runbook"),
    _operator("operator answer", _ASK, "name: ana\nsteps: {a: {answers: {REGIN: eu}}}\n", "op.yaml:2:", "REGION", "did you mean 'REGION'?"),
    _operator("operator choice", _CHOOSE, "name: ana\nsteps: {a: {choose: lift}}\n", "op.yaml:2:21", "did you mean 'left'?"),
    _operator("operator no choice", _CHOOSE, "name: ana\nsteps: {a: {after: 1s}}\n", "op.yaml:2:12", "left | right"),
    _operator("operator approval", _APPROVE, "name: ana\nsteps: {a: {approve: zed}}\n", "op.yaml:2:22", "`also`"),
    _operator("operator event", _ASK, "name: a\nsteps: {a: {answers: {REGION: x}}}\nwhen: [{event: impact-sen}]\n", "op.yaml:3:16", "'impact-seen'"),
    # what the guard refuses
    Case("nobody answers", (f"{_RUNBOOK}:3", "`ask`", "--operator"), ((_RUNBOOK, _ASK),), code=3),
    Case("nobody approves", (f"{_RUNBOOK}:3", "`approve`"), ((_RUNBOOK, _APPROVE),), code=3),
    Case("nobody decides", (f"{_RUNBOOK}:3", "`choose`"), ((_RUNBOOK, _CHOOSE),), code=3),
    Case("no such tool", (_EXPERIMENT, "'no-such-tool'"), ((_EXPERIMENT, EXPERIMENT.replace("path: rm", "path: no-such-tool")),), code=3),
    Case("no such module", (_EXPERIMENT, "'no_such_module.faults'"), ((_EXPERIMENT, _PYTHON),), code=3),
    Case("production", (_DRILL, "allow-production"), (("drills/targets.yaml", _TARGETS),), ("run", "files", "--target", "shop"), 3),
    Case("production alone", ("target shop is production",), (("drills/targets.yaml", _TARGETS),), ("run", _EXPERIMENT, "--target", "shop"), 3),
    Case(
        "nothing undoes it",
        (_EXPERIMENT, "nothing that undoes it", "no-undo"),
        (("drills/targets.yaml", _TARGETS), (_EXPERIMENT, EXPERIMENT.partition("rollbacks")[0])),
        ("run", "files", "--target", "stage"),
        3,
    ),
    # other commands
    Case("unknown command", ("there is no command 'rnu'", "'run'"), args=("rnu",)),
    Case("nothing runs", ("no run is going on",), args=("abort", "--why", "x")),
    Case("nobody to tell", ("no run is going on",), args=("tell", "complete")),
    Case("no runs", ("no runs in", "gameday run DRILL"), args=("show",)),
    Case("unknown schema", ("'foo' is not one of",), args=("schema", "foo")),
    Case("init over files", ("nothing was written",), (("experiments/first-drill.yaml", "x"),), ("init",)),
    _file("check", _RUNBOOK, "name: a\nstep: []\n", f"{_RUNBOOK}:1:1: 'steps' is missing", f"{_RUNBOOK}:2:1", args=("check",)),
    _file("list of paths", _RUNBOOK, "name: a\n", f"{_RUNBOOK}:1:1", args=("check", _RUNBOOK, _EXPERIMENT)),
    Case("plan of nothing", ("no drill or experiment 'x'",), args=("plan", "x")),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_it_is_said_clearly_and_nothing_begins(case: Case, repo: Repo) -> None:
    for name, content in case.files:
        repo.write(name, content)
    said = repo.gameday(*case.args)
    for words in case.says:
        assert words in said.err
    assert said.code == case.code
    if "--set" in case.args:
        assert len(said.err.splitlines()) == 1
    _plain(said)
    _nothing(repo)


def test_check_tells_machines_as_well(repo: Repo) -> None:
    repo.write(_RUNBOOK, 'name: Files\nsteps:\n  - naem: Look\n    run: "true"\n')
    said = repo.gameday("check", "--json")
    assert (said.code, said.err) == (2, "")
    assert json.loads(said.out) == [
        {"file": _RUNBOOK, "line": 3, "column": 5, "what": "'name' is missing", "meant": "give it a name"},
        {"file": _RUNBOOK, "line": 3, "column": 5, "what": "unknown key 'naem'", "meant": "did you mean 'name'?"},
    ]
    repo.write(_RUNBOOK, 'name: Files\nsteps:\n  - name: Look\n    run: "true"\n')
    said = repo.gameday("check", "--json")
    assert (said.code, said.out, said.err) == (0, "[]\n", "")


def test_check_tells_machines_of_a_folder_without_drills(tmp_path: Path, repo: Repo) -> None:
    empty = tmp_path / "empty"
    for name in ("drills", "experiments", "runbooks"):
        (tmp_path / name).rename(tmp_path / f"was-{name}")
    empty.mkdir()
    said = repo.gameday("check", "--json", cwd=empty)
    (problem,) = json.loads(said.out)
    assert (said.code, said.err, problem["line"]) == (2, "", 0)


@pytest.mark.parametrize(
    ("here", "paths"),
    [
        ("", ("../repo",)),
        ("..", ("repo",)),
        ("..", ("repo/runbooks",)),
        ("drills/files", ("../..",)),
        ("drills", ("..",)),
    ],
)
def test_check_finds_the_repository_of_what_it_is_given(here: str, paths: tuple[str, ...], tmp_path: Path) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    with Repo.make(root) as repo:
        repo.write(_RUNBOOK, "name: a\nsteps: [{nam: x}]\n")
        repo.write("runs/r1/journal.json", "{}")
        said = repo.gameday("check", *paths, cwd=root / here)
        assert {line.split(":")[0] for line in said.err.splitlines()} == {_RUNBOOK}
        assert said.code == 2


def _plain(said: Said) -> None:
    assert "Traceback" not in said.err
    assert "gameday broke" not in said.err
    assert said.out == ""
    assert 0 < len(said.err.splitlines()) <= 10


def _nothing(repo: Repo) -> None:
    assert repo.leftovers() == []
    assert repo.run_folders == []


# -- places that cannot be used ----------------------------------------------------------------------------------------


def test_a_folder_without_drills(repo: Repo, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    for name in ("drills", "experiments", "runbooks"):
        (tmp_path / name).rename(tmp_path / f"was-{name}")
    empty.mkdir()
    for words in (("list",), ("check",), ("run", "files"), ("plan", "files")):
        said = repo.gameday(*words, cwd=empty)
        assert (said.code, "gameday init" in said.err) == (2, True)
        _plain(said)
    assert list(empty.iterdir()) == []


def _blocked_runs(repo: Repo) -> dict[str, str]:
    repo.write("runs", "in the way")
    return {}


def _blocked_state(repo: Repo) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(repo.write("in-the-way", ""))}


@pytest.mark.parametrize(("block", "cure"), [(_blocked_runs, "--runs-dir"), (_blocked_state, "XDG_STATE_HOME")])
def test_a_place_that_cannot_be_written(block: Callable[[Repo], dict[str, str]], cure: str, repo: Repo) -> None:
    env = block(repo)
    said = repo.gameday("run", "files", env=env)
    assert said.code == 2
    assert cure in said.err
    _plain(said)
    _nothing(repo)


def test_a_disk_without_space(repo: Repo) -> None:
    # A limit on the size of files is what a full disk is to one process.
    said = repo.gameday("run", "files", under=["sh", "-c", 'ulimit -f 0; exec "$@"', "sh"])
    assert said.code == 2
    assert "the run cannot be recorded there: File too large" in said.err
    _plain(said)
    _nothing(repo)
    assert list((repo.root / ".state" / "gameday" / "open").iterdir()) == []


def test_a_pipe_among_the_experiments_keeps_nobody_waiting(repo: Repo) -> None:
    os.mkfifo(repo.root / "experiments" / "pipe.yaml")
    said = repo.gameday("run", "experiments/pipe.yaml", "--target", "local")
    assert said.code == 2
    assert "experiments/pipe.yaml: is not a regular file" in said.err
    _nothing(repo)


def test_every_mistake_of_every_file_is_named_at_once(repo: Repo) -> None:
    repo.write(_DRILL, DRILL.replace("target: local", "target: lokal"))
    repo.write(_RUNBOOK, "name: a\nsteps: [{nam: x}]\n")
    repo.write(_EXPERIMENT, EXPERIMENT.replace("title", "titel"))
    said = repo.gameday("run", "files")
    for path in (_DRILL, _RUNBOOK, _EXPERIMENT):
        assert f"\n{path}:" in f"\n{said.err}"
    assert said.code == 2
    _nothing(repo)


# -- what can only be found once the run has begun ---------------------------------------------------------------------


def _refused(repo: Repo, *args: str) -> Said:
    said = repo.gameday("run", *args)
    assert said.code == 3
    assert "Traceback" not in said.err
    assert "↯" not in said.err
    assert repo.leftovers() == []
    return said


def test_a_target_that_does_not_answer(repo: Repo) -> None:
    identity = 'identity: {provider: {type: http, url: "http://127.0.0.1:9/", timeout: 1}, tolerance: 200}'
    repo.write("drills/targets.yaml", _TARGETS.replace('9"}', f'9", {identity}}}', 1))
    said = _refused(repo, "files", "--target", "stage")
    assert "target stage is what was declared: connection refused (127.0.0.1:9)" in said.err


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ("__import__('no_such_module')", "locustfile.py:1:1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise ValueError('boom')", "locustfile.py:1:1: ValueError: boom"),
        ("import sys; sys.exit(3)", "locustfile.py:1:13: SystemExit: 3"),
    ],
)
def test_a_locustfile_that_does_not_import(first: str, words: str, repo: Repo) -> None:
    repo.write(_DRILL, DRILL + _LOAD)
    user = "from locust import HttpUser, task\nclass Shopper(HttpUser):\n    @task\n    def look(self): pass\n"
    repo.write("drills/files/locustfile.py", f"{first}\n{user}")
    said = _refused(repo, "files")
    assert f"load: drills/files/{words}" in said.err


def test_a_function_that_the_module_does_not_have(repo: Repo) -> None:
    repo.write(_EXPERIMENT, _PYTHON.replace("no_such_module.faults", "os.path"))
    said = _refused(repo, "files")
    assert "'os.path' does not expose a function called 'f'" in said.err


def test_the_name_of_a_file_forges_no_line(repo: Repo) -> None:
    repo.write("runbooks/a\x1b[31m\nforged.yaml:1:1: all is well.yaml", "nam: x\n")
    said = repo.gameday("check")
    assert said.code == 2
    assert "\x1b" not in said.err
    assert all(line.startswith("runbooks/a⏎forged.yaml") for line in said.err.splitlines())
