"""What the benchmarks share: a row of the table, and measuring two commands side by side."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

#: Where the installed commands of this environment are.
BIN = Path(sys.executable).parent
REPOSITORY = Path(__file__).resolve().parents[2]

_LONGEST = 600


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table. `value` is the ratio, where there is a peer, or the measured figure itself."""

    what: str
    value: str
    reach: str
    met: bool
    ours: str = ""
    peer: str = ""


@dataclass
class Pairs:
    """Seconds of two things measured in turn: the first of ours beside the first of the peer's, and so on."""

    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Ours to the peer's, both as medians."""
        return statistics.median(self.ours) / statistics.median(self.peer)

    def row(self, what: str, peer: str, most: float) -> Row:
        """A row that is met when the ratio is at most `most`."""
        mine, theirs = statistics.median(self.ours), statistics.median(self.peer)
        return Row(
            what=what,
            ours=f"{mine:.3f} s",
            peer=f"{peer} {theirs:.3f} s",
            value=f"{self.ratio:.2f}",
            reach=f"≤ {most:g}",
            met=self.ratio <= most,
        )


def in_turn(ours: Callable[[], float], peer: Callable[[], float], times: int) -> Pairs:
    """Both once unmeasured, then ours, peer, ours, peer: whatever else the machine does hits both."""
    ours()
    peer()
    pairs = Pairs()
    for _ in range(times):
        pairs.ours.append(ours())
        pairs.peer.append(peer())
    return pairs


@dataclass(frozen=True)
class Place:
    """A folder of its own, with an environment in which commands keep their state in it."""

    folder: Path
    env: dict[str, str]

    def call(self, *command: str | Path, okay: Sequence[int] = (0,)) -> float:
        """Run it here; its wall seconds. Raises RuntimeError with its last words for an exit code not in `okay`."""
        began = time.perf_counter()
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_LONGEST,
            check=False,
        )
        took = time.perf_counter() - began
        if done.returncode not in okay:
            words = (done.stdout + done.stderr).decode(errors="replace")[-2000:]
            raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{words}")
        return took

    def processor(self, *command: str | Path) -> tuple[float, float]:
        """Its processor seconds and its wall seconds. For one busy process the first is what an idle machine takes."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall = self.call(*command)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall

    def write(self, name: str, text: str) -> Path:
        """A file here, with the folders it needs."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def transcripts(self) -> list[Path]:
        """The transcripts of the runs made here, oldest first."""
        return sorted((self.folder / "runs").glob("*/transcript.jsonl"))


@contextmanager
def place() -> Iterator[Place]:
    """A fresh one, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="gd-") as name:
        folder = Path(name)
        env = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL", "TZ") if key in os.environ}
        for key, below in (("HOME", "home"), ("XDG_STATE_HOME", "state"), ("XDG_RUNTIME_DIR", "run")):
            (folder / below).mkdir(mode=0o700)
            env[key] = str(folder / below)
        yield Place(folder, env)


def python(code: str, *arguments: str | Path) -> str:
    """What `code` prints, in an interpreter of its own, so that time and memory are its own. Raises CalledProcessError."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=_LONGEST).stdout


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


def table(rows: Sequence[Row]) -> str:
    """All rows as text, each column as wide as it must be."""
    heads = ("what", "ours", "peer", "value", "reach", "met?")
    cells = [heads, *((r.what, r.ours, r.peer, r.value, r.reach, "yes" if r.met else "NO") for r in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([lines[0], "-" * len(lines[0].ljust(sum(widths) + 2 * (len(widths) - 1))), *lines[1:]])


def as_markdown(rows: Sequence[Row]) -> str:
    """The same for a document."""
    lines = ["| what | ours | peer | value | reach | met? |", "|---|---|---|---|---|---|"]
    lines += [f"| {r.what} | {r.ours} | {r.peer} | {r.value} | {r.reach} | {'yes' if r.met else 'no'} |" for r in rows]
    return "\n".join(lines)
