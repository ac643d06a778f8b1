"""How long an armed experiment takes from the word to its first activity."""

from __future__ import annotations

from pathlib import Path

from figures import BIN, Row, percentile, place

from drills import lay_out_drill
from runner.engine.events import ActivityStarted, InjectionOrdered
from runner.transcript.reader import read

MOST = 0.020

_EXPERIMENTS = 10
_RUNS = 3


def rows(*, quick: bool) -> list[Row]:
    """One drill whose every step lets one more experiment go, several times."""
    delays: list[float] = []
    with place() as here:
        lay_out_drill(here, steps=["sleep 0.3"] * (_EXPERIMENTS + 1), experiments=_EXPERIMENTS)
        for _ in range(1 if quick else _RUNS):
            here.call(BIN / "gameday", "run", "bench", "--headless", okay=(0, 1, 7))
        for transcript in here.transcripts():
            delays += _delays(transcript)
    late, middle = percentile(delays, 0.95), percentile(delays, 0.5)
    return [
        Row(
            what=f"word given to first activity started, p95 of {len(delays)}",
            ours=f"median {middle * 1e3:.1f} ms",
            value=f"{late * 1e3:.1f} ms",
            reach=f"≤ {MOST * 1e3:g} ms",
            met=late <= MOST,
        )
    ]


def _delays(transcript: Path) -> list[float]:
    ordered: dict[str, float] = {}
    delays = []
    for recorded in read(transcript):
        match recorded.event:
            case InjectionOrdered(experiment=slug):
                ordered[slug] = recorded.t
            case ActivityStarted(experiment=slug) if slug in ordered:
                delays.append(recorded.t - ordered.pop(slug))
    return delays
