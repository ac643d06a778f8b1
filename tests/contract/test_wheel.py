"""What is built for users holds all that the commands need: tried from a folder where there is nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).parents[2]


def _built(kind: str, into: Path) -> Path:
    build = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(into)]
    subprocess.run(build, cwd=_REPOSITORY, check=True, capture_output=True)
    return next(into.iterdir())


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(_built("wheel", tmp_path_factory.mktemp("wheel"))) as wheel:
        wheel.extractall(into)
    return into


def _gameday(installed: Path, where: Path, *words: str) -> str:
    # `-P`, and a path of its own: the repository's package must not be found first.
    code = "import runner, sys; assert runner.__file__.startswith(sys.argv.pop(1)); from runner.cli.main import main; sys.exit(main())"
    # What it is asked here leaves nothing beside what was unpacked.
    env = {**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(installed), *words], cwd=where, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_wheel_lays_out_the_whole_catalogue(installed: Path, tmp_path: Path) -> None:
    _gameday(installed, tmp_path, "init", "--with", "all")
    _gameday(installed, tmp_path, "check")
    assert _gameday(installed, tmp_path, "plan", "payment-gateway-outage")
    files = sorted(
        path for name in ("drills", "experiments", "runbooks") for path in (_REPOSITORY / name).rglob("*.*ml")
    )
    assert len(files) > 10
    for file in files:
        assert (tmp_path / file.relative_to(_REPOSITORY)).read_bytes() == file.read_bytes()


def test_a_wheel_holds_no_compiled_files_and_no_tests(installed: Path) -> None:
    held = [path.relative_to(installed) for path in installed.rglob("*") if path.is_file()]
    assert {path.parts[0].partition("-")[0] for path in held} == {"runner", "gameday_runner"}
    assert [path for path in held if path.suffix == ".pyc"] == []


def test_a_wheel_can_be_built_of_the_source_distribution(tmp_path: Path) -> None:
    with tarfile.open(_built("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"drills/cache-lost/drill.yaml", "experiments/cache-off.yaml", "runbooks/cache-lost.yaml"} <= names
