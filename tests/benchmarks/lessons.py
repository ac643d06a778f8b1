"""In how many runs a drill taught what it is for: an impact, a mitigation and a recovery, each measured.

The example of `gameday init` and the drills that ship, run unattended beside processes that keep every core busy. Alone,
`python tests/benchmarks/lessons.py [DRILL…] [--n 20] [--busy 2]` prints each run as it ends.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from figures import BIN, Place, Row, place

from runner.scoring.score import score
from runner.scoring.scorecard import Scorecard
from runner.transcript.reader import read

DRILLS = ("first-drill", "payment-gateway-outage", "checkout-process-killed", "slow-dependency", "cache-lost")
TIMES = 20


@dataclass(frozen=True)
class Lesson:
    """What one run measured, and in its own words how it ended."""

    impact: bool
    mitigated: bool
    recovered: bool
    ending: str

    @property
    def whole(self) -> bool:
        return self.impact and self.mitigated and self.recovered

    def __str__(self) -> str:
        marks = zip(("impact", "mitigated", "recovered"), (self.impact, self.mitigated, self.recovered), strict=True)
        return f"{' '.join(name if there else f'no-{name}' for name, there in marks)}: {self.ending}"


def rows(*, quick: bool) -> list[Row]:
    """A row for each drill."""
    with busy(os.cpu_count() or 1), place() as here:
        here.call(BIN / "gameday", "init", "--with", "all")
        return [_row(drill, list(lessons(here, drill, 2 if quick else TIMES))) for drill in DRILLS]


def _row(drill: str, seen: Sequence[Lesson]) -> Row:
    whole = sum(lesson.whole for lesson in seen)
    counts = {each: sum(getattr(lesson, each) for lesson in seen) for each in ("impact", "mitigated", "recovered")}
    return Row(
        what=f"taught, {drill}",
        ours=", ".join(f"{each} {count}" for each, count in counts.items()),
        peer="every core busy",
        value=f"{whole} of {len(seen)}",
        reach="all",
        met=whole == len(seen),
    )


def lessons(here: Place, drill: str, times: int) -> Iterator[Lesson]:
    """Run it so many times, one after the other."""
    for _ in range(times):
        here.call(BIN / "gameday", "run", drill, "--headless", okay=range(8))
        yield _lesson(score(read(here.transcripts()[-1])))


def _lesson(card: Scorecard) -> Lesson:
    times = card.times
    return Lesson(
        impact=times.impact.seconds is not None,
        mitigated=times.mitigated.seconds is not None,
        recovered=times.recovered.seconds is not None,
        ending=f"{card.ending}: {card.headline}",
    )


# Until who started it has gone, however that went.
_COMPUTE = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes that compute all the time."""
    started = [subprocess.Popen([sys.executable, "-c", _COMPUTE]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def main() -> int:
    """Run what was named, and say of each run how it went; 1 when one of them taught less."""
    parser = argparse.ArgumentParser(description="Run drills again and again.")
    parser.add_argument("drill", nargs="*", help=f"of {', '.join(DRILLS)}; all by default")
    parser.add_argument("--n", type=int, default=TIMES, help="how often each")
    parser.add_argument("--busy", type=int, default=os.cpu_count(), help="processes that compute meanwhile")
    wanted = parser.parse_args()
    met = True
    with busy(wanted.busy), place() as here:
        here.call(BIN / "gameday", "init", "--with", "all")
        for drill in wanted.drill or DRILLS:
            seen: list[Lesson] = []
            for lesson in lessons(here, drill, wanted.n):
                seen.append(lesson)
                print(f"  {drill} {len(seen)}: {lesson}", flush=True)
            row = _row(drill, seen)
            print(f"{row.what}: {row.value} ({row.ours})", flush=True)
            met = met and row.met
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
