"""A test that hangs, or that takes its process with it, fails; every other one is run, and the run ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

# Nothing else that happens to be installed: a worker is started for each that dies.
_ENV = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
_OPTIONS = ["-p", "xdist", "-p", "timekeeper", "-p", "no:cacheprovider"]
_SETTINGS = "[pytest]\ntest_timeout = 1\ntest_grace = 3\n"

_HEAD = """
import asyncio, contextlib, ctypes, os, signal, time
import pytest

@pytest.fixture
def slow_to_make():
    time.sleep(600)

@pytest.fixture
def slow_to_leave():
    yield
    time.sleep(600)
"""

#: Each with the body of a test; the first group is ended by the signal, in the second the process goes.
_HANGS = {
    "sleeps": "def test_sleeps(): time.sleep(600)",
    "computes": "def test_computes():\n    while True: pass",
    "awaits": "def test_awaits(): asyncio.run(asyncio.sleep(600))",
    "catches_once": "def test_catches_once():\n    with contextlib.suppress(BaseException): time.sleep(600)\n    time.sleep(600)",
    "is_slow_to_make": "def test_is_slow_to_make(slow_to_make): pass",
    "is_slow_to_leave": "def test_is_slow_to_leave(slow_to_leave): pass",
    "fails_and_is_slow_to_leave": "def test_fails_and_is_slow_to_leave(slow_to_leave): assert False",
}
_DIES = {
    "holds_the_interpreter": "def test_holds_the_interpreter(): ctypes.PyDLL(None).sleep(600)",
    "hears_nothing": (
        "def test_hears_nothing():\n    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n"
        "    time.sleep(600)"
    ),
    "exits": "def test_exits(): os._exit(0)",
    "is_killed": "def test_is_killed(): os.kill(os.getpid(), signal.SIGKILL)",
}
_STOPS = {"is_stopped": "def test_is_stopped(): os.kill(os.getpid(), signal.SIGSTOP)"}


def _play(folder: Path, tests: list[str], *options: str) -> tuple[int, str]:
    (folder / "pytest.ini").write_text(_SETTINGS)
    (folder / "test_tiny.py").write_text(_HEAD + "\n\n".join(tests) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *_OPTIONS, "-rA", *options],
        cwd=folder,
        env=_ENV,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=150,
        check=False,
    )
    return done.returncode, done.stdout


def _good(count: int, name: str) -> list[str]:
    return [f"def test_good_{name}_{n}(): pass" for n in range(count)]


def _named(outcome: str, said: str) -> set[str]:
    return set(re.findall(rf"^{outcome} test_tiny\.py::test_(\w+)", said, re.MULTILINE))


@pytest.mark.parametrize(
    ("place", "kinds"),
    [
        pytest.param("first", _HANGS, id="hang-first"),
        pytest.param("first", _DIES, id="die-first"),
        pytest.param("last", _DIES, id="die-last"),
        pytest.param("last", _STOPS, id="stop-last"),
    ],
)
def test_it_fails_the_others_run_and_all_ends(place: str, kinds: dict[str, str], tmp_path: Path) -> None:
    bad, good = list(kinds.values()), _good(6, "one")
    code, said = _play(tmp_path, bad + good if place == "first" else good + bad, "-n", "2", "--dist", "worksteal")
    assert code == 1, said
    assert _named("(?:FAILED|ERROR)", said) == set(kinds), said
    assert _named("PASSED", said) >= {f"good_one_{n}" for n in range(6)}, said


def test_without_workers_what_hangs_fails_too(tmp_path: Path) -> None:
    code, said = _play(tmp_path, [*_good(1, "a"), _HANGS["sleeps"], *_good(1, "z")])
    assert code == 1, said
    assert _named("FAILED", said) == {"sleeps"}, said
    assert _named("PASSED", said) >= {"good_a_0", "good_z_0"}, said


def test_without_workers_a_process_that_cannot_be_helped_says_where_it_stood(tmp_path: Path) -> None:
    code, said = _play(tmp_path, [_DIES["holds_the_interpreter"]])
    assert code == 1, said
    assert "in test_holds_the_interpreter" in said


def test_what_a_test_starts_heeds_the_signals_that_its_own_starter_ignored(tmp_path: Path) -> None:
    asks = (
        "def test_asks():\n    import subprocess\n"
        '    said = subprocess.run(["grep", "SigIgn", "/proc/self/status"], capture_output=True, text=True).stdout\n'
        "    assert not int(said.split()[1], 16) & 0b111"
    )
    (tmp_path / "pytest.ini").write_text(_SETTINGS)
    (tmp_path / "test_tiny.py").write_text(_HEAD + asks + "\n")
    play = f"trap '' HUP INT QUIT; exec {sys.executable} -m pytest {' '.join(_OPTIONS)} -n 1"
    done = subprocess.run(
        ["sh", "-c", play],
        cwd=tmp_path,
        env=_ENV,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout
