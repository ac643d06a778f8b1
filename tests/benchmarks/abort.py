"""How long it takes from an abort to the beginning of the undo while an action hangs that listens to nobody."""

from __future__ import annotations

import json
import time
from pathlib import Path

from figures import BIN, Place, Row, percentile, place

from runner.clock import boottime_ns
from runner.control.client import ask
from runner.engine.events import ActivityStarted, Event, Recorded, RollbackStarted, RunClosed, RunStarted
from runner.host.run_registry import OpenRun, Registry
from runner.transcript.reader import Follower

MOST = 1.0

_PATIENCE = 60.0
_LOOK = 0.02
#: It swallows whatever could end it, as retrying clients do.
_HANGS = """\
import time

def hang():
    while True:
        try:
            time.sleep(3600)
        except BaseException:
            pass
"""


def rows(*, quick: bool) -> list[Row]:
    """In the foreground and in the background, one run after the other."""
    times = 10 if quick else 50
    with place() as here:
        here.write("hanging.py", _HANGS)
        here.env["PYTHONPATH"] = str(here.folder)
        found = {way: [_abort(here, background=way == "background") for _ in range(times)] for way in _WAYS}
    return [_row(way, delays) for way, delays in found.items()]


_WAYS = ("foreground", "background")


def _row(way: str, delays: list[float]) -> Row:
    late, middle = percentile(delays, 0.99), percentile(delays, 0.5)
    return Row(
        what=f"abort to undo begun, hung {way} action, p99 of {len(delays)}",
        ours=f"median {middle * 1e3:.0f} ms",
        value=f"{late * 1e3:.0f} ms",
        reach=f"≤ {MOST:g} s",
        met=late <= MOST,
    )


def _abort(here: Place, *, background: bool) -> float:
    """Seconds from the word to the first rollback, in one run."""
    _lay_out(here, background=background)
    here.call(BIN / "gameday", "run", "bench", "--detach")
    run = _open_run(here)
    follower = _Follower(Path(run.folder))
    first = follower.next(RunStarted)
    follower.next(ActivityStarted)
    said = boottime_ns()
    answer = ask(Path(run.socket), {"command": "abort", "reason": "unsafe", "why": "bench", "role": "facilitator"})
    if not answer["ok"]:
        raise RuntimeError(f"the abort was refused: {answer['why']}")
    begun = follower.next(RollbackStarted)
    follower.next(RunClosed)
    while _registry(here).holds(run.run):
        time.sleep(_LOOK)
    assert isinstance(first.event, RunStarted)
    return (first.event.origin + begun.t * 1e9 - said) / 1e9


def _lay_out(here: Place, *, background: bool) -> None:
    hang = {"type": "python", "module": "hanging", "func": "hang"}
    undo = {"type": "process", "path": "true"}
    experiment = {
        "title": "Hangs",
        "description": "Its action never returns.",
        "method": [{"type": "action", "name": "hang", "provider": hang, "background": background}],
        "rollbacks": [{"type": "action", "name": "undo", "provider": undo}],
    }
    here.write("experiments/hangs.yaml", json.dumps(experiment))
    here.write("runbooks/bench.yaml", "name: Bench\nsteps:\n  - name: Wait\n    run: sleep 60\n")
    here.write(
        "drills/bench/drill.yaml", "name: Bench\ntarget: local\nrunbook: bench\nexperiments: [{experiment: hangs}]\n"
    )


def _registry(here: Place) -> Registry:
    return Registry(Path(here.env["XDG_STATE_HOME"]) / "gameday")


def _open_run(here: Place) -> OpenRun:
    return _registry(here).open_runs()[0]


class _Follower:
    """A transcript, event by event as they come."""

    def __init__(self, folder: Path) -> None:
        self._follower = Follower(folder / "transcript.jsonl")
        self._waiting: list[Recorded] = []

    def next(self, kind: type[Event]) -> Recorded:
        """The next event of this kind. Raises RuntimeError when it does not come."""
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            self._waiting += self._follower.poll()
            while self._waiting:
                recorded = self._waiting.pop(0)
                if isinstance(recorded.event, kind):
                    return recorded
            time.sleep(_LOOK)
        raise RuntimeError(f"{kind.kind} did not come")
