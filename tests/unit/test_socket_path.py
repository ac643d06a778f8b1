"""Where the socket of a run may stand: in folders that nobody else can take over, for its owner or for a group."""

from __future__ import annotations

import grp
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.control.socket_path import closed_to, group_id, run_of, shared_sockets, socket_path
from runner.errors import InputError

_OWN = os.getegid()


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where runtime folder and shared sockets are; open to everybody, as /run is."""
    # The folders of tests have longer names than a socket may, and are closed to others.
    with tempfile.TemporaryDirectory(prefix="gd-") as name:
        place = Path(name)
        place.chmod(0o755)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(place / "own"))
        monkeypatch.setenv("GAMEDAY_SOCKETS", str(place))
        yield place


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_owners_folder_is_the_owners_alone(place: Path) -> None:
    assert socket_path("r1") == place / "own" / "gameday" / "r1.sock"
    assert _mode(place / "own" / "gameday") == 0o700
    (place / "own" / "gameday").chmod(0o755)
    socket_path("r2")
    assert _mode(place / "own" / "gameday") == 0o700


def test_the_groups_folder_is_the_groups(place: Path) -> None:
    path = socket_path("r1", _OWN)
    assert path == place / f"gameday-{os.getuid()}-{_OWN}" / "r1.sock"
    assert _mode(path.parent) == 0o2750
    assert path.parent.stat().st_gid == _OWN


def test_a_socket_has_a_name_that_the_kernel_takes(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = "20261120-174003-payment-gateway-outage-7f3a"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place / ("x" * 120)))
    path = socket_path(run)
    assert len(str(path).encode()) <= 107
    assert not path.is_relative_to(place)


@pytest.mark.parametrize("name", ["d", "payment-gateway-outage", "x-" * 30 + "y", "x" * 60, "x" * 255])
def test_the_socket_of_a_run_is_as_short_whatever_the_drill_is_called(name: str, place: Path) -> None:
    path = socket_path(f"20261120-174003-{name}-7f3a")
    assert path.name == "20261120-174003-7f3a.sock"
    runs = place / "runs"
    folder = runs / f"20261120-174003-{name[:60]}-7f3a"
    assert run_of(path, runs) == runs / "20261120-174003-7f3a"
    for other in (folder, runs / f"20261120-174003-{name[:60]}-7f3b", runs / "20261120-174004-d-7f3a"):
        other.mkdir(parents=True)
    assert run_of(path, runs) == folder


def test_where_no_folder_is_short_enough_it_says_so(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMEDAY_SOCKETS", str(place / ("x" * 120)))
    with pytest.raises(InputError, match=r"too long for a socket.*set GAMEDAY_SOCKETS"):
        socket_path("r1", _OWN)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("", True),
        ("20261120", True),
        ("20261120-174003-outage-7f3a", True),
        ("20261120-174003-out", True),
        ("7f3a", True),
        ("7f3b", False),
        ("20261120-174004-outage-7f3a", False),
    ],
)
def test_a_shared_run_is_called_as_ones_own_is(wanted: str, found: bool, place: Path) -> None:
    path = socket_path("20261120-174003-outage-7f3a", _OWN)
    path.touch()
    assert shared_sockets(wanted) == ([path] if found else [])


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757])
@pytest.mark.parametrize("level", ["", "base"])
def test_a_folder_that_others_may_write_in_is_refused_at_every_level(
    level: str, mode: int, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = place / "base" / "below"
    base.mkdir(parents=True)
    monkeypatch.setenv("GAMEDAY_SOCKETS", str(base))
    (place / level).chmod(mode)
    with pytest.raises(InputError, match=f"others may write in {place / level}.*set GAMEDAY_SOCKETS"):
        socket_path("r1", _OWN)
    (place / level).chmod(mode | stat.S_ISVTX)
    assert socket_path("r1", _OWN).parent.parent == base


@pytest.mark.skipif(os.getuid() != 0, reason="gives a folder to another account")
def test_a_folder_of_another_account_is_refused(place: Path) -> None:
    folder = place / f"gameday-0-{_OWN}"
    folder.mkdir()
    os.chown(folder, 4711, -1)
    with pytest.raises(InputError, match=f"{folder} belongs to another account .uid 4711"):
        socket_path("r1", _OWN)
    os.chown(folder, 0, -1)
    os.chown(place, 4711, -1)
    with pytest.raises(InputError, match=f"{place} belongs to another account"):
        socket_path("r1", _OWN)


def test_a_link_is_followed_to_what_it_really_is(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "wide").mkdir()
    (place / "wide").chmod(0o777)
    (place / "link").symlink_to(place / "wide")
    monkeypatch.setenv("GAMEDAY_SOCKETS", str(place / "link"))
    with pytest.raises(InputError, match=f"others may write in {place / 'wide'}"):
        socket_path("r1", _OWN)


def test_a_place_that_the_group_cannot_reach_is_no_place_for_it(place: Path) -> None:
    place.chmod(0o700)
    os.chown(place, -1, _OWN)
    with pytest.raises(InputError, match=f"{place} is closed to the group"):
        socket_path("r1", _OWN)
    assert closed_to(place, _OWN) == place
    place.chmod(0o710)
    assert closed_to(place, _OWN) is None
    assert closed_to(place, _OWN + 1) == place


def test_only_a_group_of_ones_own_is_given_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    own = grp.getgrgid(_OWN).gr_name
    assert group_id(own) == _OWN
    with pytest.raises(InputError, match=f"there is no group 'no-such-group' on this machine; yours: .*{own}"):
        group_id("no-such-group")
    other = next(each for each in grp.getgrall() if each.gr_gid not in {_OWN, *os.getgroups()})
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(InputError, match=f"this account is not in the group '{other.gr_name}'; it is in: .*{own}"):
        group_id(other.gr_name)


def test_sockets_of_others_are_found_where_they_are_what_they_say(place: Path) -> None:
    assert shared_sockets() == []
    path = socket_path("20261120-outage-7f3a", _OWN)
    path.touch()
    forged = place / f"gameday-{os.getuid() + 1}-{_OWN}"
    forged.mkdir()
    (forged / "20261120-forged-1111.sock").touch()
    assert shared_sockets() == [path]
    assert shared_sockets("7f3a") == shared_sockets("20261120") == [path]
    assert shared_sockets("1111") == []
