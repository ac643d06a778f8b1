"""How far recorded times are from those that the commands themselves write, while every core is busy.

The commands are a small C program that appends CLOCK_BOOTTIME as the first thing it does, works for 20 ms, and appends
it again as the last: an interpreter would take longer to start than what is measured.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from figures import BIN, Place, Row, percentile, place

from drills import lay_out_drill
from runner.engine.events import ActivityEnded, ActivityStarted, CommandEnded, CommandStarted, Recorded, RunStarted
from runner.transcript.reader import read

MOST = 0.004

_STEPS = 200
_EXPERIMENTS = 8
#: Actions of each experiment; the p99 of a handful of faults would be their maximum.
_ACTIONS = 10
_RUNS = 4

_PROGRAM = """\
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int count, char **words) {
    long long first = now();
    usleep(20000);
    FILE *file = fopen(words[1], "a");
    fprintf(file, "%s %lld ", words[2], first);
    fprintf(file, "%lld\\n", now());
    return fclose(file);
}
"""


def rows(*, quick: bool) -> list[Row]:
    """Steps and faults, starts and ends, all together and apart."""
    if shutil.which("gcc") is None:
        raise RuntimeError("this figure needs gcc for its stamping program; on Debian: apt-get install gcc")
    errors: dict[str, list[float]] = {"step": [], "fault": []}
    with place() as here:
        program = compile_stamper(here)
        stamps = here.folder / "stamps"
        steps = [f"{program} {stamps} step-{n}" for n in range(48 if quick else _STEPS)]
        lay_out_drill(
            here,
            steps=steps,
            experiments=_EXPERIMENTS,
            actions=_ACTIONS,
            apart=len(steps) // (_EXPERIMENTS + 1),
            command=[str(program), str(stamps), "fault"],
        )
        _tell_faults_apart(here)
        for _ in range(1 if quick else _RUNS):
            stamps.unlink(missing_ok=True)
            with busy_cores():
                here.call(BIN / "gameday", "run", "bench", "--headless", okay=(0, 1, 7))
            for name, error in errors_of(here.transcripts()[-1], read_stamps(stamps)):
                errors[name.partition("-")[0]].append(error)
    return [
        _row(f"recorded {kind} times against the commands' own stamps, every core busy, p99 of {len(found)}", found)
        for kind, found in errors.items()
    ]


def _row(what: str, errors: list[float]) -> Row:
    worst, middle = percentile(errors, 0.99), percentile(errors, 0.5)
    return Row(
        what=what,
        ours=f"median {middle * 1e3:.1f} ms",
        value=f"{worst * 1e3:.1f} ms",
        reach=f"≤ {MOST * 1e3:g} ms",
        met=worst <= MOST,
    )


def compile_stamper(here: Place) -> Path:
    source = here.write("stamp.c", _PROGRAM)
    program = here.folder / "stamp"
    here.call("gcc", "-O2", "-o", program, source)
    return program


def _tell_faults_apart(here: Place) -> None:
    for path in (here.folder / "experiments").glob("*.yaml"):
        document = json.loads(path.read_text())
        for index, action in enumerate(document["method"]):
            action["provider"]["arguments"][-1] = f"fault-{path.stem}-{index}"
        path.write_text(json.dumps(document))


@contextmanager
def busy_cores() -> Iterator[None]:
    """A process that does nothing but work, for every core."""
    # Each ends with this process, however that ends: a forgotten one would spoil every later figure.
    work = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: sum(range(10_000))"
    burners = [subprocess.Popen([sys.executable, "-c", work]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def read_stamps(path: Path) -> dict[str, tuple[int, int]]:
    lines = (line.split() for line in path.read_text().splitlines())
    return {name: (int(first), int(last)) for name, first, last in lines}


def errors_of(transcript: Path, stamps: dict[str, tuple[int, int]]) -> Iterator[tuple[str, float]]:
    """The name of a command and how far a recorded time of it is off, in s: one for its start, one for its end."""
    origin = 0
    for recorded in read(transcript):
        if isinstance(recorded.event, RunStarted):
            origin = recorded.event.origin
        name, edge = _stamped(recorded)
        if name in stamps:
            yield name, abs(recorded.t - (stamps[name][edge] - origin) / 1e9)


def _stamped(recorded: Recorded) -> tuple[str, int]:
    match recorded.event:
        case CommandStarted(step=step):
            return step, 0
        case CommandEnded(step=step):
            return step, 1
        case ActivityStarted(experiment=slug, index=index):
            return f"fault-{slug}-{index}", 0
        case ActivityEnded(experiment=slug, index=index):
            return f"fault-{slug}-{index}", 1
    return "", 0
