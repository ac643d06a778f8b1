"""The room on a long day: opening it, catching up with it, and what its memory does through it. The day is simulated."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from figures import Row, place, python
from room import GAMEDAY
from score import long_run
from terminal import terminal
from transcript import write

from runner.engine.events import Recorded
from runner.transcript.run_folder import TRANSCRIPT as FILE
from runner.views.view_model import ViewModel

#: Of an 8-hour run.
_EVENTS = 60_000
_HOURS = 8
_GROWTH = 5.0
_OPEN = 1.0


def rows(*, quick: bool) -> Iterator[Row]:
    """Two hours instead of eight, and a tenth of the events, where it must be quick."""
    yield from _opened(_EVENTS // 10 if quick else _EVENTS)
    yield _memory(2 if quick else _HOURS)


def _opened(count: int) -> Iterator[Row]:
    with place() as here, tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "runs" / "20261120-174000-long-day-a1b2"
        folder.mkdir(parents=True)
        write(folder / FILE, ((recorded.t, recorded.event) for recorded in long_run(count)))
        code = "import sys; sys.path.insert(0, sys.argv[1]); import room_day; room_day.catch_up(sys.argv[2])"
        used = float(python(code, Path(__file__).parent, folder))
        began = time.perf_counter()
        command = [GAMEDAY, "review", "--runs-dir", str(folder.parent)]
        with terminal(command, cwd=here.folder, env=here.env) as seen:
            took = seen.until("a long day") - began
    for what, seconds in (("review: command → first screen", took), ("attach: catching up, processor time", used)):
        yield Row(
            what=f"{what}, {count} events",
            value=f"{seconds:.2f} s",
            reach=f"≤ {_OPEN:g} s",
            met=seconds <= _OPEN,
        )


def catch_up(folder: str) -> None:
    """In the child: processor seconds until the run is known."""
    from runner.views.tui.feed import LiveFeed

    before = time.process_time()
    LiveFeed(Path(folder)).catch_up()
    print(time.process_time() - before)


def _memory(hours: int) -> Row:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import room_day; room_day.eight_hours(int(sys.argv[2]))"
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

    def poll(self, model: ViewModel) -> bool:
        before = model.written
        while self._next is not None and self._next.t <= self._until:
            model.take(self._next)
            self._next = next(self._told, None)
        return model.written > before or True

    def now(self, model: ViewModel) -> float:
        return self._until


def eight_hours(hours: int) -> None:
    """In the child: megabytes at the end of each hour, as JSON."""
    asyncio.run(_play(hours))


async def _play(hours: int) -> None:
    from textual.app import App

    from runner.views.tui import app as room_app
    from runner.views.tui.memory import throw_away
    from runner.views.tui.run_client import RunClient, Visitor
    from runner.views.tui.screens.room_screen import RoomScreen

    tape = _Tape(long_run(10 * 3600 * hours))
    visitor = Visitor(name="ana", role="facilitator")
    screen = RoomScreen(ViewModel(), tape, Path("/nonexistent"), visitor, RunClient(Path("/nonexistent"), visitor), {})  # type: ignore[arg-type]

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
                if moment % 12 == 0:
                    await _ask(pilot)
                if moment % 30 == 0:
                    throw_away()
            weights.append(_resident())
    print(json.dumps(weights))


async def _ask(pilot: Any) -> None:
    """Help, and back: what a person opens every other minute must not stay."""
    for key in ("question_mark", "escape"):
        await pilot.press(key)
        await pilot.pause(0)


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
