"""What scoring a transcript of a million events costs: `python tests/benchmarks/score.py [EVENTS]`.

Processor time, so that a busy machine does not count. The events are made as they are read, so that the memory is the
scoring's alone; the time to make them is measured first and taken off.
"""

from __future__ import annotations

import resource
import sys
import time
from collections import deque
from collections.abc import Iterator

from runner.engine import events as ev
from runner.engine.plan import Experiment, Indicator, RunPlan, Step, Target
from runner.engine.plan_json import plan_to_json
from runner.scoring.score import score

EVENTS = 1_000_000

#: Seconds of the run in which the service is broken: one outage, then flapping.
OUTAGE = range(1_000, 21_000)


def drill() -> RunPlan:
    return RunPlan(
        name="a long day",
        slug="long",
        target=Target(name="sandbox", kind="sandbox", environment="sandbox"),
        steps=(Step(id="fix", name="Fix", run="true"),),
        experiments=(Experiment(slug="errors", document={}, document_hash="0"),),
        indicators=tuple(
            Indicator(name=name, source="load" if name != "front" else "probe", at_least=0.99)
            for name in ("checkouts", "p95", "front")
        ),
        hold=60.0,
    )


def long_run(count: int) -> Iterator[ev.Recorded]:
    """Six events a second: two load windows, a probe's shots, three judged indicators; now and then a note."""
    plan = drill()
    window = {"n": 20, "failures": 0, "rate": 40.0, "p50": 0.01, "p95": 0.02, "p99": 0.03}
    requests = {"POST /checkout": window, "GET /": window, "GET /catalogue": window}
    shots = tuple((place / 5, True, 0.002, "") for place in range(5))
    opening: list[ev.Event] = [
        ev.RunStarted(run="bench", plan=plan_to_json(plan), attended=True),
        ev.BaselineTaken(met=True, since=0.0, held=("checkouts", "p95", "front")),
        ev.FaultIntended(experiment="errors", index=0, name="x", document_hash="0"),
        ev.ActivityStarted(experiment="errors", index=0, name="x", type="action"),
    ]
    told = 0
    for event in opening:
        yield ev.Recorded(told, "", 0.5, "conductor", event)
        told += 1
    second = 1
    while told < count:
        since = float(second)
        bad = second in OUTAGE and (second < OUTAGE.stop // 2 or second % 3 != 0)
        batch: list[ev.Event] = [
            ev.LoadSampled(since=since, until=since + 0.5, users=40, requests=requests),
            ev.LoadSampled(since=since + 0.5, until=since + 1.0, users=40, requests=requests),
            ev.ProbesSampled(indicator="front", shots=shots),
        ]
        batch += [
            ev.IndicatorJudged(
                indicator=indicator.name,
                since=since,
                n=60,
                value=0.5 if bad else 1.0,
                ok=not bad,
                degraded_ok=not bad,
                first=since + 0.01,
                bad_from=since + 0.2 if bad else None,
                bad_until=since + 0.9 if bad else None,
                degraded_bad_until=since + 0.9 if bad else None,
            )
            for indicator in plan.indicators
        ]
        for event in batch:
            yield ev.Recorded(told, "", since + 1.2, "conductor", event)
            told += 1
        second += 1


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    began = time.process_time()
    deque(long_run(count), maxlen=0)
    making = time.process_time() - began
    began = time.process_time()
    card = score(long_run(count))
    seconds = time.process_time() - began - making
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{'score':<24}{count:>10} events{seconds:>8.2f} s{seconds / count * 1e6:>8.2f} µs each{peak:>8.0f} MB peak")
    print(
        f"{'':<24}{card.load.requests:>10} requests, {card.out_of_tolerance:.0f} s out of tolerance, {card.relapses} relapses"
    )


if __name__ == "__main__":
    main()
