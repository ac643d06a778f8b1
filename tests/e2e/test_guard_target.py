"""The guard looks at the real target: whether it is the declared one, before a fault and at its gate, and still there."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_fault import DRILL, GONE, SHORT, Going, Repo, Said, until, with_check
from guard_repo import (
    DRILL_FILE,
    EXPERIMENT_FILE,
    ON_EU,
    ON_STAGE,
    PODS,
    PODS_FILE,
    RUNBOOK_FILE,
    TARGETS,
    TARGETS_FILE,
    changed,
    guarded,
    place,
)

sys.path.append(str(Path(__file__).parents[1] / "contract"))
from kube_api import Cluster, serving, write_kubeconfig


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with guarded(tmp_path) as made:
        yield made


# -- needs, identity, steady state -------------------------------------------------------------------------------------


def _refused(repo: Repo, *args: str) -> Said:
    said = repo.gameday("run", *args)
    assert (said.code, repo.leftovers()) == (3, [])
    assert "↯" not in said.err
    return said


def test_a_need_that_does_not_hold_is_named_with_its_line(repo: Repo) -> None:
    repo.write(
        DRILL_FILE, DRILL + "needs:\n  - name: enough\n    provider: {type: process, path: 'false'}\n    tolerance: 0\n"
    )
    said = _refused(repo, "files")
    assert f"enough: exit code 1, expected 0 ({place(repo, DRILL_FILE, '{type')})" in said.err


def test_an_undone_when_that_does_not_hold_before_is_named_with_its_line(repo: Repo) -> None:
    repo.write(EXPERIMENT_FILE, with_check(GONE))
    repo.marker.touch()
    said = repo.gameday("run", "files")
    assert said.code == 3
    assert f"({place(repo, EXPERIMENT_FILE, '{type: process, path: test')})" in said.err


def test_another_identity_than_the_declared_one_is_named_with_its_line(repo: Repo) -> None:
    identity = "    identity: {provider: {type: process, path: echo, arguments: prod}, tolerance: {type: regex, pattern: stage, target: stdout}}\n"
    repo.write(TARGETS_FILE, changed(TARGETS, "  shop:\n", f"{identity}  shop:\n"))
    said = _refused(repo, *ON_STAGE)
    assert "target stage is what was declared: " in said.err
    assert f"({place(repo, TARGETS_FILE, '{type: process')})" in said.err


# -- a cluster ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def clusters(repo: Repo) -> Iterator[tuple[Cluster, Cluster]]:
    """The declared one; and another, where the kubeconfig points by itself."""
    staging = Cluster(pods={"shop": ["web-1", "web-2"]})
    with serving(staging), serving(Cluster(uid="666", pods={"shop": ["web-1"]})) as other:
        write_kubeconfig(repo.root / "config", "other", eu=staging.url, other=other.url)
        yield staging, other


def _going(repo: Repo, *args: str) -> Going:
    going = Going.start(repo, *args, env={"KUBECONFIG": str(repo.root / "config")})
    repo.started.append(going)
    return going


def test_a_fault_goes_to_the_declared_cluster_whatever_the_kubeconfig_points_at(
    repo: Repo, clusters: tuple[Cluster, Cluster]
) -> None:
    staging, other = clusters
    said = repo.gameday("run", *ON_EU, env={"KUBECONFIG": str(repo.root / "config")})
    assert said.code == 0, said.err
    assert staging.pods == {"shop": ["web-2"]}
    assert [line for line in staging.asked if line.startswith("DELETE")] == [
        "DELETE /api/v1/namespaces/shop/pods/web-1"
    ]
    assert other.asked == []


def test_a_cluster_that_is_another_one_gets_no_fault(repo: Repo, clusters: tuple[Cluster, Cluster]) -> None:
    staging, _ = clusters
    staging.uid = "another"
    said = repo.gameday("run", *ON_EU, env={"KUBECONFIG": str(repo.root / "config")})
    assert said.code == 3
    assert "target eu is cluster 5b9cf7a0-0000-4000-8000-000000000001" in said.err
    assert "another" in said.err
    assert set(staging.asked) == {"GET /api/v1/namespaces/kube-system"}


_IDENTITY = "GET /api/v1/namespaces/kube-system"
_TWICE = PODS + PODS.partition("method:\n")[2].replace("take pods", "take more")


@pytest.mark.parametrize(
    ("experiment", "last", "left"),
    [(PODS, _IDENTITY, ["web-1", "web-2"]), (_TWICE, "DELETE /api/v1/namespaces/shop/pods/web-1", ["web-2"])],
    ids=["the first fault", "the second fault"],
)
def test_a_cluster_is_asked_who_it_is_when_the_fault_stands_at_the_gate(
    experiment: str, last: str, left: list[str], repo: Repo, clusters: tuple[Cluster, Cluster]
) -> None:
    staging, _ = clusters
    staging.changes_after, staging.changes = last, {"uid": "another"}
    repo.write(PODS_FILE, experiment)
    said = repo.gameday("run", *ON_EU, env={"KUBECONFIG": str(repo.root / "config")})
    assert said.code == 3
    assert re.search(r"target eu is cluster 5b9c\S+: .*another", said.err)
    assert "[identity]" in said.err
    assert staging.pods == {"shop": left}
    assert repo.leftovers() == []


def test_one_lost_answer_is_no_reason_to_refuse(repo: Repo, clusters: tuple[Cluster, Cluster]) -> None:
    staging, _ = clusters
    staging.changes_after, staging.changes = _IDENTITY, {"silent_about": "kube-system"}
    said = repo.gameday("run", *ON_EU, env={"KUBECONFIG": str(repo.root / "config")})
    assert said.code == 0, said.err
    assert staging.pods == {"shop": ["web-2"]}


_WAITING = DRILL.replace("target: local", "target: eu").replace("t: files", "t: pods\n    inject: on-command")


def test_a_cluster_that_becomes_another_one_while_a_fault_stands_armed_gets_none(
    repo: Repo, clusters: tuple[Cluster, Cluster]
) -> None:
    staging, _ = clusters
    repo.write(DRILL_FILE, _WAITING)
    going = _going(repo, "files")
    until(lambda: "live" in [event["phase"] for event in going.of("phase-entered")], going.said)
    staging.uid = "another"
    assert going.ended() == 3
    assert "target eu still is what was declared" in going.said()
    assert staging.pods == {"shop": ["web-1", "web-2"]}


def test_undo_goes_to_the_cluster_of_the_fault_too(repo: Repo, clusters: tuple[Cluster, Cluster]) -> None:
    staging, other = clusters
    undo = "rollbacks:\n  - type: action\n    name: again\n    provider:\n" + PODS.partition("    provider:\n")[2]
    repo.write(PODS_FILE, PODS + undo)
    said = repo.gameday("run", *ON_EU, env={"KUBECONFIG": str(repo.root / "config")})
    assert said.code == 0, said.err
    assert staging.pods == {"shop": []}
    assert other.asked == []


# -- a target that goes away -------------------------------------------------------------------------------------------

_STOPS = "stop-when: [{target: gone, for: 1s}]\n"


def test_a_target_that_goes_away_stops_a_drill_that_asks_for_it(repo: Repo) -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", "import socket,time; s=socket.create_server(('127.0.0.1',0)); print(s.getsockname()[1], flush=True); time.sleep(99)"],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert server.stdout is not None
    port = int(server.stdout.readline())
    repo.write(TARGETS_FILE, changed(TARGETS, '"http://127.0.0.1:9"', f'"http://127.0.0.1:{port}"'))
    repo.write(DRILL_FILE, DRILL + _STOPS)
    going = repo.start(*ON_STAGE)
    gone = time.monotonic()
    server.kill()
    server.wait()
    server.stdout.close()
    assert going.ended() == 4
    assert time.monotonic() - gone < 10
    last = going.closed()
    assert last["ending"] == "stopped"
    assert f"the target is gone for 1 s: 127.0.0.1:{port} takes connections: connection refused" in last["headline"]
    assert going.of("end-decided")[0]["own_fault"] is True


def test_a_target_that_became_another_one_is_gone(repo: Repo, clusters: tuple[Cluster, Cluster]) -> None:
    staging, _ = clusters
    staging.changes_after, staging.changes = "DELETE /api/v1/namespaces/shop/pods/web-1", {"uid": "another"}
    repo.write(DRILL_FILE, DRILL.replace("target: local", "target: eu").replace("t: files", "t: pods") + _STOPS)
    said = repo.gameday("run", "files", env={"KUBECONFIG": str(repo.root / "config")})
    assert said.code == 4
    assert re.search(r"the target is gone for 1 s: target eu is cluster 5b9c\S+: .*another", said.err)
    assert staging.pods == {"shop": ["web-2"]}
    assert repo.leftovers() == []


def test_a_sandbox_whose_process_ends_is_gone(repo: Repo) -> None:
    repo.write(DRILL_FILE, DRILL.replace("target: local", "target: sandbox") + _STOPS)
    going = repo.start()
    going.signal("sandbox", signal.SIGKILL)
    assert going.ended() == 4
    # With a sandbox its faults are gone; this one was outside, and is undone like any other.
    assert not repo.marker.exists()
    assert "the target is gone for 1 s: its process has ended" in going.closed()["headline"]


def test_a_drill_that_does_not_ask_goes_on(repo: Repo) -> None:
    # Nobody listens on port 9.
    repo.write(RUNBOOK_FILE, SHORT)
    assert repo.gameday("run", *ON_STAGE).code == 0
