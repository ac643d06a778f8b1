"""How fast a room is, and how little it sends, seen from outside: bytes that reach a terminal, and when.

The run is a real one with four indicators.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import throughput
from figures import BIN, Place, Row, percentile, place
from stamps import busy_cores
from terminal import Terminal, terminal

from drills import lay_out_drill

GAMEDAY = BIN / "gameday"
_KEY = 0.050
#: What is pressed, and what is on the screen then.
_KEYS = {"?": "Possible now", "n": "Note", "m": "✎"}
#: What Textual alone needs for the same: a box with a line of input over a screen of four panels.
_BARE = """
from textual.app import App
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

class Box(ModalScreen):
    BINDINGS = [("escape", "dismiss", "")]

    def compose(self):
        with Vertical():
            yield Static("Note")
            yield Input()

class Bare(App):
    BINDINGS = [("n", "ask", "")]

    def compose(self):
        for number in range(4):
            yield Static("\\n".join(f"panel {number}, line {line}" for line in range(9)))

    def action_ask(self):
        self.push_screen(Box())

Bare().run()
"""
_FRAME = 0.600
_IDLE = 1000.0
_BACK = 1.0
#: What stands in the head, the runbook, the target and the log.
_EVERYTHING = ("LIVE", "Wait for the end", "stands 3", "ana is here")
_ROOMS = 20

_INDICATORS = 4
_RUNBOOK = "name: Bench\nsteps:\n  - {id: wait, name: Wait for the end}\n"


def rows(*, quick: bool) -> Iterator[Row]:
    """All of one run; the crowd ends it."""
    with _going() as (here, room):
        yield _keys(here, room, 5 if quick else 40)
        yield _idle(room, 8 if quick else 20)
        yield _first_frame(here, 3 if quick else 7)
        yield _back(here, 2 if quick else 5)
        yield from _crowd(here, room, 5 if quick else 15)


@contextmanager
def _going() -> Iterator[tuple[Place, Terminal]]:
    """A drill in its room, live, with nothing wrong; aborted at the end."""
    with place() as here, throughput.server() as url:
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


def _keys(here: Place, room: Terminal, times: int) -> Row:
    """A screen that opens, a question over the room, and a command that goes to the run and comes back as a line."""
    bare = [sys.executable, "-c", _BARE]
    with busy_cores(), terminal(bare, cwd=here.folder, env=here.env, columns=120, rows=40) as peer:
        peer.until("panel 3")
        took = _answers(room, _KEYS, times)
        alone = _answers(peer, {"n": "Note"}, times)["n"]
    every = [seconds for each in took.values() for seconds in each]
    worst = percentile(every, 0.95)
    middles = ", ".join(f"{key} {statistics.median(each) * 1e3:.0f}" for key, each in took.items())
    return Row(
        what=f"key press → changed screen, every core busy, {_INDICATORS} indicators, p95 of {len(every)}",
        ours=f"medians {middles} ms",
        peer=f"a box over bare Textual {statistics.median(alone) * 1e3:.0f}, p95 {percentile(alone, 0.95) * 1e3:.0f} ms",
        value=f"{worst * 1e3:.0f} ms",
        reach=f"≤ {_KEY * 1e3:g} ms",
        met=worst <= _KEY,
    )


def _answers(room: Terminal, keys: Mapping[str, str], times: int) -> dict[str, list[float]]:
    """Seconds from each key until what it opens is shown."""
    took: dict[str, list[float]] = {key: [] for key in keys}
    for _ in range(times):
        for key, shown in keys.items():
            pressed = room.type(key.encode())
            took[key].append(room.until(shown) - pressed)
            room.rest(0.3)
            room.type(b"\x1b")
            room.rest(0.3)
    return took


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


def _back(here: Place, times: int) -> Row:
    """A room is killed, and there again with every panel filled."""
    took: list[float] = []
    for _ in range(times):
        with _attach(here, "ana") as stack:
            stack.room.until(_EVERYTHING[-1])  # type: ignore[attr-defined]
        # Its terminal's end was a SIGKILL.
        began = time.perf_counter()
        with _attach(here, "ana") as stack:
            took.append(max(stack.room.until(text) for text in _EVERYTHING) - began)  # type: ignore[attr-defined]
    worst = max(took)
    return Row(
        what=f"a room killed → attach shows every panel again, worst of {times}",
        ours=f"median {statistics.median(took):.2f} s",
        value=f"{worst:.2f} s",
        reach=f"≤ {_BACK:g} s",
        met=worst <= _BACK,
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
            room.until("Close")
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
