"""What the room costs, and how fast it is, seen from outside: bytes that reach a terminal, and when.

The run is a real one with four indicators; only the eight hours are simulated.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import throughput
from figures import BIN, Place, Row, percentile, place, python
from score import story as a_long_day
from stamps import _compile, _errors, _read_stamps, busy_cores
from terminal import Terminal, terminal
from transcript import write

from drills import lay_out_drill
from runner.engine.events import Recorded
from runner.transcript.codec import FILE
from runner.views.story import Story

GAMEDAY = BIN / "gameday"
#: Of an 8-hour run.
EVENTS = 60_000
_HOURS = 8
_KEY = 0.050
_FRAME = 0.600
_IDLE = 1000.0
_SHARE = 0.95
_GROWTH = 5.0
_OPEN = 1.0
_ROOMS = 20

_INDICATORS = 4
_RUNBOOK = "name: Bench\nsteps:\n  - {id: wait, name: Wait for the end}\n"


def rows(*, quick: bool) -> list[Row]:
    """One run for what can be asked of one; then the load, the eight hours and the crowd."""
    found: list[Row] = []
    with _going() as (here, room):
        found += [_keys(room, 10 if quick else 40), _idle(room, 8 if quick else 20)]
        found.append(_first_frame(here, 3 if quick else 7))
        found += _crowd(here, room, 5 if quick else 15)
    found += [_requests(quick=quick), _step_times(quick=quick)]
    return [*found, *_long_day(EVENTS // 10 if quick else EVENTS), _memory(2 if quick else _HOURS)]


# -- on a run that goes on ---------------------------------------------------------------------------------------------


@contextmanager
def _going() -> Iterator[tuple[Place, Terminal]]:
    """A drill in its room, live, with nothing wrong; aborted at the end."""
    with place() as here, throughput._server() as url:
        _lay_out(here, url)
        with terminal([GAMEDAY, "run", "bench", "--yes"], cwd=here.folder, env=here.env) as room:
            room.until("LIVE")
            yield here, room
            _abort(here)


def _lay_out(here: Place, url: str) -> None:
    probe = f"{{provider: {{type: http, url: '{url}/', timeout: 1}}, tolerance: 200}}"
    several = "".join(f"    - {{name: stands {n}, probe: {probe}, every: 200ms}}\n" for n in range(_INDICATORS))
    lay_out_drill(here, steps=["true"], extra=f"steady-state:\n  hold: 2s\n  indicators:\n{several}expect: no-impact\n")
    here.write("runbooks/bench.yaml", _RUNBOOK)
    here.write("drills/targets.yaml", f"targets:\n  near: {{kind: http, environment: sandbox, url: '{url}'}}\n")
    drill = here.folder / "drills/bench/drill.yaml"
    drill.write_text(drill.read_text().replace("target: local", "target: near\nreveal: always"))


def _abort(here: Place) -> None:
    here.call(GAMEDAY, "abort", "--why", "measured", okay=(0, 4))


def _keys(room: Terminal, times: int) -> Row:
    took: list[float] = []
    with busy_cores():
        for _ in range(times):
            pressed = room.type(b"?")
            took.append(room.until("Possible now") - pressed)
            room.type(b"\x1b")
            room.rest(0.4)
    worst = percentile(took, 0.95)
    return Row(
        what=f"key press → changed screen, every core busy, {_INDICATORS} indicators, p95 of {times}",
        ours=f"median {statistics.median(took) * 1e3:.0f} ms",
        value=f"{worst * 1e3:.0f} ms",
        reach=f"≤ {_KEY * 1e3:g} ms",
        met=worst <= _KEY,
    )


def _idle(room: Terminal, seconds: float) -> Row:
    room.rest(2)
    rate = room.rest(seconds) / seconds
    return Row(
        what=f"sent to the terminal while little changes, {seconds:g} s",
        value=f"{rate:.0f} B/s",
        reach=f"≤ {_IDLE:g} B/s",
        met=rate <= _IDLE,
    )


def _attach(here: Place, name: str) -> ExitStack:
    stack = ExitStack()
    stack.room = stack.enter_context(  # type: ignore[attr-defined]
        terminal([GAMEDAY, "attach", "--name", name], cwd=here.folder, env=here.env)
    )
    return stack


def _first_frame(here: Place, times: int) -> Row:
    """The word `Bench` is the drill's name, in the first frame that shows the run."""
    ours: list[float] = []
    peer: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        with _attach(here, "ana") as stack:
            ours.append(stack.room.until("Bench") - began)  # type: ignore[attr-defined]
        peer.append(here.call(sys.executable, "-c", "import textual.app, textual.widgets"))
    middle = statistics.median(ours)
    return Row(
        what=f"attach → first frame with the drill's name, median of {times}",
        ours=f"{middle:.2f} s",
        peer=f"import textual alone {statistics.median(peer):.2f} s",
        value=f"{middle * 1e3:.0f} ms",
        reach=f"≤ {_FRAME * 1e3:g} ms",
        met=middle <= _FRAME,
    )


