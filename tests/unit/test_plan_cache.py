"""A plan is kept until anything changes that it depends on, and a kept one is the one that would be made."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.engine.plan import RunPlan
from runner.planning import plan_cache, run_plan
from runner.planning.request import Request
from runner.redact import Redactor

_ACTION = {"type": "action", "name": "nothing", "provider": {"type": "process", "path": "true"}}
_EXPERIMENT: dict[str, Any] = {
    "title": "Nothing",
    "description": "It does.",
    "method": [_ACTION],
    "rollbacks": [_ACTION],
}

_TARGETS = "targets:\n  staging: {kind: http, environment: staging, url: 'http://127.0.0.1:1'}\n"
_RUNBOOK = "name: Restart\nsteps:\n  - name: Look\n"
_DRILL = """
name: Outage
target: local
runbook: restart
experiments:
  - experiment: nothing
    no-undo: it ends by itself
expect: no-impact
steady-state:
  indicators:
    - name: up
      probe: {provider: {type: tcp, host: 127.0.0.1, port: 1}}
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a drill of every kind of file that may be kept, an experiment outside, and a cache of its own."""
    root = tmp_path / "repository"
    for name, text in {
        "drills/outage/drill.yaml": _DRILL,
        "drills/targets.yaml": _TARGETS,
        "runbooks/restart.yaml": _RUNBOOK,
        "experiments/nothing.json": json.dumps(_EXPERIMENT),
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(root)
    return root


def _request(root: Path, what: str = "outage", **more: Any) -> Request:
    return Request(what=what, cwd=str(root), person="ada", **more)


def _run(request: Request, secrets: tuple[str, ...] = ()) -> RunPlan:
    """As a run does: make it or take it, and keep it."""
    made = run_plan.planned(request)
    made.keep(Redactor(secrets).value)
    return made.plan


def _kept(request: Request) -> RunPlan | None:
    found = plan_cache.KeptPlan(request).load()
    return found.plan if found else None


@pytest.mark.parametrize(
    ("what", "more"),
    [("outage", {}), ("experiments/nothing.json", {"target": "local"}), ("nothing", {"target": "local"})],
)
def test_what_is_kept_is_what_was_made(repository: Path, what: str, more: dict[str, Any]) -> None:
    request = _request(repository, what, **more)
    assert _kept(request) is None
    made = _run(request)
    assert _kept(request) == made
    assert run_plan.planned(request).root == repository


def test_what_stands_in_its_files_still_has_a_place(repository: Path) -> None:
    request = _request(repository)
    made = run_plan.planned(request)
    made.keep(Redactor(()).value)
    kept = run_plan.planned(request)
    assert _kept(request) is not None
    for file, at in (
        ("drills/outage/drill.yaml", ("experiments", 0, "no-undo")),
        ("experiments/nothing.json", ("method", 0)),
    ):
        assert kept.where(file, at) == made.where(file, at) != file


_ONCE = """
import json, sys
from runner.planning.request import Request
from runner.planning.run_plan import planned
made = planned(Request.from_json(json.loads(sys.argv[1])))
made.keep(lambda document: document)
assert sys.argv[2] == "keep" or not {"pydantic", "yaml"} & set(sys.modules), "it was made again"
"""


def test_one_that_is_kept_needs_neither_models_nor_yaml(repository: Path) -> None:
    command = [sys.executable, "-c", _ONCE, json.dumps(_request(repository).to_json())]
    for step in ("keep", "find"):
        done = subprocess.run([*command, step], capture_output=True, text=True, check=False, timeout=60)
        assert not done.returncode, done.stderr


def test_the_processes_of_a_run_import_no_models_by_themselves() -> None:
    program = (
        "import sys, runner.conductor.session, runner.views.report; assert not {'pydantic', 'yaml'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


# -- what makes another plan -------------------------------------------------------------------------------------------

_CHANGES: Mapping[str, Callable[[Path], Any]] = {
    "the drill": lambda root: (root / "drills/outage/drill.yaml").write_text(_DRILL + "team: core\n"),
    "the experiment": lambda root: (root / "experiments/nothing.json").write_text(
        json.dumps(_EXPERIMENT | {"title": "N"})
    ),
    "the runbook": lambda root: (root / "runbooks/restart.yaml").write_text(_RUNBOOK + "  - name: Act\n"),
    "the targets": lambda root: (root / "drills/targets.yaml").write_text(_TARGETS.replace("staging:", "stage:")),
    "the targets are gone": lambda root: (root / "drills/targets.yaml").unlink(),
    "a drill more": lambda root: ((root / "drills/more").mkdir(), (root / "drills/more/drill.yaml").write_text(_DRILL)),
    "a file that comes first": lambda root: (root / "drills/outage/drill.yml").write_text(_DRILL),
    "a runbook of the same name": lambda root: (root / "runbooks/restart.yml").write_text(_RUNBOOK),
    "an experiment more": lambda root: (root / "experiments/other.yaml").write_text(json.dumps(_EXPERIMENT)),
    "a folder of targets": lambda root: (root / "drills/targets.yaml").rename(root / "drills/targets.yml"),
}


@pytest.mark.parametrize("change", _CHANGES.values(), ids=_CHANGES.keys())
def test_a_change_of_any_file_makes_another(repository: Path, change: Callable[[Path], Any]) -> None:
    request = _request(repository)
    _run(request)
    change(repository)
    assert _kept(request) is None


def test_a_drill_that_takes_the_name_of_an_experiment_comes_first(repository: Path) -> None:
    request = _request(repository, "nothing", target="local")
    _run(request)
    (repository / "drills/nothing").mkdir()
    (repository / "drills/nothing/drill.yaml").write_text(_DRILL)
    assert _kept(request) is None


def test_a_repository_that_appears_around_an_experiment_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lone.json").write_text(json.dumps(_EXPERIMENT))
    request = _request(tmp_path, "lone.json", target="local")
    _run(request)
    assert _kept(request) is not None
    (tmp_path / "drills").mkdir()
    assert _kept(request) is None


def test_the_time_of_a_file_says_nothing(repository: Path) -> None:
    request, file = _request(repository), repository / "runbooks/restart.yaml"
    _run(request)
    before = file.stat()
    file.write_text(_RUNBOOK.replace("Look", "Lock"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert _kept(request) is None
    file.write_text(_RUNBOOK)
    assert _kept(request) is not None


def test_what_a_link_leads_to_counts(repository: Path) -> None:
    request, file = _request(repository), repository / "runbooks/restart.yaml"
    real, other = repository / "real.yaml", repository / "other.yaml"
    real.write_text(_RUNBOOK)
    other.write_text(_RUNBOOK.replace("Look", "Act"))
    file.unlink()
    file.symlink_to(real)
    _run(request)
    assert _kept(request) is not None
    file.unlink()
    file.symlink_to(other)
    assert _kept(request) is None


@pytest.mark.parametrize(
    "more",
    [
        {"target": "local"},
        {"sets": (("limits.time-box", "2m"),)},
        {"attended": True},
        {"walk": True, "what": "restart"},
    ],
    ids=str,
)
def test_other_words_are_another_plan(repository: Path, more: dict[str, Any]) -> None:
    _run(_request(repository))
    request = replace(_request(repository), **more)
    assert _kept(request) is None
    assert _run(request).plan_hash == run_plan.planned(request).plan.plan_hash


@pytest.mark.parametrize(
    "more", [{"person": "bob"}, {"detach": True}, {"plan_hash": "0" * 16}, {"consent": "x"}], ids=str
)
def test_who_asks_and_how_makes_no_other(repository: Path, more: dict[str, Any]) -> None:
    _run(_request(repository))
    assert _kept(replace(_request(repository), **more)) is not None


def test_the_environment_counts(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = _EXPERIMENT | {"configuration": {"who": {"type": "env", "key": "WHO_IT_IS", "default": "me"}}}
    (repository / "experiments/nothing.json").write_text(json.dumps(document))
    request = _request(repository)
    _run(request)
    monkeypatch.setenv("WHO_IT_IS", "you")
    assert _kept(request) is None
    _run(request)
    assert _kept(request) is not None


@pytest.mark.parametrize("part", ["version", "source", "packages", "interpreter"])
def test_another_tool_counts(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    request = _request(repository)
    _run(request)
    match part:
        case "version":
            monkeypatch.setattr("runner.__version__", "99")
        case "source":
            (tmp_path / "pretended.py").write_text("")
            monkeypatch.setattr("runner.__file__", str(tmp_path / "pretended.py"))
        case "packages":
            monkeypatch.syspath_prepend(str(tmp_path))
        case "interpreter":
            monkeypatch.setattr("sys.version", "4.0")
    assert _kept(request) is None


def test_a_changed_source_file_of_the_tool_is_seen(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below/one.py").write_text("1")
    before = [(path, status.st_mtime_ns) for path, status in plan_cache._sources(tmp_path)]
    os.utime(tmp_path / "below/one.py", ns=(1, 1))
    (tmp_path / "below/two.py").write_text("2")
    after = [(path, status.st_mtime_ns) for path, status in plan_cache._sources(tmp_path)]
    assert (len(before), len(after)) == (1, 2)
    assert before[0] != after[0]


# -- what is not kept --------------------------------------------------------------------------------------------------


def test_a_secret_is_in_no_kept_plan(repository: Path) -> None:
    request = _request(repository)
    _run(request, secrets=("Restart",))
    assert _kept(request) is None
    assert not list((repository.parent / "cache").rglob("*.plan"))


@pytest.mark.parametrize(
    "document",
    [
        _EXPERIMENT | {"method": [{**_ACTION, "provider": {"type": "python", "module": "os", "func": "getpid"}}]},
        _EXPERIMENT | {"controls": [{"name": "c", "provider": {"type": "python", "module": "json"}}]},
    ],
    ids=["a function", "a control"],
)
def test_what_depends_on_what_can_be_imported_is_not_kept(repository: Path, document: dict[str, Any]) -> None:
    (repository / "experiments/nothing.json").write_text(json.dumps(document))
    request = _request(repository)
    _run(request)
    assert _kept(request) is None


def test_a_plan_with_a_load_is_not_kept(repository: Path) -> None:
    (repository / "drills/outage/drill.yaml").write_text(_DRILL + "load: {users: 1}\n")
    (repository / "drills/outage/locustfile.py").write_text("from locust import HttpUser\nclass U(HttpUser): pass\n")
    request = _request(repository, target="staging")
    assert _run(request).load is not None
    assert _kept(request) is None


def _settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(home))
    file = home / ".chaostoolkit/settings.yaml"
    file.parent.mkdir(parents=True)
    return file


_STRATEGY = "runtime: {hypothesis: {strategy: after-method-only}}\n"


def test_settings_are_read_each_time(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = _settings(tmp_path / "home", monkeypatch)
    file.write_text(_STRATEGY)
    request = _request(repository)
    _run(request)
    assert _kept(request) is None
    assert run_plan.planned(request).settings["runtime"]["hypothesis"]["strategy"] == "after-method-only"


def test_settings_that_appear_count(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = _settings(tmp_path / "home", monkeypatch)
    request = _request(repository)
    _run(request)
    assert _kept(request) is not None
    file.write_text(_STRATEGY)
    assert _kept(request) is None


def test_what_a_file_of_variables_gives_is_given_each_time(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "vars.json").write_text("{}")
    request = _request(repository, "nothing", target="local", variable_files=(str(tmp_path / "vars.json"),))
    _run(request)
    assert _kept(request) is None


def test_what_is_wrong_is_wrong_the_next_time(repository: Path) -> None:
    (repository / "runbooks/restart.yaml").write_text("name: Restart\nsteps: 3\n")
    for _ in range(2):
        with pytest.raises(Exception, match=r"restart\.yaml"):
            run_plan.planned(_request(repository))
    assert not list((repository.parent / "cache").rglob("*.plan"))


# -- the place where they are kept -------------------------------------------------------------------------------------


def _file(repository: Path) -> Path:
    (file,) = (repository.parent / "cache/gameday").glob("*.plan")
    return file


def test_only_its_owner_can_read_it(repository: Path) -> None:
    _run(_request(repository))
    file = _file(repository)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


_DAMAGES: Mapping[str, Callable[[Path], Any]] = {
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-10]),
    "empty": lambda file: file.write_bytes(b""),
    "a bit": lambda file: file.write_bytes(file.read_bytes().replace(b"Restart", b"Destroy")),
    "not ours": lambda file: file.write_bytes(b"\x80\x04\x95" * 100),
    "sealed, but no plan": lambda file: plan_cache._write(file, b"[]"),
    "sealed, half a plan": lambda file: plan_cache._write(file, b'{"circumstances": 1, "looks": 2}'),
    "huge": lambda file: file.write_bytes(b"x" * (1 << 22)),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
    "a pipe": lambda file: (file.unlink(), os.mkfifo(file)),
    "a link": lambda file: (file.rename(file.with_name("other")), file.symlink_to(file.with_name("other"))),
    "anybody's": lambda file: file.chmod(0o666),
    "unreadable": lambda file: (file.unlink(), file.symlink_to("/nowhere/at/all")),
}


@pytest.mark.parametrize("damage", _DAMAGES.values(), ids=_DAMAGES.keys())
def test_a_damaged_one_is_none(repository: Path, damage: Callable[[Path], Any]) -> None:
    request = _request(repository)
    made = _run(request)
    damage(_file(repository))
    assert _kept(request) is None
    assert _run(request) == made


def test_a_folder_that_others_may_write_is_not_used(repository: Path) -> None:
    request = _request(repository)
    _run(request)
    _file(repository).parent.chmod(0o777)
    assert _kept(request) is None


@pytest.mark.parametrize("place", ["a/file/in/the/way", "/proc", "relative", ""])
def test_without_a_place_the_plan_is_made_each_time(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "a").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", place and str(tmp_path / place) if place != "relative" else place)
    monkeypatch.setenv("HOME", str(tmp_path / "a"))
    request = _request(repository)
    assert _run(request) == _run(request)
    assert not (repository / "relative").exists()


def test_a_full_disk_is_no_error(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(plan_cache, "_write", full)
    assert _run(_request(repository)) == _run(_request(repository))


def test_no_more_than_so_many_are_kept(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_cache, "_MOST", 3)
    for minutes in range(1, 6):
        _run(_request(repository, sets=(("limits.time-box", f"{minutes}m"),)))
    assert len(list((repository.parent / "cache/gameday").iterdir())) == 3
    assert _kept(_request(repository, sets=(("limits.time-box", "5m"),))) is not None


def test_two_at_once_do_not_disturb_each_other(repository: Path) -> None:
    request, body = _request(repository), b"x" * 100_000
    made = _run(request)
    file = _file(repository)
    content = file.read_bytes().partition(b"\n")[2]
    over = threading.Event()

    def write(what: bytes) -> None:
        while not over.is_set():
            plan_cache._write(file.with_name(f"{len(what)}.plan"), what)
            plan_cache._write(file, content)

    # Two threads of one process share the name of the draft, which is more than two processes do.
    writer = threading.Thread(target=write, args=(body,))
    writer.start()
    try:
        found = [_kept(request) for _ in range(50)]
    finally:
        over.set()
        writer.join()
    assert found == [made] * 50


# -- every look is seen ------------------------------------------------------------------------------------------------

#: Names by which a module looks at the disk, the packages or the network on its own.
_LOOKING = frozenset(
    [
        "exists",
        "is_file",
        "is_dir",
        "is_symlink",
        "read_text",
        "read_bytes",
        "open",
        "glob",
        "rglob",
        "iterdir",
        "stat",
        "lstat",
        "listdir",
        "scandir",
        "walk",
        "which",
        "find_spec",
        "import_module",
        "getenv",
        "getaddrinfo",
        "gethostbyname",
        "resolve",
        "realpath",
        "Popen",
        "now",
        "today",
        "time",
        "monotonic",
    ]
)
#: Where that is no look a plan depends on, and why.
_EXEMPT = {
    "runner.specs.disk_reads": "it is where they are noted",
    "runner.specs.files": "it notes what it reads",
    "runner.guard.identity": "where clusters are is judged anew in each run",
    "runner.guard.tools": "which tools there are is judged anew in each run",
    "runner.specs.locust_imports": "a plan with a load is not kept",
}


def test_nothing_a_plan_depends_on_is_looked_at_unseen() -> None:
    """The modules that make a plan ask about files through `runner.specs.disk_reads` and `runner.specs.files` alone."""
    program = (
        "import sys, runner.planning.compile\n"
        "print(*(m for m in sys.modules if m.startswith(('runner.specs.', 'runner.guard.'))))"
    )
    modules = subprocess.run([sys.executable, "-c", program], check=True, text=True, capture_output=True, timeout=60)
    names = modules.stdout.split()
    assert "runner.specs.catalogue" in names
    unseen = [found for name in names if name not in _EXEMPT for found in _looks_of(name)]
    assert not unseen, "look through runner.specs.disk_reads, or say in _EXEMPT why a kept plan does not depend on it"


def _looks_of(module: str) -> list[str]:
    source = (Path(plan_cache.__file__).parents[2] / module.replace(".", "/")).with_suffix(".py")
    called = [node.func for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call)]
    return [f"{module}:{func.lineno}: {ast.unparse(func)}" for func in called if _looks(func)]


def _looks(func: ast.expr) -> bool:
    if isinstance(func, ast.Attribute):
        return func.attr in _LOOKING and ast.unparse(func) not in ("call.open", "ast.walk")
    return isinstance(func, ast.Name) and func.id in ("open", "find_spec", "import_module", "which")
