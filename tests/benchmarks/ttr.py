"""The time to recover that the shipped drills report, beside what the sandbox's own request log says."""

from __future__ import annotations

import shutil
import sys

from figures import BIN, REPOSITORY, Place, Row, place

from runner.scoring.score import score
from runner.transcript.reader import read

sys.path.append(str(REPOSITORY / "tests" / "e2e"))
import request_log  # type: ignore[import-not-found]  # found through the line above

MOST = 0.2

_DRILLS = ("payment-gateway-outage", "checkout-process-killed", "slow-dependency", "cache-lost")


def rows(*, quick: bool) -> list[Row]:
    """A row for each drill, run unattended as it is shipped."""
    with place() as here:
        for folder in ("drills", "experiments", "runbooks"):
            shutil.copytree(REPOSITORY / folder, here.folder / folder)
        return [_row(here, drill) for drill in _DRILLS[: 1 if quick else None]]


def _row(here: Place, drill: str) -> Row:
    # Refused too: a machine too busy for a steady state has nothing to recover.
    here.call(BIN / "gameday", "run", drill, "--headless", okay=(0, 1, 3, 4, 7))
    run = next(path.parent for path in here.transcripts() if f"-{drill}-" in path.parent.name)
    card = score(read(run / "transcript.jsonl"))
    ours, logged = card.times.recovered.seconds, None
    if ours is not None:
        logged = request_log.judge(run, until=card.ended or 0.0).time_to_recover
    error = None if ours is None or logged is None else ours - logged
    return Row(
        what=f"time to recover, {drill}",
        ours=_seconds(ours),
        peer=f"request log {_seconds(logged)}",
        value="none" if error is None else f"{error:+.3f} s",
        reach=f"within {MOST:g} s",
        met=error is not None and abs(error) <= MOST,
    )


def _seconds(value: float | None) -> str:
    return "not recovered" if value is None else f"{value:.3f} s"
