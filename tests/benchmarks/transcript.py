"""How long a transcript of a million events takes to read and to verify, and how much memory.

Run as `python tests/benchmarks/transcript.py [EVENTS]`. The mix is that of a long drill: four samples of load and
indicators to every decision. Each reading is a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from figures import Row
from score import long_run

from runner.clock import Stamp, iso
from runner.engine.events import (
    ActivityEnded,
    CommandEnded,
    Event,
    IndicatorJudged,
    LoadSampled,
    NoteWritten,
    ProbesSampled,
    RunStarted,
    StepEnded,
    StepStarted,
)
from runner.scoring.score import score
from runner.transcript.codec import FIRST_PREV, encode, line_hash, plain_fields
from runner.transcript.head_and_tail import tail
from runner.transcript.reader import Follower, read, verify
from runner.transcript.run_folder import TRANSCRIPT as FILE

EVENTS = 1_000_000
MOST_SECONDS = 10.0
MOST_MEGABYTES = 200.0
BEGINNING = datetime(2026, 11, 20, 17, 40, tzinfo=UTC)


def sample(chance: random.Random, t: float) -> Event:
    """What load and indicators say: judgements mostly, since there is one a second for each of several indicators."""
    kind = chance.random()
    if kind < 0.5:
        value = round(chance.uniform(0.9, 1.0), 6)
        return IndicatorJudged(indicator="checkouts succeed", since=t - 1, n=40, value=value, ok=True, first=t - 0.9)
    if kind < 0.75:
        shots = tuple((round(t - 0.2 * shot, 6), True, 0.003217, "") for shot in range(5))
        return ProbesSampled(indicator="storefront answers", shots=shots)
    window = {"n": 123, "failures": 2, "rate": 246.0, "p50": 0.021, "p95": 0.084, "p99": 0.19}
    return LoadSampled(since=t - 0.5, until=t, users=40, requests={"POST /checkout": window, "GET /catalogue": window})


def decision(chance: random.Random) -> Event:
    """What people, steps and faults do."""
    step = chance.choice(["confirm-impact", "what-is-it", "fail-over", "declare"])
    return chance.choice(
        [
            StepStarted(step=step),
            CommandEnded(step=step, attempt=1, exit_code=0, duration=0.31, output=f"steps/{step}-1.log", tail="done"),
            StepEnded(step=step, outcome="succeeded"),
            NoteWritten(text="error rate is back under one per cent"),
            ActivityEnded(experiment="gateway", index=0, name="reset connections", type="action", status="succeeded"),
        ]
    )


def many_events(count: int) -> Iterator[Event]:
    """`count` events, four samples to every decision."""
    chance = random.Random(1)
    yield RunStarted(run="20261120-1740-a1b2", plan={"slug": "payment-gateway-outage"}, attended=True)
    for number in range(1, count):
        yield sample(chance, number * 0.01) if chance.random() < 0.8 else decision(chance)


def write(path: Path, told: Iterable[tuple[float, Event]]) -> None:
    """What happened when, as lines, without the writer's lock and sync."""
    prev = FIRST_PREV
    with path.open("wb") as file:
        for seq, (t, event) in enumerate(told, 1):
            kind, values = plain_fields(event)
            line = encode(seq, Stamp(iso(BEGINNING + timedelta(seconds=t)), t), "conductor", kind, values, prev)
            prev = line_hash(line)
            file.write(line + b"\n")


def bare_json(path: Path) -> int:
    """The floor: what the standard library needs for the same lines, one by one."""
    with path.open("rb") as file:
        return sum(1 for _ in map(json.loads, file))


def follow(path: Path) -> int:
    """A room that joins late and catches up in pieces."""
    follower = Follower(path)
    count = 0
    while piece := follower.poll(at_most=1000):
        count += len(piece)
    return count


READINGS: dict[str, Callable[[Path], int]] = {
    "json.loads alone": bare_json,
    "read": lambda path: sum(1 for _ in read(path)),
    "verify": lambda path: len(verify(path)),
    "follow": follow,
    "tail of 100": lambda path: len(tail(path, 100)),
    "score": lambda path: score(read(path)).load.requests,
}


def rows(*, quick: bool) -> list[Row]:
    """Reading and scoring together: the whole of what `gameday show` does before it prints."""
    count = EVENTS // 10 if quick else EVENTS
    most = MOST_SECONDS * count / EVENTS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        write(path, ((recorded.t, recorded.event) for recorded in long_run(count)))
        _, floor, _, _ = in_a_process("json.loads alone", path)
        seconds, used, megabytes, _ = in_a_process("score", path)
    what = f"transcript of {count} events: open and score"
    return [
        Row(
            what=f"{what}, processor time",
            ours=f"{seconds:.1f} s wall",
            peer=f"json.loads alone {floor:.1f} s",
            value=f"{used:.1f} s",
            reach=f"≤ {most:g} s",
            met=used <= most,
        ),
        Row(
            what=f"{what}, peak memory",
            value=f"{megabytes:.0f} MB",
            reach=f"≤ {MOST_MEGABYTES:g} MB",
            met=megabytes <= MOST_MEGABYTES,
        ),
    ]


def in_a_process(name: str, path: Path) -> tuple[float, float, float, int]:
    """Seconds, processor seconds, peak megabytes and the count of one reading, in a process of its own."""
    command = [sys.executable, __file__, "--measure", name, str(path)]
    seconds, used, megabytes, count = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return seconds, used, megabytes, count


def measure(name: str, path: Path) -> None:
    """In the child: seconds, processor seconds, peak megabytes and the count, as JSON."""
    begun, used = time.perf_counter(), time.process_time()
    count = READINGS[name](path)
    seconds, used = time.perf_counter() - begun, time.process_time() - used
    print(json.dumps([seconds, used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, count]))


def main(count: int) -> int:
    """Prints the table; 1 when reading alone misses the target."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        write(path, ((round(seq * 0.01, 6), event) for seq, event in enumerate(many_events(count), 1)))
        print(f"transcript of {count} events, {path.stat().st_size / count:.0f} bytes each")
        print(f"{'':18}{'wall':>9}{'processor':>12}{'per event':>12}{'× json':>9}{'peak':>10}{'count':>10}")
        measured: dict[str, tuple[float, float, float, int]] = {}
        for name in READINGS:
            if name == "score":
                continue
            seconds, used, megabytes, counted = measured[name] = in_a_process(name, path)
            micros, ratio = used / count * 1e6, used / measured["json.loads alone"][1]
            print(f"{name:18}{seconds:7.2f} s{used:10.2f} s{micros:9.2f} µs{ratio:9.2f}{megabytes:7.0f} MB{counted:10}")
    # Reading is one thread that never waits: processor time is what a machine with nothing else to do would take.
    _, used, megabytes, _ = measured["read"]
    most = MOST_SECONDS * count / EVENTS
    print(f"target for reading and scoring together: {most:g} s, {MOST_MEGABYTES:g} MB")
    return int(used > most or megabytes > MOST_MEGABYTES)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2], Path(sys.argv[3]))
    else:
        sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else EVENTS))
