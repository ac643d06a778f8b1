"""After everything was killed, or a power cut: what is open is said, undone as it was, or accepted by somebody."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from file_fault import DRILL, EXPERIMENT, GONE, SHORT, Going, Repo, until, with_check

_SCALED = """\
title: Scaled down
description: A file holds how many there are.
configuration:
  count: {type: probe, name: how many, provider: {type: process, path: cat, arguments: "$MARKER.count"}}
method:
  - type: action
    name: scale down
    provider: {type: process, path: sh, arguments: ["-c", "echo 0 >$MARKER.count; touch $MARKER"]}
rollbacks:
  - type: action
    name: scale up
    provider: {type: process, path: sh, arguments: ["-c", 'echo "$0" >$MARKER.count; echo x >>$MARKER.undone; rm $MARKER', "${count}"]}
"""


_KEEP = """\
def after_activity_control(context, configuration, state=None, **_):
    if context["name"] == "make":
        configuration["made"] = state["output"]["stdout"].strip()
"""
#: A control learns in the method what there is to undo, and then nothing happens for a long time.
_LEARNED = """\
title: A file whose name only the method knows
description: A control keeps the name for the rollback.
configuration: {made: "$MARKER.nothing"}
method:
  - type: action
    name: make
    provider: {type: process, path: mktemp, arguments: ["$MARKER.XXXXXX"]}
    controls: [{name: keep, provider: {type: python, module: keep}}]
  - type: action
    name: later
    pauses: {before: 60}
    provider: {type: process, path: "true"}
rollbacks:
  - {type: action, name: remove, provider: {type: process, path: rm, arguments: ["-f", "${made}"]}}
"""
#: No action, and yet something is to be undone.
_OBSERVED = """\
title: A probe that leaves something behind
description: A look that takes its time.
method:
  - {type: probe, name: look, provider: {type: process, path: sh, arguments: ["-c", "touch $MARKER.seen; sleep 60"]}}
rollbacks:
  - {type: action, name: remove, provider: {type: process, path: rm, arguments: ["-f", "$MARKER.seen"]}}
"""


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with Repo.make(tmp_path) as made:
        yield made


def _crash(repo: Repo, going: Going, *, other_boot: bool = False) -> str:
    """Everything of the run dies at once; the run's id."""
    while pids := [pid for pid, _ in repo.processes()]:
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGSTOP)
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        going.process.poll()
    going.process.wait()
    if other_boot:
        _change(repo, boot_id="another")
    return repo.open_records()[0]


def _record(repo: Repo) -> Path:
    return next((repo.root / ".state" / "gameday" / "open").glob("*.json"))


def _change(repo: Repo, **values: Any) -> None:
    path = _record(repo)
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize("other_boot", [False, True])
def test_any_command_names_what_is_left_and_recover_undoes_it_once(other_boot: bool, repo: Repo) -> None:
    repo.write("marker.count", "3")
    repo.write("experiments/files.yaml", _SCALED)
    run = _crash(repo, repo.start(), other_boot=other_boot)
    count = repo.root / "marker.count"
    assert count.read_text() == "0\n"

    said = repo.gameday("list", "--json")
    assert said.err.splitlines() == [f"left open: {run} (target local); undo with: gameday recover"]
    json.loads(said.out)
    assert "left open" not in repo.gameday("--help").err
    assert "dead, left open: gameday recover" in repo.gameday("runs").out
    assert "dead, left open: gameday recover" in repo.gameday("show").err

    refused = repo.gameday("run", "files")
    assert refused.code == 3
    assert f"run {run} on target local" in refused.err
    assert f"undo it with: gameday recover {run}" in refused.err

    first, second = repo.gameday("recover"), repo.gameday("recover", "--name", "ana")
    assert (first.code, first.out) == (0, f"{run}: undone\n")
    assert (second.code, second.out) == (0, "nothing is left open\n")
    # What it was when the fault went in, not what a probe reads now; and once.
    assert count.read_text() == "3\n"
    assert (repo.root / "marker.undone").read_text() == "x\n"
    assert repo.gameday("verify").code == 0
    assert repo.gameday("list").err == ""
    assert repo.leftovers() == []


