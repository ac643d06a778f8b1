"""What a room that looks on takes from its run: requests, and the exactness of step times."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import throughput
from figures import Place, Row, percentile, place
from room import GAMEDAY
from stamps import compile_stamper, errors_of, read_stamps
from terminal import terminal

from drills import lay_out_drill

_SHARE = 0.95


def rows(*, quick: bool) -> Iterator[Row]:
    """With a room and without, in turn."""
    yield _requests(quick=quick)
    yield _step_times(quick=quick)


@contextmanager
def _looking_on(here: Place) -> Iterator[None]:
    """A room joins as soon as there is a run, and is left at the end."""
    over = threading.Event()

    def look() -> None:
        opened = here.folder / "state" / "gameday" / "open"
        while not over.is_set() and not list(opened.glob("*.json")):
            time.sleep(0.05)
        with terminal([GAMEDAY, "attach", "--name", "ana"], cwd=here.folder, env=here.env) as room:
            while not over.wait(0.05):
                room.rest(0.2)
                if room.shows("Close"):
                    # A debrief waits for those who are there.
                    room.type(b"q")

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _with_room(here: Place, measure: Callable[[], float]) -> float:
    with _looking_on(here):
        return measure()


def _requests(*, quick: bool) -> Row:
    seconds, times = (5, 1) if quick else (10, 4)
    with place() as here, throughput.server() as url:
        throughput.lay_out(here, url, seconds)
        command: list[str | Path] = [GAMEDAY, "run", "bench", "--headless"]
        ours, peer = [], []
        for _ in range(times):
            ours.append(_with_room(here, lambda: throughput.rate(here, command, url, seconds)))
            peer.append(throughput.rate(here, command, url, seconds))
    ratio = statistics.median(ours) / statistics.median(peer)
    return Row(
        what="requests/s with a room open against none",
        ours=f"{statistics.median(ours):.0f}/s",
        peer=f"no room {statistics.median(peer):.0f}/s",
        value=f"{ratio:.3f}",
        reach=f"≥ {_SHARE:g}",
        met=ratio >= _SHARE,
    )


def _step_times(*, quick: bool) -> Row:
    """How far recorded step times are off; a room that looks on must not make it more."""
    found: dict[bool, list[float]] = {True: [], False: []}
    with place() as here:
        program, stamps = compile_stamper(here), here.folder / "stamps"
        lay_out_drill(here, steps=[f"{program} {stamps} step-{n}" for n in range(24 if quick else 80)])

        def run() -> float:
            stamps.unlink(missing_ok=True)
            return here.call(GAMEDAY, "run", "bench", "--headless", okay=(0, 1, 7))

        for _ in range(1 if quick else 6):
            for open_ in (True, False):
                _with_room(here, run) if open_ else run()
                found[open_] += [off for _, off in errors_of(here.transcripts()[-1], read_stamps(stamps))]
    ours, peer = (percentile(found[open_], 0.99) for open_ in (True, False))
    # Below a millisecond a difference is the scheduler's.
    ratio = max(peer, 0.001) / max(ours, 0.001)
    return Row(
        what=f"step time error with a room open against none, p99 of {len(found[True])}",
        ours=f"{ours * 1e3:.1f} ms",
        peer=f"no room {peer * 1e3:.1f} ms",
        value=f"{ratio:.2f}",
        reach=f"≥ {_SHARE:g}",
        met=ratio >= _SHARE,
    )
