"""A relative path means the same to everything of a run, wherever the run was typed: the folder of its repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from file_fault import Repo

_EXPERIMENT = """\
title: Where are we
description: Everything says where it works.
configuration:
  probed: {type: probe, name: where, provider: {type: process, path: sh, arguments: ["-c", "pwd >>$MARKER.configuration"]}}
steady-state-hypothesis:
  title: It can say so
  probes:
    - {type: probe, name: say, tolerance: 0, provider: {type: process, path: sh, arguments: ["-c", "pwd >>$MARKER.hypothesis"]}}
method:
  - {type: action, name: put it there, provider: {type: process, path: touch, arguments: [./flag]}}
  - {type: action, name: say, provider: {type: process, path: sh, arguments: ["-c", "pwd >>$MARKER.method"]}}
rollbacks:
  - {type: action, name: take it away, provider: {type: python, module: os, func: remove, arguments: {path: ./flag}}}
  - {type: action, name: say, provider: {type: process, path: sh, arguments: ["-c", "pwd >>$MARKER.rollback"]}}
extensions:
  - name: gameday
    undone-when:
      - {name: it is gone, tolerance: 0, provider: {type: process, path: sh, arguments: ["-c", "pwd >>$MARKER.check; test ! -e ./flag"]}}
"""
_RUNBOOK = "name: R\nsteps:\n  - name: Look\n    run: pwd >>$MARKER.step\n"
_DRILL = """\
name: Where
target: local
runbook: files
experiments: [{experiment: files}]
needs:
  - {name: it can be asked, tolerance: 0, provider: {type: process, path: sh, arguments: ["-c", "pwd >>$MARKER.need"]}}
limits: {time-box: 20s}
"""
_BARE = ("configuration", "hypothesis", "method", "rollback", "check")


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with Repo.make(tmp_path) as made:
        made.write("experiments/files.yaml", _EXPERIMENT)
        made.write("runbooks/files.yaml", _RUNBOOK)
        made.write("drills/files/drill.yaml", _DRILL)
        made.write("elsewhere/deep/empty", "")
        yield made


@pytest.mark.parametrize(
    ("what", "places"),
    [
        (("../../experiments/files.yaml", "--target", "local"), _BARE),
        (("files",), (*_BARE, "step", "need")),
    ],
)
def test_everything_works_in_the_folder_of_the_repository(
    what: tuple[str, ...], places: tuple[str, ...], repo: Repo
) -> None:
    said = repo.gameday("run", *what, "--headless", cwd=repo.root / "elsewhere" / "deep")
    for place in places:
        assert set(Path(f"{repo.marker}.{place}").read_text().split()) == {str(repo.root)}, (place, said.err)
    assert not (repo.root / "flag").exists()
    assert list((repo.root / "elsewhere" / "deep").iterdir()) == [repo.root / "elsewhere" / "deep" / "empty"]
    assert repo.leftovers() == []
