"""Record the transcripts that every later version must read: `python tests/transcripts/record.py VERSION`.

Eight real runs: the four shipped drills, an abort, a run whose processes are all killed and that is recovered, a tabletop,
a relapse. Each is kept as `VERSION/NAME.jsonl` with what `gameday show --json` says of it. A folder that is there is left
alone: what was released is never recorded anew.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

_HERE = Path(__file__).parent
_DRILLS = ("payment-gateway-outage", "checkout-process-killed", "slow-dependency", "cache-lost")
_PATIENCE = 120.0

_TARGETS = "targets:\n  here: {kind: local, environment: sandbox}\n"
_EXPERIMENT = """\
title: A marker file
description: A file stands for the fault.
method:
  - {type: action, name: put it there, provider: {type: process, path: touch, arguments: marker}}
rollbacks:
  - {type: action, name: take it away, provider: {type: process, path: rm, arguments: "-f marker"}}
extensions:
  - name: gameday
    undone-when:
      - name: the marker is gone
        provider: {type: process, path: test, arguments: "! -e marker"}
        tolerance: 0
"""
_DRILL = """\
name: Files
briefing: A file appears.
target: here
runbook: files
experiments:
  - {experiment: files, inject: after-warm-up}
steady-state:
  hold: 2s
  indicators:
    - name: the file is away
      every: 250ms
      probe: {provider: {type: process, path: test, arguments: "! -e marker"}, tolerance: 0}
objectives: {time-to-recover: 30s}
limits: {time-box: 60s}
"""
_RELAPSE = """\
name: Files
steps:
  - {name: Wait for it, run: sleep 3}
  - {name: Take it away, run: rm marker && sleep 4, milestone: mitigated}
  - {name: It comes back, run: touch marker && sleep 3}
  - {name: Take it away for good, run: rm marker && sleep 4}
"""
_WAITING = "name: Files\nsteps:\n  - {name: Look, run: sleep 60}\n"
_TABLETOP = """\
name: Talk it through
steps:
  - {name: Who is on call?, milestone: acknowledged}
  - {name: Fail over, run: "true", milestone: mitigated}
"""


class Place:
    """A repository, a state folder and runs of its own."""

    def __init__(self, root: Path, runbook: str = "") -> None:
        self.root = root
        root.mkdir()
        self._env = {**os.environ, "XDG_STATE_HOME": str(root / ".state"), "XDG_RUNTIME_DIR": str(root / ".rt")}
        (root / ".rt").mkdir(mode=0o700)
        if runbook:
            files = {
                "drills/targets.yaml": _TARGETS,
                "drills/files/drill.yaml": _DRILL,
                "experiments/files.yaml": _EXPERIMENT,
                "runbooks/files.yaml": runbook,
            }
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "runner", *words]
        return subprocess.Popen(command, cwd=self.root, env=self._env, stdin=subprocess.DEVNULL)

    def call(self, *words: str) -> bytes:
        command = [sys.executable, "-m", "runner", *words]
        done = subprocess.run(
            command, cwd=self.root, env=self._env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False
        )
        return done.stdout

    @property
    def folder(self) -> Path:
        """The run folder of its only run."""
        (folder,) = (self.root / "runs").iterdir()
        return folder

    def events(self, kind: str) -> list[dict[str, object]]:
        lines = [*(self.root / "runs").glob("*/transcript.jsonl")]
        text = lines[0].read_text() if lines else ""
        return [event for event in map(json.loads, text.splitlines()) if event["kind"] == kind]

    def await_event(self, kind: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not self.events(kind):
            if time.monotonic() > deadline:
                raise SystemExit(f"{self.root}: no {kind} within {_PATIENCE:g} s")
            time.sleep(0.05)


def shipped(drill: str) -> Callable[[Path], Place]:
    """One of the shipped drills, to its end."""

    def play(root: Path) -> Place:
        place = Place(root)
        place.call("init", "--with", "all")
        place.call("run", drill, "--headless")
        return place

    return play


def aborted(root: Path) -> Place:
    """Somebody aborts while the fault is in."""
    place = Place(root, _WAITING)
    going = place.start("run", "files", "--headless")
    place.await_event("method-ended")
    time.sleep(2)
    place.call("abort", "--why", "seen enough")
    going.wait(_PATIENCE)
    return place


def recovered(root: Path) -> Place:
    """Everything is killed while the fault is in; then `gameday recover`."""
    place = Place(root, _WAITING)
    going = place.start("run", "files", "--headless")
    place.await_event("method-ended")
    time.sleep(2)
    pids = {event["role"]: event["pid"] for event in place.events("process-started")}
    for role in ("guardian", "conductor", "chaos"):
        os.kill(int(str(pids[role])), signal.SIGKILL)
    going.kill()
    going.wait()
    time.sleep(2)
    place.call("recover")
    return place


def tabletop(root: Path) -> Place:
    """A runbook that is walked through by one person."""
    place = Place(root, _TABLETOP)
    going = place.start("walk", "files", "--headless")
    place.await_event("step-started")
    for _ in range(2):
        time.sleep(1)
        place.call("tell", "complete", "--name", "ana")
    going.wait(_PATIENCE)
    return place


def relapsed(root: Path) -> Place:
    """The harm comes back after a recovery."""
    place = Place(root, _RELAPSE)
    place.call("run", "files", "--headless")
    return place


RUNS: dict[str, Callable[[Path], Place]] = {
    **{drill: shipped(drill) for drill in _DRILLS},
    "abort": aborted,
    "kill-and-recover": recovered,
    "tabletop": tabletop,
    "relapse": relapsed,
}


def main() -> None:
    """Record what is not there yet."""
    parser = argparse.ArgumentParser(description="Record transcripts that every later version must read.")
    parser.add_argument("version")
    kept = _HERE / parser.parse_args().version
    kept.mkdir(exist_ok=True)
    for name, play in RUNS.items():
        if (kept / f"{name}.jsonl").exists():
            continue
        base = Path(tempfile.mkdtemp(prefix="gd-"))
        try:
            place = play(base / "repo")
            card = place.call("show", place.folder.name, "--json")
            shutil.copy(place.folder / "transcript.jsonl", kept / f"{name}.jsonl")
            (kept / f"{name}.json").write_text(json.dumps(json.loads(card), indent=1, sort_keys=True) + "\n")
            print(name, json.loads(card)["headline"], flush=True)
        finally:
            shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()
