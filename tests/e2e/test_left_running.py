"""What commands leave running in the background: whom the end of a run ends with the fault, and whom it spares."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from file_fault import Repo, until

from runner.actuators.processes import alive

#: It prints as services do, and ends should nobody end it.
_SERVICE = """\
sh -c 'for i in $(seq 1200); do head -c 20000 /dev/zero || exit 1; sleep 0.05; done' &
echo $! >$MARKER.$1.new; mv $MARKER.$1.new $MARKER.$1
"""
_EXPERIMENT = """\
title: Three services
description: The method, a step and the rollback each start one.
method:
  - type: action
    name: the fault goes on
    provider: {type: process, path: sh, arguments: "$MARKER.start action"}
rollbacks:
  - type: action
    name: what was stopped is started again
    provider: {type: process, path: sh, arguments: "$MARKER.start rollback"}
    pauses: {before: 0.1}
"""
_RUNBOOK = """\
name: Files
steps:
  - name: Mitigate
    run: sh $MARKER.start step
  - name: Look
    run: LOOK
"""


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with Repo.make(tmp_path) as made:
        made.write("marker.start", _SERVICE)
        made.write("experiments/files.yaml", _EXPERIMENT)
        yield made


def _began(repo: Repo, who: str) -> int:
    path = repo.root / f"marker.{who}"
    return int(path.read_text()) if path.exists() else 0


@pytest.mark.parametrize("harm", [None, signal.SIGKILL])
def test_what_the_fault_started_ends_and_what_mends_goes_on(harm: signal.Signals | None, repo: Repo) -> None:
    repo.write("runbooks/files.yaml", _RUNBOOK.replace("LOOK", "sleep 60" if harm else "sleep 0.5"))
    going = repo.start(fault=False)
    until(
        lambda: _began(repo, "action") and _began(repo, "step") and "look" in str(going.of("command-started")),
        going.said,
    )
    assert alive(_began(repo, "action"))
    if harm:
        going.signal("conductor", harm)

    assert going.ended() == (5 if harm else 0)

    assert not alive(_began(repo, "action"))
    assert alive(_began(repo, "step"))
    assert alive(_began(repo, "rollback"))
    for who in ("step", "rollback"):
        with suppress(ProcessLookupError):
            os.kill(_began(repo, who), signal.SIGKILL)
    until(lambda: not repo.leftovers(), repo.leftovers)
