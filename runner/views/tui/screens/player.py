"""Moving along a time line, with the keys of asciinema's player."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence

from textual.binding import Binding
from textual.screen import Screen

from runner.views.timeline import Timeline
from runner.views.tui.screens.ask import AskText
from runner.views.tui.screens.help import Help
from runner.views.tui.widgets.timeline_bar import TimelineBar
from runner.views.view_model import Mark

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
#: A footer of 80 columns holds no more; help has them all.
_SHOWN = {"space": "Play", "right_square_bracket": "Mark", "i": "Impact"}


class Player(Screen[None]):
    """Whatever stands above the time line is painted by `look`."""

    BINDINGS = [
        *(
            Binding(key, action, _SHOWN.get(key, label), show=key in _SHOWN, priority=True)
            for key, action, label in _KEYS
        ),
        *(Binding(str(tenth), f"tenth({tenth})", f"{tenth}0 %", show=False, priority=True) for tenth in range(10)),
        Binding("question_mark", "help", "Help"),
        Binding("q", "app.quit", "Leave"),
    ]

    #: Paints the moment that the track is at.
    look: Callable[[], Awaitable[None]]
    track: Timeline
    playing = False
    speed = 1
    _sought = ""

    async def on_mount(self) -> None:
        self.set_interval(_FRAME, self._play_on)

    def on_resize(self) -> None:
        # Not before the panels have their new widths.
        self.call_after_refresh(self.look)

    def show_timeline(self, rows: Sequence[Sequence[Mark]]) -> None:
        """`rows`: the marks of each run."""
        track = self.track
        state = f"{'▶' if self.playing else '‖'} {self.speed}×"
        self.query_one(TimelineBar).show_at(rows, track.begin, track.t, track.end, state)

    async def _play_on(self) -> None:
        if not self.playing:
            return
        self.track.seek(self.track.t + _FRAME * self.speed)
        self.playing = not self.track.over
        await self.look()

    async def action_play(self) -> None:
        self.playing = not self.playing and not self.track.over
        await self.look()

    async def action_leap(self, seconds: float) -> None:
        self.track.seek(self.track.t + seconds)
        await self.look()

    async def action_tenth(self, tenth: int) -> None:
        self.track.tenth(tenth)
        await self.look()

    async def on_timeline_bar_sought(self, event: TimelineBar.Sought) -> None:
        self.track.tenth(event.share * 10)
        await self.look()

    async def action_event(self, by: int) -> None:
        self.track.step(by)
        await self.look()

    async def action_mark(self, by: int) -> None:
        if not self.track.next_mark(by):
            self.notify("there is no mark behind this moment" if by > 0 else "there is no mark before this moment")
        await self.look()

    async def action_to(self, label: str) -> None:
        if not self.track.to(label):
            self.notify(f"this run has no {label}")
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
            self._sought = text
            await self.action_again(1)

    async def action_again(self, by: int) -> None:
        if not self._sought or not self.track.search(self._sought, by):
            self.notify(f"nothing more with {self._sought!r}" if self._sought else "search first: /", markup=False)
        await self.look()

    def action_help(self) -> None:
        self.app.push_screen(Help(self.help_rows()))

    def help_rows(self) -> Iterator[tuple[str, str, str]]:
        """Key, what it does, and why it is not possible now."""
        for key, _, label in _KEYS:
            yield key.split(",")[0], label, ""
        yield "0–9", "Tenths of the run", ""
        yield "q", "Leave", ""
