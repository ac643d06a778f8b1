"""A finished run in the same room, with a time line to move through; the keys are those of asciinema's player."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from textual.app import ComposeResult
from textual.binding import Binding

from runner.views.reel import Reel
from runner.views.tui.door import Visitor
from runner.views.tui.screens.ask import AskText
from runner.views.tui.screens.board import Board
from runner.views.tui.screens.help import Help
from runner.views.tui.widgets.timeline import Timeline

_FRAME = 0.1
_SPEEDS = (1, 2, 5, 10, 20, 60)
_LEAP = 5.0
_KEYS = (
    ("space", "play", "Play, pause"),
    ("right", f"leap({_LEAP})", "5 s on"),
    ("left", f"leap(-{_LEAP})", "5 s back"),
    ("full_stop", "event(1)", "Next event"),
    ("comma", "event(-1)", "Event before"),
    ("right_square_bracket", "mark(1)", "Next mark"),
    ("left_square_bracket", "mark(-1)", "Mark before"),
    ("i", "to('impact')", "Impact"),
    ("r", "to('recovered')", "Recovery"),
    ("plus,equals_sign", "faster(1)", "Faster"),
    ("minus", "faster(-1)", "Slower"),
    ("slash", "search", "Search"),
    ("n", "again(1)", "Next found"),
    ("N", "again(-1)", "Found before"),
    ("home", "tenth(0)", "Begin"),
    ("end", "tenth(10)", "End"),
)
_SHOWN = ("space", "left", "right", "left_square_bracket", "right_square_bracket", "i", "r", "slash")


class ReviewScreen(Board):
    """Looks at a `Reel`; nothing here changes the transcript."""

    BINDINGS = [
        *(Binding(key, action, label, show=key in _SHOWN, priority=True) for key, action, label in _KEYS),
        *(Binding(str(tenth), f"tenth({tenth})", f"{tenth}0 %", show=False) for tenth in range(10)),
        Binding("question_mark", "help", "Help"),
        Binding("q", "app.exit", "Leave"),
    ]

    def __init__(self, reel: Reel, folder: Path, visitor: Visitor, ghost: Mapping[str, float]) -> None:
        super().__init__(folder, visitor, ghost)
        self.reel = reel
        self.playing = False
        self.speed = 1
        self._found = ""

    def below(self) -> ComposeResult:
        yield Timeline()

    async def on_mount(self) -> None:
        if not self.reel.to("impact"):
            self.reel.seek(self.reel.end)
        self.set_interval(_FRAME, self._play_on)
        await self.look()

    async def on_resize(self) -> None:
        await self.look()

    async def look(self) -> None:
        """Paint the moment that the reel is at."""
        await self.show(self.reel.story, self.reel.t)
        state = f"{'▶' if self.playing else '‖'} {self.speed}×"
        self.query_one(Timeline).show_at(self.reel.marks, self.reel.t, self.reel.end, state)

    async def _play_on(self) -> None:
        if not self.playing:
            return
        self.reel.seek(self.reel.t + _FRAME * self.speed)
        self.playing = self.reel.t < self.reel.end
        await self.look()

    async def action_play(self) -> None:
        self.playing = not self.playing and self.reel.t < self.reel.end
        await self.look()

    async def action_leap(self, seconds: float) -> None:
        self.reel.seek(self.reel.t + seconds)
        await self.look()

    async def action_tenth(self, tenth: int) -> None:
        self.reel.seek(self.reel.end * tenth / 10)
        await self.look()

    async def action_event(self, by: int) -> None:
        self.reel.step(by)
        await self.look()

    async def action_mark(self, by: int) -> None:
        self.reel.next_mark(by)
        await self.look()

    async def action_to(self, label: str) -> None:
        if not self.reel.to(label):
            self.notify(f"this run has no {label}", severity="information")
        await self.look()

    async def action_faster(self, by: int) -> None:
        at = _SPEEDS.index(self.speed) + by
        self.speed = _SPEEDS[min(max(at, 0), len(_SPEEDS) - 1)]
        await self.look()

    def action_search(self) -> None:
        self.run_worker(self._search())

    async def _search(self) -> None:
        text = await self.app.push_screen_wait(AskText("Search the log for"))
        if text is not None:
            self._found = text
            await self.action_again(1)

    async def action_again(self, by: int) -> None:
        if not self._found or not self.reel.search(self._found, by):
            self.notify(f"nothing more with {self._found!r}" if self._found else "search first: /", markup=False)
        await self.look()

    def action_help(self) -> None:
        rows = [(key.split(",")[0], label, "") for key, _, label in _KEYS]
        self.app.push_screen(Help([*rows, ("0–9", "Tenths of the run", ""), ("q", "Leave", "")]))