def _crowd(here: Place, first: Terminal, seconds: float) -> list[Row]:
    conductor = _conductor(here)
    alone = _used(conductor, seconds, [first])
    with ExitStack() as stack:
        rooms = [first]
        for number in range(_ROOMS - 1):
            command = [GAMEDAY, "attach", "--name", f"guest-{number}"]
            rooms.append(stack.enter_context(terminal(command, cwd=here.folder, env=here.env)))
        for room in rooms[1:]:
            room.until("Bench")
        crowded = _used(conductor, seconds, rooms)
        _abort_by_hand(here)
        ended = 0
        for room in rooms:
            room.until("DEBRIEF")
            ended += 1
    return [
        Row(
            what=f"{_ROOMS} rooms on one run: the conductor's processor share",
            ours=f"{crowded:.1%}",
            peer=f"with one room {alone:.1%}",
            value=f"{crowded - alone:+.1%}",
            reach="≤ +5 %",
            met=crowded - alone <= 0.05,
        ),
        Row(
            what=f"{_ROOMS} rooms on one run: those that show its end",
            value=f"{ended}",
            reach=f"{_ROOMS}",
            met=ended == _ROOMS,
        ),
    ]


def _abort_by_hand(here: Place) -> None:
    here.call(GAMEDAY, "tell", "abort", "reason=stuck", "why=measured")


def _conductor(here: Place) -> int:
    for line in here.transcripts()[-1].read_text().splitlines():
        event = json.loads(line)
        if event["kind"] == "process-started" and event["role"] == "conductor":
            return int(event["pid"])
    raise RuntimeError("no conductor")


def _used(pid: int, seconds: float, rooms: list[Terminal]) -> float:
    """Processor seconds a second of one process, while every room is read."""
    before, began = _ticks(pid), time.perf_counter()
    while time.perf_counter() - began < seconds:
        for room in rooms:
            room.rest(0.01)
    return (_ticks(pid) - before) / os.sysconf("SC_CLK_TCK") / (time.perf_counter() - began)


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


# -- with and without --------------------------------------------------------------------------------------------------


@contextmanager
def _looking_on(here: Place) -> Iterator[None]:
    """A room joins as soon as there is a run, and is left at the end."""
    over = threading.Event()

    def look() -> None:
        opened = here.folder / "state" / "gameday" / "open"
        while not over.is_set() and not list(opened.glob("*.json")):
            time.sleep(0.05)
        with terminal([GAMEDAY, "attach", "--name", "ana"], cwd=here.folder, env=here.env) as room:
            while not over.is_set():
                room.rest(0.2)
                if room.shows("DEBRIEF"):
                    # A debrief waits for those who are there.
                    room.type(b"\r")

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
    with place() as here, throughput._server() as url:
        throughput._lay_out(here, url, seconds)
        command: list[str | Path] = [GAMEDAY, "run", "bench", "--headless"]
        ours, peer = [], []
        for _ in range(times):
            ours.append(_with_room(here, lambda: throughput._rate(here, command, url, seconds)))
            peer.append(throughput._rate(here, command, url, seconds))
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
        program, stamps = _compile(here), here.folder / "stamps"
        lay_out_drill(here, steps=[f"{program} {stamps} step-{n}" for n in range(24 if quick else 80)])

        def run() -> float:
            stamps.unlink(missing_ok=True)
            return here.call(GAMEDAY, "run", "bench", "--headless", okay=(0, 1, 7))

        for _ in range(1 if quick else 3):
            for open_ in (True, False):
                _with_room(here, run) if open_ else run()
                found[open_] += [off for _, off in _errors(here.transcripts()[-1], _read_stamps(stamps))]
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


