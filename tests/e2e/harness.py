"""The program as a user runs it, in a world of its own, and what can be seen of it from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]

#: Seconds a command may take; far more than it needs, for a machine that is busy with other things.
PATIENCE = 160


@dataclass(frozen=True)
class World:
    """A short folder that nothing else uses: state, sockets and runs. Whatever names it belongs to this world."""

    base: Path

    @property
    def runs(self) -> Path:
        return self.base / "runs"

    @property
    def env(self) -> dict[str, str]:
        own = {"XDG_STATE_HOME": str(self.base / "state"), "XDG_RUNTIME_DIR": str(self.base / "run")}
        return {**os.environ, **own}

    def start(self, *words: str, cwd: Path = REPOSITORY) -> subprocess.Popen[str]:
        """`gameday WORDS…`, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "runner", *words],
            cwd=cwd,
            env={**self.env, "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def call(self, *words: str, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
        process = self.start(*words, cwd=cwd)
        return finish(process)

    def drill(self, name: str, *options: str, cwd: Path = REPOSITORY) -> Finished:
        """One drill, headless, to its end."""
        process = self.start("run", name, "--headless", "--json", "--runs-dir", str(self.runs), *options, cwd=cwd)
        return self.finished(finish(process))

    def finished(self, done: subprocess.CompletedProcess[str]) -> Finished:
        assert done.stdout, done.stderr
        card = json.loads(done.stdout)
        return Finished(done.returncode, card, self.runs / card["run"], done.stderr)

    def open_runs(self) -> list[str]:
        return [path.name for path in (self.base / "state" / "gameday" / "open").glob("*")]

    def sockets(self) -> list[str]:
        return [str(path) for path in (self.base / "run").rglob("*.sock")]

    def processes(self) -> dict[int, str]:
        """Every living process that has this world's folder in its command, environment or working directory."""
        mark = str(self.base).encode()
        return {pid: command for pid, command, traces in _living() if mark in traces}


@dataclass(frozen=True)
class Finished:
    """A drill that ended: what it said of itself, and where it kept the evidence."""

    exit_code: int
    card: dict[str, Any]
    folder: Path
    story: str


def finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """Wait for its end; end it when that does not come."""
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.terminate()
        out, err = process.communicate(timeout=20)
        raise AssertionError(f"it did not end within {PATIENCE} s:\n{err}") from None
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def ask(url: str) -> Any:
    """The JSON that an address answers with."""
    with urllib.request.urlopen(url, timeout=10) as reply:
        return json.loads(reply.read())


def refuses(url: str) -> bool:
    """Whether nobody listens there."""
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError:
        return False
    except urllib.error.URLError as error:
        return isinstance(error.reason, ConnectionRefusedError)
    return False


def eventually(what: Callable[[], Any], within: float) -> Any:
    """The first true answer; the last one when none comes within so many seconds."""
    deadline = time.monotonic() + within
    while not (found := what()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def declared(addresses: Mapping[str, str]) -> str:
    """A targets.yaml with one http target `standing` at these addresses."""
    others = ", ".join(f'{name}: "{url}"' for name, url in addresses.items() if name != "url")
    return (
        "targets:\n"
        "  standing:\n"
        "    kind: http\n"
        "    environment: staging\n"
        f"    url: {addresses['url']}\n"
        f"    vars: {{{others}}}\n"
        "    identity:\n"
        f'      provider: {{type: http, url: "{addresses["url"]}/about", timeout: 5}}\n'
        '      tolerance: {type: jsonpath, target: body, path: "$.environment", expect: sandbox}\n'
    )


def _living() -> Iterator[tuple[int, str, bytes]]:
    """(pid, command, everything by which it can be told whose it is)."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            if (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                continue
            command = (entry / "cmdline").read_bytes()
            traces = command + (entry / "environ").read_bytes() + bytes((entry / "cwd").readlink())
        except OSError:
            continue  # it ended, or is not ours to look at
        yield int(entry.name), command.replace(b"\0", b" ").decode(errors="replace"), traces
