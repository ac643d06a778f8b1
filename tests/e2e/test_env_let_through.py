"""Variables of the shell reach whatever a run does, by name only, and what looks secret is written nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from file_fault import Repo

_LOOK = "env | grep ^SHOP_ | sort >$MARKER.$0"
_TARGETS = "targets:\n  local: {kind: local, environment: sandbox, env: [SHOP_PROFILE]}\n"
_DRILL = f"""\
name: Who sees what
target: local
runbook: look
experiments: [{{experiment: look}}]
env: ["*_TOKEN"]
needs:
  - name: a probe
    provider: {{type: process, path: sh, arguments: ["-c", '{_LOOK}', need]}}
    tolerance: 0
"""
_EXPERIMENT = f"""\
title: Look
description: A method and what undoes it.
method:
  - {{type: action, name: m, provider: {{type: process, path: sh, arguments: ["-c", '{_LOOK}', method]}}}}
rollbacks:
  - {{type: action, name: r, provider: {{type: process, path: sh, arguments: ["-c", '{_LOOK}', rollback]}}}}
"""
_RUNBOOK = f"name: Look\nsteps:\n  - {{name: look, run: '{_LOOK.replace('$0', 'step')}; env | grep ^SHOP_'}}\n"
_SHELL = {"SHOP_PROFILE": "staging", "SHOP_TOKEN": "tokentoken/1234", "SHOP_OTHER": "other"}


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with Repo.make(tmp_path / "repo") as repo:
        repo.write("drills/targets.yaml", _TARGETS)
        repo.write("drills/look/drill.yaml", _DRILL)
        repo.write("experiments/look.yaml", _EXPERIMENT)
        repo.write("runbooks/look.yaml", _RUNBOOK)
        yield repo


def test_probe_method_step_and_rollback_see_what_is_named(repo: Repo) -> None:
    said = repo.gameday("run", "look", "--headless", env=_SHELL)

    assert said.code == 0, said.err
    for who in ("need", "method", "step", "rollback"):
        seen = (repo.root / f"marker.{who}").read_text().split()
        assert seen == ["SHOP_PROFILE=staging", "SHOP_TOKEN=tokentoken/1234"], who
    written = "".join(path.read_text(errors="replace") for path in repo.run_folders[0].rglob("*") if path.is_file())
    assert "tokentoken" not in written + said.err + said.out
    assert "staging" in written
