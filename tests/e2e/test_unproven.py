"""Whole runs that prove nothing although nothing broke, and what they say of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from file_fault import EXPERIMENT, SHORT, Repo

_CLUMSY = EXPERIMENT.replace(
    'path: touch, arguments: "$MARKER"', 'path: sh, arguments: ["-c", "touch $MARKER; exit 1"]'
)
_ALLOWED = f"{_CLUMSY}extensions: [{{name: gameday, ok-exit-codes: [0, 1]}}]\n"
_HYPOTHESIS = """\
steady-state-hypothesis:
  title: no file stands there
  probes:
    - type: probe
      name: absent
      tolerance: 1
      provider: {type: process, path: sh, arguments: ["-c", "test -e $MARKER || exit 1"]}
"""


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with Repo.make(tmp_path) as made:
        yield made


@pytest.mark.parametrize("what", [("files",), ("experiments/files.yaml", "--target", "local")])
@pytest.mark.parametrize(("text", "code"), [(_CLUMSY, 7), (_ALLOWED, 0)])
def test_an_action_that_exits_with_1_is_named(repo: Repo, what: tuple[str, ...], text: str, code: int) -> None:
    repo.write("runbooks/files.yaml", SHORT)
    repo.write("experiments/files.yaml", text)
    said = repo.gameday("run", *what)
    assert (said.code, repo.leftovers()) == (code, [])
    assert ("action 'put it there' exited with 1: the fault may not be in" in said.err) is (code == 7)
    assert ("and nothing shows that the fault was in" in said.err) is (code == 7)


@pytest.mark.parametrize("what", [("files",), ("experiments/files.yaml", "--target", "local")])
def test_a_hypothesis_that_does_not_hold_fails_alone_and_in_a_drill(repo: Repo, what: tuple[str, ...]) -> None:
    repo.write("runbooks/files.yaml", SHORT)
    repo.write("experiments/files.yaml", EXPERIMENT + _HYPOTHESIS)
    said = repo.gameday("run", *what)
    assert (said.code, repo.leftovers()) == (1, [])
    assert "hypothesis after of files did not hold: absent" in said.err