# -- eight hours -------------------------------------------------------------------------------------------------------


def _long_day(count: int) -> list[Row]:
    with place() as here, tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "runs" / "20261120-174000-long-day-a1b2"
        folder.mkdir(parents=True)
        write(folder / FILE, ((recorded.t, recorded.event) for recorded in a_long_day(count)))
        code = "import sys; sys.path.insert(0, sys.argv[1]); import room; room.catch_up(sys.argv[2])"
        used = float(python(code, Path(__file__).parent, folder))
        began = time.perf_counter()
        command = [GAMEDAY, "review", "--runs-dir", str(folder.parent)]
        with terminal(command, cwd=here.folder, env=here.env) as seen:
            took = seen.until("a long day") - began
    most = _OPEN
    return [
        Row(
            what=f"review of {count} events: command → first screen",
            value=f"{took:.2f} s",
            reach=f"≤ {most:g} s",
            met=took <= most,
        ),
        Row(
            what=f"attach to {count} events: catching up, processor time",
            value=f"{used:.2f} s",
            reach=f"≤ {most:g} s",
            met=used <= most,
        ),
    ]


def catch_up(folder: str) -> None:
    """In the child: processor seconds until the story is known."""
    from runner.views.tui.feed import LiveFeed

    before = time.process_time()
    LiveFeed(Path(folder)).catch_up()
    print(time.process_time() - before)


def _memory(hours: int) -> Row:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import room; room.eight_hours(int(sys.argv[2]))"
    weights: list[float] = json.loads(python(code, Path(__file__).parent, str(hours)))
    grown = weights[-1] - weights[0]
    return Row(
        what=f"room's memory, hour 1 → hour {hours} of a simulated run",
        ours=" ".join(f"{weight:.0f}" for weight in weights) + " MB",
        value=f"{grown:+.1f} MB",
        reach=f"≤ +{_GROWTH:g} MB",
        met=grown <= _GROWTH,
    )


class _Tape:
    """A feed that holds so much of the day as was played."""

    def __init__(self, told: Iterator[Recorded]) -> None:
        self._told = told
        self._until = 0.0
        self._next: Recorded | None = next(told)

    def play(self, until: float) -> None:
        self._until = until

    def poll(self, story: Story) -> bool:
        before = story.told
        while self._next is not None and self._next.t <= self._until:
            story.take(self._next)
            self._next = next(self._told, None)
        return story.told > before or True

    def now(self, story: Story) -> float:
        return self._until


def eight_hours(hours: int) -> None:
    """In the child: megabytes at the end of each hour, as JSON."""
    asyncio.run(_play(hours))


async def _play(hours: int) -> None:
    from textual.app import App

    from runner.views.tui import app as room_app
    from runner.views.tui.door import Door, Visitor
    from runner.views.tui.screens.room import RoomScreen

    tape = _Tape(a_long_day(10 * 3600 * hours))
    visitor = Visitor(name="ana", role="facilitator")
    screen = RoomScreen(Story(), tape, Path("/nonexistent"), visitor, Door(Path("/nonexistent"), visitor), {})  # type: ignore[arg-type]

    class Stage(App[None]):
        CSS_PATH = Path(room_app.__file__).parent / "room.tcss"

        def on_mount(self) -> None:
            self.push_screen(screen)

    weights: list[float] = []
    async with Stage().run_test(size=(120, 40)) as pilot:
        for hour in range(hours):
            for moment in range(360):
                tape.play(hour * 3600.0 + moment * 10)
                await screen.look(force=True)
                await pilot.pause(0)
            weights.append(_resident())
    print(json.dumps(weights))


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
