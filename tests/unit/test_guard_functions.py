"""Python functions that are not there, or are given what they do not take: told without importing anything."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from guard_samples import LOCAL, activity, cluster, kube, plan_of, said

from runner.guard.modules import names_in, signature_of
from runner.guard.policies import judge_plan

_SOURCE = """
import os
from functools import partial, wraps
from .below import given, deeper as renamed
raise SystemExit("imported")

LATER = partial(print, "x")

def break_it(name, count=1, *, force, secrets=None, configuration):
    return name

async def mend_it(**anything):
    return anything

@wraps(print)
def decorated(a):
    return a

def by_position(a, /):
    return a

if os.name == "nt":
    def either(a): ...
else:
    def either(b): ...

try:
    import fast
except ImportError:
    fast = None

class Thing: ...
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The name of a package that must not be imported; another one for every test, for sources are kept."""
    name = f"sample_{abs(hash(request.node.name))}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text(_SOURCE)
    (folder / "below.py").write_text("def given(a): ...\nfrom .further import deeper\n")
    (folder / "further.py").write_text("def deeper(b, c=1): ...\n")
    (folder / "all.py").write_text("from .further import *\n")
    (folder / "hiding.py").write_text("def __getattr__(name): ...\n")
    (folder / "broken.py").write_text("def (\n")
    (folder / "spaces").mkdir()
    (folder / "spaces" / "inner.py").write_text("def here(): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def _called(module: str, func: str, /, **arguments: Any) -> dict[str, Any]:
    return {"type": "python", "module": module, "func": func, "arguments": arguments}


@pytest.mark.parametrize(
    ("module", "func", "arguments", "words"),
    [
        ("", "brake_it", {}, "does not expose a function called 'brake_it'; did you mean 'break_it'?"),
        ("", "zzz", {}, "does not expose a function called 'zzz' [tools]"),
        ("", "break_it", {"name": "x", "force": 1, "cuont": 2}, "break_it takes no argument 'cuont'; did you mean 'count'?"),
        ("", "break_it", {"name": "x"}, "break_it needs an argument 'force'"),
        ("", "break_it", {"force": True}, "break_it needs an argument 'name'"),
        ("", "given", {}, "given needs an argument 'a'"),
        ("", "renamed", {"b": 1, "d": 1}, "renamed takes no argument 'd'; it takes: b, c"),
        (".further", "deepr", {}, "does not expose a function called 'deepr'; did you mean 'deeper'?"),
        (".spaces.inner", "her", {}, "does not expose a function called 'her'; did you mean 'here'?"),
        (".furter", "deeper", {"b": 1}, ".furter' on this machine; did you mean 'PACKAGE.further'?"),
        (".none_at_all.x", "f", {}, "on this machine; install the package that has it"),
        # What is near has to be there itself, with all that stands below it.
        (".spacess.missing", "f", {}, "on this machine; install the package that has it"),
        (".broken", "anything", {}, ".broken' cannot be imported: broken.py, line 1: invalid syntax"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told_with_the_nearest(
    package: str, module: str, func: str, arguments: dict[str, Any], words: str
) -> None:
    plan = plan_of(LOCAL, _called(package + module, func, **arguments))
    assert words.replace("PACKAGE", package) in said(plan)
    assert package not in sys.modules


@pytest.mark.parametrize(
    ("module", "func", "arguments"),
    [
        ("", "break_it", {"name": "x", "force": True, "count": "${n}"}),
        ("", "mend_it", {"whatever": 1}),
        ("", "decorated", {"whatever": 1}),
        ("", "by_position", {}),
        ("", "either", {"c": 1}),
        ("", "LATER", {"c": 1}),
        ("", "Thing", {"c": 1}),
        ("", "fast", {}),
        ("", "${function}", {}),
        ("", "renamed", {"b": 1}),
        (".all", "anything", {}),
        (".hiding", "anything", {}),
        (".spaces.inner", "here", {}),
    ],
)
def test_what_may_be_there_is_not_missed(package: str, module: str, func: str, arguments: dict[str, Any]) -> None:
    assert said(plan_of(LOCAL, _called(package + module, func, **arguments))) == ""
    assert package not in sys.modules


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def before_activity_control(context, **kwargs): ...", ""),
        ("from .own import *", ""),
        ("import own\nafter_method_control = own.tell\nbefore = after = 1", ""),
        ("def helper(): ...", "has no function of a control; such as before_activity_control"),
        ("def before_activity_controll(context, **kwargs): ...", "that nothing calls; did you mean 'before_activity_control'?"),
        ("def after_activity_control(): ...\ndef befor_method_control(): ...", "did you mean 'before_method_control'?"),
        ("def before_activity_control(:", "cannot be imported: "),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["experiment", "hypothesis", "activity", "rollback", "settings"])
def test_a_control_that_would_not_be_called_is_told_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, place: str, source: str, words: str
) -> None:
    name = f"control_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(source + "\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    control = {"name": "ask", "provider": {"type": "python", "module": name}}
    action: dict[str, Any] = {"type": "action", "name": "a", "provider": {"type": "process", "path": "true"}}
    document: dict[str, Any] = {"title": "t", "method": [action], "rollbacks": [action]}
    match place:
        case "experiment":
            document["controls"] = [control]
        case "hypothesis":
            document["steady-state-hypothesis"] = {"title": "h", "probes": [], "controls": [control]}
        case "activity":
            document["method"] = [{**action, "controls": [control]}]
        case "rollback":
            document["rollbacks"] = [{**action, "controls": [control]}]
    plan = plan_of(LOCAL, {"type": "process", "path": "true"}, document=document)
    if place == "settings":
        plan = replace(plan, global_controls={"ask": name})
    lines = said(plan).splitlines()
    assert [line for line in lines if "control ask" in line] == lines
    assert len(lines) == bool(words)
    assert words.replace(";", " [tools];", 1) in said(plan) or words in said(plan)


def test_what_python_itself_has_is_known_by_name() -> None:
    for module, func in (("time", "sleep"), ("os.path", "join"), ("random", "randint")):
        assert "does not expose" not in said(plan_of(LOCAL, _called(module, func)))
    assert "does not expose a function called 'slepe'; did you mean 'sleep'?" in said(
        plan_of(LOCAL, _called("time", "slepe"))
    )


def test_a_refusal_leads_to_the_name_or_the_argument(package: str) -> None:
    probe = activity(_called(package, "brake_it"), "ask", "probe")
    plan = plan_of(LOCAL, _called(package, "break_it", name=1, force=1, x=1), probe)
    places = [each.at for each in judge_plan(plan, attended=True)]
    assert places == [("method", 0, "provider", "arguments", "x"), ("method", 1, "provider", "func")]


def test_a_function_of_the_kubernetes_extension_that_is_not_there_is_told_once() -> None:
    for function, near in (
        ("pod.actions.terminate_pod", "chaosk8s.pod.actions.terminate_pods"),
        ("pod.probes.pod_ready", ""),
    ):
        plan = plan_of(cluster(), kube(function, ns="shop"))
        (line,) = [each for each in said(plan).splitlines() if "pod" in each and "context" not in each]
        assert "there is no such function" in line or "does not expose a function called 'pod_ready'" in line
        assert (f"did you mean {near!r}?" in line) is bool(near)
    assert "did you mean 'chaosk8s.pod.actions'?" in said(
        plan_of(cluster(), kube("pods.actions.terminate_pods", ns="shop"))
    )


def test_an_argument_that_the_extension_does_not_take_is_told_once() -> None:
    action = kube("pod.actions.terminate_pods", ns="shop", name_pattern="web-1", grace=1)
    (line,) = [each for each in said(plan_of(cluster(), action)).splitlines() if "'grace'" in each]
    assert line.endswith("[kubernetes]")
    probe = activity(kube("pod.probes.count_pods", label_selector="a=b", nss="shop"), "ask", "probe")
    assert "count_pods takes no argument 'nss'; did you mean 'ns'?" in said(plan_of(cluster(), probe))


def test_what_the_extension_takes_is_read_from_its_source() -> None:
    found = signature_of("chaosk8s.pod.actions", "terminate_pods")
    assert found is not None
    assert {"label_selector", "ns", "qty"} <= set(found.names)
    assert "terminate_pods" in (names_in("chaosk8s.pod.actions") or ())
    assert "chaosk8s.pod.actions" not in sys.modules
