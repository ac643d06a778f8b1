"""What `make` and the checks install is written down once, exactly, and agrees with what users may install."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

_REPOSITORY = Path(__file__).parents[2]
_PROJECT = tomllib.loads((_REPOSITORY / "pyproject.toml").read_text())
_LOCK = (_REPOSITORY / "requirements.lock").read_text()
_PINNED = re.compile(r"^(\S+)==(\S+)(?: ; [^\\\n]+)? \\$", re.MULTILINE)
_DECLARED = [
    *_PROJECT["project"]["dependencies"],
    *_PROJECT["project"]["optional-dependencies"]["dev"],
    *_PROJECT["build-system"]["requires"],
]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("declared", _DECLARED)
def test_every_dependency_is_locked_within_its_bounds(declared: str) -> None:
    wanted = Requirement(declared)
    versions = [version for name, version in _PINNED.findall(_LOCK) if _plain(name) == _plain(wanted.name)]
    assert versions, f"{wanted.name} is not in requirements.lock: run `make lock`"
    assert [version for version in versions if version not in wanted.specifier] == []


def test_every_dependency_has_both_bounds() -> None:
    signs = {declared: {each.operator for each in Requirement(declared).specifier} for declared in _DECLARED}
    assert {declared: found for declared, found in signs.items() if not found >= {">=", "<"}} == {}


def test_every_line_is_a_pin_a_hash_or_a_comment() -> None:
    """No address of an index, no path, no option: whoever installs it decides where from."""
    known = re.compile(r"#.*|\S+==\S+( ; [^\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?|    # .*")
    assert [line for line in _LOCK.splitlines() if not known.fullmatch(line)] == []
    assert re.findall(r"\S*(?:://|file:|@ |\.\./|/home|/tmp|/root)\S*", _LOCK) == []


def test_every_pin_has_a_hash() -> None:
    hashed = re.findall(r"^(\S+)==\S+(?: ; [^\\\n]+)? \\\n    --hash=sha256:", _LOCK, re.MULTILINE)
    assert sorted(hashed) == sorted(name for name, _ in _PINNED.findall(_LOCK))
    assert len(hashed) > len(_DECLARED)
