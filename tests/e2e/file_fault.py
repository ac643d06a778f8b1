"""A repository whose fault is a file: whether it was undone is seen by looking for it, never by asking the tool.

The target is this machine, so it survives the run; the fault is `touch`, its rollback `rm -f`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GAMEDAY = [sys.executable, "-m", "runner"]
#: Seconds until a test stops hoping.
PATIENCE = 60.0

EXPERIMENT = """\
title: A marker file
description: A file stands for the fault.
method:
  - type: action
    name: put it there
    provider: {type: process, path: touch, arguments: "$MARKER"}
rollbacks:
  - type: action
    name: take it away
    provider: {type: process, path: rm, arguments: "-f $MARKER"}
"""
DRILL = """\
name: Files
briefing: A file appears.
target: local
runbook: files
experiments:
  - experiment: files
limits: {time-box: 40s}
"""
#: The step lasts until the test is done with the run.
LONG = "name: Files\nsteps:\n  - name: Look\n    run: sleep 30\n"
SHORT = 'name: Files\nsteps:\n  - name: Look\n    run: "true"\n'
#: What must be so once the file is gone.
GONE = """\
      - name: the marker is gone
        provider: {type: process, path: test, arguments: "! -e $MARKER"}
        tolerance: 0
"""
VACUOUS = """\
      - name: true is true
        provider: {type: process, path: "true"}
        tolerance: 0
"""


def with_check(check: str, deadline: str = "2s") -> str:
    """The experiment with an `undone-when`."""
    return f"{EXPERIMENT}extensions:\n  - name: gameday\n    undo-deadline: {deadline}\n    undone-when:\n{check}"


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


@dataclass
class Repo:
    """One repository with state, runs and sockets of its own."""

    root: Path
    runtime: Path
    started: list[Going] = field(default_factory=list)

    @classmethod
    @contextlib.contextmanager
    def make(cls, root: Path) -> Iterator[Repo]:
        """`root` is empty; what still runs of it at the end is ended."""
        # Sockets have short names, and the folders of tests long ones.
        runtime = Path(tempfile.mkdtemp(prefix="gd-"))
        repo = cls(root, runtime)
        repo.write("experiments/files.yaml", EXPERIMENT)
        repo.write("drills/files/drill.yaml", DRILL)
        repo.write("runbooks/files.yaml", LONG)
        try:
            yield repo
        finally:
            repo.end()
            shutil.rmtree(runtime, ignore_errors=True)

    @property
    def marker(self) -> Path:
        """The fault."""
        return self.root / "marker"

    def write(self, name: str, text: str | bytes) -> Path:
        """A file of the repository; `$MARKER` in it stands for the marker's path."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = text if isinstance(text, bytes) else text.encode()
        path.write_bytes(data.replace(b"$MARKER", str(self.marker).encode()))
        return path

    def env(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        own = {"XDG_STATE_HOME": str(self.root / ".state"), "XDG_RUNTIME_DIR": str(self.runtime)}
        return {**os.environ, **own, **(more or {})}

    def gameday(
        self, *args: str, env: Mapping[str, str] | None = None, cwd: Path | None = None, under: Sequence[str] = ()
    ) -> Said:
        """One command, to its end; `under` is the command that starts it."""
        done = subprocess.run(
            [*under, *GAMEDAY, *args],
            cwd=cwd or self.root,
            env=self.env(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *args: str, fault: bool = True) -> Going:
        """`gameday run`, and on with it until the fault is in and its hold was noted."""
        going = Going.start(self, *(args or ("files",)))
        self.started.append(going)
        if fault:
            until(lambda: self.marker.exists() and going.seen("method-ended"), going.said)
        return going

    # -- what is left --------------------------------------------------------------------------------------------------

    @property
    def run_folders(self) -> list[Path]:
        return sorted((self.root / "runs").glob("*/")) if (self.root / "runs").is_dir() else []

    def open_records(self) -> list[str]:
        return [path.stem for path in (self.root / ".state" / "gameday" / "open").glob("*.json")]

    def leftovers(self) -> list[str]:
        """The fault, records, sockets, processes: everything of a run but its folder. Empty is as it should be."""
        sockets = [str(path) for path in self.runtime.rglob("*.sock")]
        fault = ["the marker"] if self.marker.exists() else []
        return [*fault, *self.open_records(), *sockets, *(f"{pid}: {line}" for pid, line in self.processes())]

    def processes(self) -> Iterator[tuple[int, str]]:
        """Those that work in this repository, or carry its name."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                    here = (entry / "cwd").readlink().is_relative_to(self.root)
                    if line and (here or str(self.root) in line):
                        yield int(entry.name), line

    def end(self) -> None:
        for pid, _ in list(self.processes()):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        for going in self.started:
            going.process.wait()


@dataclass
class Going:
    """A run that is going on, seen from its terminal and its transcript."""

    repo: Repo
    process: subprocess.Popen[bytes]
    told: Path

    @classmethod
    def start(cls, repo: Repo, *args: str, env: Mapping[str, str] | None = None) -> Going:
        told = repo.root / f"told-{len(repo.started)}"
        with told.open("wb") as stream:
            process = subprocess.Popen(
                [*GAMEDAY, "run", *args],
                cwd=repo.root,
                env=repo.env(env),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        return cls(repo, process, told)

    def said(self) -> str:
        return self.told.read_text()

    def events(self) -> list[dict[str, Any]]:
        """What the transcript of the latest run holds so far."""
        paths = [folder / "transcript.jsonl" for folder in self.repo.run_folders]
        if not paths or not paths[-1].is_file():
            return []
        lines = paths[-1].read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def kinds(self) -> list[str]:
        return [event["kind"] for event in self.events()]

    def seen(self, kind: str) -> bool:
        return kind in self.kinds()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events() if event["kind"] == kind]

    def pid(self, role: str) -> int:
        """Of guardian, conductor, chaos or load."""
        return int(next(event["pid"] for event in self.of("process-started") if event["role"] == role))

    def signal(self, role: str, number: signal.Signals) -> None:
        os.kill(self.pid(role), number)

    def ended(self) -> int:
        """Wait for the terminal's command to end; its exit code."""
        return self.process.wait(PATIENCE)

    def closed(self) -> dict[str, Any]:
        """Wait until the story is over and nothing is left of the run; its last line."""
        until(lambda: self.seen("run-closed"), self.said)
        until(lambda: not self.repo.leftovers(), lambda: f"{self.repo.leftovers()}\n{self.said()}")
        return self.events()[-1]


def until(true: Callable[[], object], otherwise: Callable[[], object], within: float = PATIENCE) -> None:
    """Wait for something to become true. Raises AssertionError with what `otherwise` says."""
    end = time.monotonic() + within
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"in vain: {otherwise()}")
        time.sleep(0.02)
