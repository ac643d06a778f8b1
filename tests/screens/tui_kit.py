"""A room on a run that a test plays: the engine's own events, a client that asks the engine, no process and no socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual import events
from textual.app import App
from textual.geometry import Size
from textual.pilot import Pilot
from textual.screen import Screen

from runner.control.protocol import message_of, parse_command
from runner.engine.commands import Command, IllegalCommand, Order, Role
from runner.engine.decide import decide
from runner.engine.events import Recorded
from runner.errors import InputError
from runner.testing import Drive
from runner.views.tui import app as room_app
from runner.views.tui.run_client import Visitor
from runner.views.tui.screens.room_screen import RoomScreen
from runner.views.view_model import ViewModel

STYLES = Path(room_app.__file__).parent / "room.tcss"


@dataclass
class Tape:
    """A feed: what was told so far, and what a test puts on it later."""

    now_: float = 0.0
    coming: list[Recorded] = field(default_factory=list)

    def poll(self, model: ViewModel) -> bool:
        found, self.coming = self.coming, []
        for recorded in found:
            model.take(recorded)
        return bool(found)

    def now(self, model: ViewModel) -> float:
        return max(self.now_, model.state.t)


@dataclass
class Judge:
    """A client that lets the engine say whether a command is possible, and keeps what was asked; nothing happens by it."""

    drive: Drive
    name: str
    role: Role
    asked: list[dict[str, Any]] = field(default_factory=list)
    lost: str = ""

    async def ask(self, command: Command) -> str:
        self.asked.append(message_of(command))
        try:
            parsed = parse_command(message_of(command))
            decide(self.drive.state, Order(command=parsed, t=self.drive.clock.now(), by=self.name, role=self.role))
        except (IllegalCommand, InputError) as why:
            return str(why)
        return ""


class Stage(App[Any]):
    """The application around one screen."""

    CSS_PATH = STYLES

    def __init__(self, screen: Screen[None]) -> None:
        super().__init__()
        self.stage = screen
        self.said: list[str] = []

    def on_mount(self) -> None:
        self.push_screen(self.stage)

    def notify(self, message: str, **more: Any) -> None:  # type: ignore[override]
        self.said.append(message)
        super().notify(message, **more)


@dataclass
class Room:
    """A room while a test is in it."""

    drive: Drive
    app: Stage
    pilot: Pilot[Any]
    client: Judge
    tape: Tape

    @property
    def screen(self) -> str:
        return text_of(self.app)

    @property
    def said(self) -> list[str]:
        return self.app.said

    async def tell(self, *recorded: Recorded) -> None:
        """More of the run is shown."""
        self.tape.coming += recorded
        self.tape.now_ = self.drive.clock.now()
        await self.app.stage.look(force=True)  # type: ignore[attr-defined]
        await self.settle()

    async def press(self, *keys: str) -> None:
        """Keys, one after another, each with what it begins."""
        for key in keys:
            # The pilot's own `press` waits for an idle processor, which a busy machine has seldom.
            self.app.post_message(events.Key(key, key if len(key) == 1 else None))
            await self.settle()

    async def rush(self, *keys: str) -> None:
        """Keys in one breath: the next one is there before anything came of the one before."""
        for key in keys:
            self.app.post_message(events.Key(key, key if len(key) == 1 else None))
        for _ in range(3):
            await self.settle()

    @property
    def box(self) -> str:
        """What stands in the question's frame; '' when nothing is asked."""
        frames = self.app.screen.query(".question")
        if not frames:
            return ""
        region = frames.first().region
        rows = self.screen.splitlines()[region.y : region.bottom]
        return "\n".join(row[region.x : region.right] for row in rows)

    async def click(self, column: int, row: int) -> None:
        """The left button, down and up."""
        spot = {"x": column, "y": row, "screen_x": column, "screen_y": row}
        for kind in (events.MouseDown, events.MouseUp, events.Click):
            self.app.screen._forward_event(
                kind(None, delta_x=0, delta_y=0, button=1, shift=False, meta=False, ctrl=False, **spot)
            )
        await self.pilot.pause(0)

    async def resize(self, columns: int, rows: int) -> None:
        """Somebody pulls at the terminal's corner."""
        size = Size(columns, rows)
        self.app._driver._size = (columns, rows)  # type: ignore[union-attr]
        self.app.post_message(events.Resize(size, size))
        # Once for the layout, once for what is painted into it.
        await self.settle()
        await self.settle()

    async def until(self, holds: Callable[[], bool]) -> None:
        """What comes of it a while later: a new layout, or what is painted into it."""
        for _ in range(200):
            if holds():
                return
            await self.settle()
        raise AssertionError(self.screen)

    async def settle(self) -> None:
        """Everything that was begun is through, and painted."""
        for _ in range(4):
            await self.pilot.pause(0)


def text_of(app: App[Any]) -> str:
    """What stands on the whole screen, row by row, modal screens over the room included."""
    width, height = app.size
    return "\n".join(strip.text.ljust(width)[:width] for strip in app.screen._compositor.render_strips()[:height])


Scene = Callable[[Room], Awaitable[None]]


def enter(
    drive: Drive,
    scene: Scene,
    *,
    role: Role = "facilitator",
    name: str = "alice",
    size: tuple[int, int] = (120, 40),
    folder: Path = Path("/nonexistent"),
) -> None:
    """Play `scene` in a room on the run so far."""

    async def play() -> None:
        model = ViewModel()
        for recorded in drive.log:
            model.take(recorded)
        tape, client = Tape(now_=drive.clock.now()), Judge(drive, name, role)
        screen = RoomScreen(model, tape, folder, Visitor(name=name, role=role), client, {})  # type: ignore[arg-type]
        app = Stage(screen)
        async with app.run_test(size=size) as pilot:
            room = Room(drive, app, pilot, client, tape)
            await room.settle()
            await scene(room)

    with suppress(asyncio.CancelledError):
        asyncio.run(play())
