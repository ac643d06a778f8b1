"""Modules that a library imports for later stay unimported until then, and nobody can tell the difference."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.actuators.shims.put_off import PutOff

_HEAVY = """\
print("heavy is imported")
calls = []
def note(what): calls.append(what)
class Kind: pass
class errors:
    class Odd(Exception): pass
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "heavy_one.py").write_text(_HEAVY)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("heavy_one", "light_one"):
        sys.modules.pop(name, None)


def _light(folder: Path, text: str, **names: tuple[str, ...]) -> tuple[object, PutOff]:
    (folder / "light_one.py").write_text(text)
    group = PutOff(names or {"heavy_one": ("note", "errors", "Kind")})
    with group.importing():
        import light_one
    return light_one, group


def test_what_is_not_used_is_not_imported(library: Path) -> None:
    _light(
        library, "import heavy_one\nfrom heavy_one import Kind\ndef kind(x: heavy_one.Kind) -> heavy_one.errors: ..."
    )
    assert "heavy_one" not in sys.modules


@pytest.mark.parametrize(
    "use",
    [
        "heavy_one.Kind",
        "kind()",
        "class Below(kind): pass",
        "heavy_one.errors.Odd",
        "heavy_one.calls",
    ],
)
def test_what_is_used_is_the_real_thing(library: Path, use: str) -> None:
    light, _ = _light(library, "import heavy_one\nfrom heavy_one import Kind as kind\n")
    exec(use, vars(light))
    import heavy_one

    assert vars(light)["heavy_one"].Kind is heavy_one.Kind
    assert isinstance(vars(light)["kind"](), heavy_one.Kind)


def test_an_exception_can_be_caught_by_its_name(library: Path) -> None:
    light, _ = _light(
        library,
        "import heavy_one\n"
        "def caught():\n"
        "    try: raise heavy_one.errors.Odd\n"
        "    except heavy_one.errors.Odd: return True\n",
    )
    assert vars(light)["caught"]()


def test_a_call_made_while_importing_is_made_once_it_is_there(library: Path) -> None:
    _, group = _light(library, "import heavy_one\nheavy_one.note(heavy_one.errors.Odd)\n")
    assert "heavy_one" not in sys.modules
    group.complete()
    group.complete()
    import heavy_one

    assert heavy_one.calls == [heavy_one.errors.Odd]


def test_a_name_that_may_not_wait_is_there_at_once(library: Path) -> None:
    light, _ = _light(library, "from heavy_one import calls\n")
    assert vars(light)["calls"] == []
    assert "heavy_one" in sys.modules


def test_a_module_that_is_not_installed_stays_missing(library: Path) -> None:
    text = "try:\n    import not_there_at_all\nexcept ImportError:\n    missing = True\n"
    light, group = _light(library, text, not_there_at_all=())
    assert vars(light)["missing"]
    group.complete()


def test_afterwards_an_import_is_real(library: Path) -> None:
    _light(library, "import heavy_one\n")
    import heavy_one

    assert heavy_one.calls == []


_TOOLKIT = """
import sys
from runner.actuators.shims import toolkit
import chaoslib, chaoslib.hypothesis, chaoslib.provider.http
from importlib import metadata
assert "requests" not in sys.modules, "an experiment of commands pays for an HTTP client"
assert chaoslib.__version__ == metadata.version("chaostoolkit-lib"), chaoslib.__version__
commands = {"method": [{"type": "action", "provider": {"type": "process", "path": "true"}}]}
toolkit.complete(commands, {})
assert "requests" not in sys.modules
for other in ({"type": "http"}, {"type": "python"}, {"type": "jsonpath"}, {"controls": []}, {"type": "vault"}):
    assert not toolkit._only_commands({"method": [{"provider": other}]}), other
toolkit.complete({"method": [{"provider": {"type": "http"}}]})
import requests, urllib3, warnings
assert chaoslib.provider.http.requests.Session is requests.Session
assert warnings.filters[0][2] is urllib3.exceptions.InsecureRequestWarning
assert chaoslib.hypothesis.HAS_JSONPATH and chaoslib.hypothesis.JSONPath.parse_str("$.a")
assert chaoslib.decode_bytes("é".encode("latin-1"))
"""


def test_the_toolkit_is_whole_all_the_same() -> None:
    done = subprocess.run([sys.executable, "-c", _TOOLKIT], capture_output=True, text=True, check=False, timeout=60)
    assert not done.returncode, done.stderr
