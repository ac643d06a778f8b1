"""The room itself: four panels over one story, and a key for everything that a person may do."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from textual.binding import Binding

from runner.views.deeds import CHOICE, DEEDS, Deed, Next, allowed, next_deed, offers, over
from runner.views.story import Story
from runner.views.text import inert
from runner.views.tui.door import Door, Visitor
from runner.views.tui.feed import LiveFeed
from runner.views.tui.palette import Deeds
from runner.views.tui.screens.ask import AskChoice, AskText
from runner.views.tui.screens.board import Board
from runner.views.tui.screens.help import Help
from runner.views.tui.shell import open_shell
from runner.views.tui.widgets.keys import Keys
from runner.views.tui.widgets.log import Log
from runner.views.tui.widgets.runbook import Runbook

#: Seconds between two looks at the transcript.
_LOOK = 0.1
#: A room paints this share of the time at most: what a run does comes before what is seen of it.
_SHARE = 0.1
#: Seconds between two paintings of what is sampled: over a slow line each row counts.
_SAMPLES = 2
_ABORT_REASONS = {
    "stuck: the team cannot go on": "stuck",
    "real-incident: something real needs us": "real-incident",
    "unsafe: this may do harm": "unsafe",
    "logistics: people, time, tools": "logistics",
}


class RoomScreen(Board):
    """A run, live: what it shows comes from the transcript alone, what is asked goes through the door."""

    COMMANDS = {Deeds}
    BINDINGS = [
        Binding("enter", "next", "Next", show=False, priority=True),
        *(Binding(deed.key, f"deed('{deed.name}')", deed.label, show=False) for deed in DEEDS),
        Binding("c", "copy", "Copy the command", show=False),
        Binding("s", "shell", "Shell", show=False),
        Binding("slash", "filter", "Filter the log", show=False),
        Binding("question_mark", "help", "Help"),
        Binding("q", "detach", "Leave"),
    ]

    def __init__(
        self, story: Story, feed: LiveFeed, folder: Path, visitor: Visitor, door: Door, ghost: Mapping[str, float]
    ) -> None:
        super().__init__(folder, visitor, ghost)
        self.story = story
        self._feed = feed
        self._door = door
        self._second = self._news = -1
        self._rested = 0.0

    async def on_mount(self) -> None:
        await self.look(force=True)
        self.set_interval(_LOOK, self._look_on)

    def on_resize(self) -> None:
        # Not before the panels have their new widths.
        self.call_after_refresh(self.look, force=True)

    async def _look_on(self) -> None:
        began = time.monotonic()
        if began < self._rested:
            return
        await self.look()
        # Textual paints when everything else is done.
        self.call_after_refresh(self._rest, began)

    def _rest(self, began: float) -> None:
        now = time.monotonic()
        self._rested = now + (now - began) * (1 / _SHARE - 1)

    async def look(self, *, force: bool = False) -> None:
        """Take in what is new, and show it: an event at once, the clock each second, samples every other one."""
        self._feed.poll(self.story)
        now = self._feed.now(self.story)
        happened = force or self.story.news != self._news
        if not happened and int(now) == self._second:
            return
        self._news, self._second = self.story.news, int(now)
        await self.show(self.story, now, samples=happened or self._second % _SAMPLES == 0)

    def trouble(self, story: Story) -> str:
        return "" if story.state.closed is not None else self._door.lost

    async def show(self, story: Story, now: float, *, samples: bool = True) -> None:
        await super().show(story, now, samples=samples)
        self.query_one(Keys).offer(offers(story.state, self.visitor.role, self.visitor.name))

    # -- what a person may do --------------------------------------------------------------------------------------------

    def allowed(self) -> dict[str, str]:
        """Every command with why it is not possible now, '' when it is."""
        return allowed(self.story.state, self.visitor.role, self.visitor.name)

    def action_next(self) -> None:
        self.run_worker(self._next(next_deed(self.story.state)), exclusive=False)

    def action_deed(self, name: str) -> None:
        deed = next(each for each in DEEDS if each.name == name)
        self.run_worker(self._do(deed), exclusive=False)

    async def _next(self, deed: Next) -> None:
        if not deed.label:
            self.notify("nothing is waiting for you here", severity="information")
            return
        values: dict[str, Any] = dict(deed.values)
        if deed.wants == CHOICE:
            label = await self.app.push_screen_wait(AskChoice(deed.prompt, deed.choices))
            if label is None:
                return
            values["label"] = label
        elif deed.wants:
            text = await self.app.push_screen_wait(AskText(deed.prompt, secret=deed.secret))
            if text is None:
                return
            values["value"] = text
        await self._ask(deed.command, values)

    async def _do(self, deed: Deed) -> None:
        if why := self.allowed().get(deed.rule, ""):
            self.notify(why, title=f"{deed.label}: not now", severity="warning", markup=False)
            return
        values: dict[str, Any] = dict(deed.values)
        if deed.name == "abort":
            reason = await self._abort_reason()
            if reason is None:
                return
            values["reason"] = reason
        if deed.name == "hand-over":
            to = await self.app.push_screen_wait(AskChoice(deed.prompt, self._others()))
            if to is None:
                return
            values["to"] = to
        elif deed.name == "go-to":
            values["step"] = self.query_one(Runbook).chosen
        elif deed.wants:
            text = await self.app.push_screen_wait(AskText(deed.prompt))
            if text is None:
                return
            values[deed.wants] = text
        await self._ask(deed.command, values)

    async def _abort_reason(self) -> str | None:
        state = self.story.state
        left = [slug for slug, view in state.experiments.items() if view.fault_open]
        undone = f"what is in will be undone: {', '.join(left)}" if left else "no fault is in"
        chosen = await self.app.push_screen_wait(
            AskChoice("Abort the drill?", _ABORT_REASONS, notes=(undone, "escape goes on with the drill"))
        )
        return None if chosen is None else _ABORT_REASONS[chosen]

    def _others(self) -> list[str]:
        return [person.name for person in self.story.state.present if person.role != "observer"]

    async def _ask(self, command: str, values: Mapping[str, Any]) -> None:
        why = await self._door.ask(command, **values)
        if why:
            self.notify(why, severity="warning", markup=False)
        else:
            # What was accepted is in the transcript already.
            await self.look()

    # -- beside the run --------------------------------------------------------------------------------------------------

    def action_help(self) -> None:
        self.app.push_screen(Help(self._help()))

    def _help(self) -> Iterator[tuple[str, str, str]]:
        reasons = self.allowed()
        deed = next_deed(self.story.state)
        yield "enter", deed.label or "What the step waits for", "" if deed.label else "nothing waits for you"
        for each in DEEDS:
            yield each.key, each.label, reasons.get(each.rule, "")
        for key, label in (
            ("c", "Copy the command"),
            ("s", "Shell with the target's environment"),
            ("/", "Filter the log"),
        ):
            yield key, label, ""
        yield "ctrl+p", "Every command, themes", ""
        yield "q", "Leave the room; the run goes on", ""

    def action_copy(self) -> None:
        step = self.story.state.step
        if step is None or not step.run:
            self.notify("this step has no command", severity="information")
            return
        self.app.copy_to_clipboard(step.run)
        self.notify("copied")

    def action_shell(self) -> None:
        self.run_worker(self._shell(), exclusive=True, group="shell")

    async def _shell(self) -> None:
        """The room is away meanwhile; the run and its clock go on. Start and end stand in the story."""
        state = self.story.state
        await self._ask("write", {"sort": "note", "text": "opened a shell"})
        with self.app.suspend():
            words = f"a shell on {state.plan.target.name}; leave it with exit, the drill goes on"
            sys.stderr.write(f"{inert(words)}\n")
            # Not beside the event loop: what it would paint meanwhile nobody takes, until it waits for ever.
            why = open_shell(state, self.folder)
        await self._ask("write", {"sort": "note", "text": f"the shell ended{': ' + why if why else ''}"})

    async def action_filter(self) -> None:
        self.run_worker(self._filter())

    async def _filter(self) -> None:
        text = await self.app.push_screen_wait(AskText("Show only lines with (a single space shows all)"))
        if text is not None:
            self.query_one(Log).filter(text.strip())

    def action_detach(self) -> None:
        self.app.exit(over(self.story.state, self.visitor.name))