@pytest.mark.parametrize(("document", "seen"), [(_LEARNED, "configuration-changed"), (_OBSERVED, "method-begun")])
def test_what_a_method_did_by_itself_is_undone_after_a_crash(
    document: str, seen: str, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.write("keep.py", _KEEP)
    repo.write("experiments/files.yaml", document)
    monkeypatch.setenv("PYTHONPATH", f"{repo.root}:{os.environ.get('PYTHONPATH', '')}")
    going = repo.start(fault=False)
    until(lambda: list(repo.root.glob("marker.*")) and going.seen(seen), going.said)
    run = _crash(repo, going)
    assert repo.gameday("recover").out == f"{run}: undone\n"
    assert list(repo.root.glob("marker.*")) == []


def test_a_fault_outside_a_sandbox_that_vanished_is_undone_all_the_same(repo: Repo) -> None:
    repo.write("drills/files/drill.yaml", DRILL.replace("target: local", "target: sandbox"))
    going = repo.start()
    sandbox = going.pid("sandbox")
    run = _crash(repo, going)
    with contextlib.suppress(ProcessLookupError):
        os.kill(sandbox, signal.SIGKILL)
    said = repo.gameday("recover", run)
    assert (said.code, said.out) == (0, f"{run}: undone\n")
    assert [event["how"] for event in going.of("fault-undone")] == ["vanished"]
    assert len(going.of("rollback-started")) == 1
    assert not repo.marker.exists()


def test_a_sandbox_that_vanished_took_the_faults_in_it_along(repo: Repo) -> None:
    repo.write("drills/files/drill.yaml", DRILL.replace("target: local", "target: sandbox"))
    never = EXPERIMENT.replace('path: rm, arguments: "-f $MARKER"', 'path: "false"')
    repo.write("experiments/files.yaml", never)
    going = repo.start()
    sandbox = going.pid("sandbox")
    run = _crash(repo, going)
    with contextlib.suppress(ProcessLookupError):
        os.kill(sandbox, signal.SIGKILL)
    assert repo.gameday("recover", run).code == 0
    assert [event["how"] for event in going.of("fault-undone")] == ["vanished"]
    # There is nobody whom a second attempt could reach.
    assert len(going.of("rollback-started")) == 1
    repo.marker.unlink(missing_ok=True)


def test_what_can_never_be_undone_is_closed_by_somebody_with_a_name(repo: Repo) -> None:
    never = with_check(GONE).replace('path: rm, arguments: "-f $MARKER"', 'path: "false"')
    repo.write("experiments/files.yaml", never)
    going = repo.start()
    run = _crash(repo, going)
    tried = repo.gameday("recover")
    assert (tried.code, "NOT undone" in tried.out) == (6, True)
    assert repo.gameday("run", "files").code == 3

    no_reason = repo.gameday("recover", "--accept", run)
    assert (no_reason.code, "--accept needs --why" in no_reason.err) == (2, True)
    assert repo.gameday("recover", "--accept", "nobody", "--why", "x").code == 2
    accepted = repo.gameday("recover", "--accept", run, "--why", "the machine was scrapped", "--name", "ana")
    assert accepted.code == 0, accepted.err

    event = going.of("fault-accepted")[0]
    assert (event["by"], event["uid"], event["why"]) == ("ana", os.getuid(), "the machine was scrapped")
    assert event["experiments"] == ["files"]
    kept = json.loads((repo.root / ".state" / "gameday" / "accepted.jsonl").read_text())
    assert (kept["run"], kept["person"], kept["uid"]) == (run, "ana", os.getuid())
    assert repo.gameday("verify").code == 0
    assert repo.open_records() == []
    repo.marker.unlink()
    repo.write("experiments/files.yaml", EXPERIMENT)
    repo.write("runbooks/files.yaml", SHORT)
    assert repo.gameday("run", "files").code == 0


def test_a_run_that_died_before_its_undo_can_be_accepted_too(repo: Repo) -> None:
    going = repo.start()
    run = _crash(repo, going)
    assert repo.gameday("recover", "--accept", run[-4:], "--why", "reinstalled").code == 0
    assert [event["experiment"] for event in going.of("undo-failed")] == ["files"]
    assert going.of("run-closed")[0]["exit_code"] == 6
    assert repo.marker.exists()
    assert repo.gameday("recover").out == "nothing is left open\n"


def test_a_run_that_goes_on_cannot_be_accepted(repo: Repo) -> None:
    repo.start()
    said = repo.gameday("recover", "--accept", repo.open_records()[0], "--why", "impatience")
    assert said.code == 2
    assert repo.marker.exists()
    assert len(repo.open_records()) == 1


def test_a_run_whose_folder_is_gone_says_what_to_do(repo: Repo) -> None:
    run = _crash(repo, repo.start())
    repo.run_folders[0].rename(repo.root / "elsewhere")
    assert f"{run}: recorded as open, but its folder" in repo.gameday("runs").err
    said = repo.gameday("recover")
    assert said.code == 6
    assert f"undo it by hand, then: gameday recover --accept {run} --why ..." in said.err
    assert repo.gameday("recover", "--accept", run, "--why", "by hand").code == 0
    assert repo.open_records() == []


def test_a_damaged_record_is_named_and_nobody_trusts_its_target(repo: Repo) -> None:
    run = _crash(repo, repo.start())
    path = _record(repo)
    path.write_text('{"run": ')
    cure = f"gameday recover --accept {run} --why ..."
    for words in (["runs"], ["recover"], ["list"], ["run", "files"]):
        said = repo.gameday(*words)
        assert f"{path}: the record of an open run is damaged" in said.err, words
        assert cure in said.err
        assert "Traceback" not in said.err
    assert repo.gameday("run", "files").code == 3
    assert repo.gameday("recover").code == 2
    assert repo.gameday("recover", "--accept", run, "--why", "looked at it").code == 0
    assert repo.gameday("runs").err == ""


def test_two_runs_on_one_target_are_refused_naming_the_holder(repo: Repo) -> None:
    going = repo.start("files", "--name", "ana")
    said = repo.gameday("run", "experiments/files.yaml", "--target", "local")
    assert said.code == 3
    record = json.loads(_record(repo).read_text())
    assert f"(ana, guardian pid {record['pid']} on {os.uname().nodename}, since 20" in said.err
    going.process.terminate()
    assert going.ended() == 4
