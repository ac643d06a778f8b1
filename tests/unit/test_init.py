"""What `gameday init` lays out, and that it never writes over anything."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from runner.cli.init import init
from runner.errors import InputError
from runner.specs.catalogue import Catalogue
from runner.specs.shipped import drill_files, example_files, shipped

_DRILLS = shipped().drills()


def _init(*words: str | Path) -> str:
    done = CliRunner().invoke(init, [str(word) for word in words], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.output


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_catalogue_ships() -> None:
    assert set(_DRILLS) >= {"payment-gateway-outage", "checkout-process-killed", "slow-dependency", "cache-lost"}


def test_the_example_alone(tmp_path: Path) -> None:
    assert _init(tmp_path).endswith("gameday run first-drill\n")
    assert Catalogue(tmp_path).drills() == ["first-drill"]
    assert Catalogue(tmp_path).check() == []


@pytest.mark.parametrize("name", _DRILLS)
def test_a_shipped_drill_comes_with_all_that_it_needs(name: str, tmp_path: Path) -> None:
    said = _init(tmp_path, "--with", name)
    catalogue = Catalogue(tmp_path)
    assert catalogue.drills() == sorted(["first-drill", name])
    assert catalogue.check() == []
    assert catalogue.load_drill(name).locustfiles == (tmp_path / "drills" / name / "locustfile.py",)
    assert said.endswith(f"gameday run {name}\n")


@pytest.mark.parametrize("name", ["na me", "it's", "-x", "$HOME", "mine"])
def test_the_next_command_can_be_typed_whatever_the_folder_is_called(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = _init("--", name).rpartition("Now: ")[2].partition(" && ")[0]
    typed = subprocess.run(["sh", "-c", f"{command} && pwd"], capture_output=True, text=True, check=True)
    assert typed.stdout == f"{tmp_path / name}\n"


def test_all_of_them(tmp_path: Path) -> None:
    _init(tmp_path, "--with", "all")
    assert Catalogue(tmp_path).drills() == sorted(["first-drill", *_DRILLS])
    assert Catalogue(tmp_path).check() == []


def test_several_by_name_and_one_twice(tmp_path: Path) -> None:
    _init(tmp_path, "--with", "cache-lost", "--with", "slow-dependency", "--with", "cache-lost")
    assert Catalogue(tmp_path).drills() == ["cache-lost", "first-drill", "slow-dependency"]


def test_where_there_are_drills_already_the_example_stays_away(tmp_path: Path) -> None:
    _init(tmp_path, "--with", "cache-lost")
    (tmp_path / "drills" / "first-drill" / "drill.yaml").write_text("name: Mine\n")
    _init(tmp_path, "--with", "slow-dependency")
    assert (tmp_path / "drills" / "first-drill" / "drill.yaml").read_text() == "name: Mine\n"


def test_what_is_there_already_is_said_and_left(tmp_path: Path) -> None:
    _init(tmp_path, "--with", "all")
    before = _files(tmp_path)
    said = _init(tmp_path, "--with", "all")
    assert said.count("(is there already)") == len(drill_files(["all"]))
    assert _files(tmp_path) == before


@pytest.mark.parametrize("name", ["cache-lots", "Cache_Lost", "first", "../cache-lost", ""])
def test_a_name_that_does_not_ship(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"comes with Gameday; (did you mean 'cache-lost'|there are: .*, all)"):
        _init(tmp_path, "--with", name, "--with", "slow-dependency")
    assert _files(tmp_path) == {}


def _other(path: Path) -> None:
    path.write_text("mine")


def _folder(path: Path) -> None:
    path.mkdir()


def _nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


@pytest.mark.parametrize("lay", [_other, _folder, _nowhere])
@pytest.mark.parametrize("path", sorted([*example_files(), *drill_files(["cache-lost"])]), ids=str)
def test_a_user_s_own_file_stops_all_of_it(path: Path, lay: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    lay(tmp_path / path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=r"nothing was written: .* would be overwritten"):
        _init(tmp_path, *([] if path in example_files() else ["--with", "cache-lost"]))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("above", ["drills", "drills/cache-lost", "runbooks"])
def test_a_file_where_a_folder_is_needed_stops_all_of_it(above: str, tmp_path: Path) -> None:
    (tmp_path / above).parent.mkdir(exist_ok=True)
    (tmp_path / above).write_text("mine")
    with pytest.raises(InputError, match=f"nothing was written: .*{above} would be overwritten"):
        _init(tmp_path, "--with", "cache-lost")
    assert list(_files(tmp_path)) == [above]
