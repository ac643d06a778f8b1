"""The room itself: four panels over one run, and a key for everything that a person may do."""

from __future__ import annotations

import sys
import time
from collections.abc import Coroutine, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from textual.binding import Binding
from textual.message import Message

from runner.engine.availability import Availability
from runner.engine.command_lookup import ACTIONS, BY_WORD, actions_on, command_for
from runner.engine.command_spec import CHOICE, YES, Action
from runner.engine.commands import Command, Note
from runner.engine.state import State
from runner.views.actions import (
    allowed,
    meant,
    named,
    offers,
    over,
    skipped_by,
    takers,
    undone_by_abort,
)
from runner.views.prompt_text import Next, next_action
from runner.views.text import inert
from runner.views.tui.feed import LiveFeed
from runner.views.tui.palette import ActionProvider
from runner.views.tui.run_client import RunClient, Visitor
from runner.views.tui.screens.ask import AskChoice, Asker, AskText, AskYes, Question
from runner.views.tui.screens.help import Help
from runner.views.tui.screens.run_screen import RunScreen
from runner.views.tui.target_shell import open_shell
from runner.views.tui.widgets.keys import Keys
from runner.views.tui.widgets.log_panel import LogPanel
from runner.views.tui.widgets.runbook_panel import RunbookPanel
from runner.views.view_model import ViewModel

#: Seconds between two looks at the transcript.
_LOOK = 0.1
#: A room paints this share of the time at most: what a run does comes before what is seen of it.
_SHARE = 0.05
#: Seconds a room rests at most: a terminal that took nothing for a while, as after ctrl-s, is no slow machine.
_LONGEST_REST = 2.0
#: Seconds between two paintings of what is sampled: over a slow line each row counts.
_SAMPLES = 2
#: What an abort is recorded as, and in whose words.
_ABORT_REASONS = {
    "stuck": "the team cannot go on",
    "real-incident": "something real needs us",
    "unsafe": "this may do harm",
    "logistics": "people, time, tools",
}


class RoomScreen(RunScreen):
    """A run, live: what it shows comes from the transcript alone, what is asked goes through the run's socket."""

    COMMANDS = {ActionProvider}
    BINDINGS = [
        Binding("enter", "next", "Next", show=False, priority=True),
        *(Binding(each.key, f"perform('{each.name}')", each.label, show=False) for each in actions_on("room")),
        Binding("c", "copy", "Copy the command", show=False),
        Binding("s", "shell", "Shell", show=False),
        Binding("slash", "filter", "Filter the log", show=False),
        Binding("question_mark", "help", "Help"),
        Binding("q", "detach", "Leave"),
    ]

    def __init__(
        self,
        model: ViewModel,
        feed: LiveFeed,
        folder: Path,
        visitor: Visitor,
        client: RunClient,
        previous: Mapping[str, float],
    ) -> None:
        super().__init__(folder, visitor, previous)
        self.model = model
        self._feed = feed
        self._client = client
        self._asker = Asker(self)
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
        if await self.look():
            # Textual paints when everything else is done.
            self.call_after_refresh(self._rest, began)

    def _rest(self, began: float) -> None:
        now = time.monotonic()
        self._rested = now + min((now - began) * (1 / _SHARE - 1), _LONGEST_REST)

    async def look(self, *, force: bool = False) -> bool:
        """Take in what is new, and show it: an event at once, the clock each second, samples every other one.

        Whether there was anything to paint.
        """
        self._feed.poll(self.model)
        self._asker.look()
        now = self._feed.now(self.model)
        happened = force or self.model.news != self._news
        if not happened and int(now) == self._second:
            return False
        self._news, self._second = self.model.news, int(now)
        await self.show(self.model, now, samples=happened or self._second % _SAMPLES == 0)
        return True

    def trouble(self, model: ViewModel) -> str:
        return "" if model.state.closed is not None else self._client.lost

    async def show(self, model: ViewModel, now: float, *, samples: bool = True) -> None:
        await super().show(model, now, samples=samples)
        self.query_one(Keys).offer(offers(model.state, self.visitor.role, self.visitor.name))

    # -- what a person may do --------------------------------------------------------------------------------------------

    def allowed(self) -> Availability:
        """What is possible now, and why not the rest."""
        return allowed(self.model.state, self.visitor.role, self.visitor.name)

    class EnterPressed(Message):
        """`enter` comes before every other key; this one waits in line."""

    def action_next(self) -> None:
        # From where the keys go, and then behind those that the application has yet to look at: whoever types `x` and
        # `enter` in one breath does not mean the step.
        (self.focused or self).post_message(self.EnterPressed())

    def on_room_screen_enter_pressed(self) -> None:
        self.app.call_later(self._next)

    def _next(self) -> None:
        if self._asker.busy:
            return
        action = next_action(self.model.state)
        if not action.label:
            self.notify("nothing is waiting for you here", severity="information")
        elif not action.wants:
            self._begin(self._ask(_command(action)))
        else:
            self._asker.put(_question(action), partial(self._reply, action), why_not=partial(self._gone, action))

    def _gone(self, action: Next) -> str:
        return (
            "" if next_action(self.model.state) == action else f"{action.about or 'the step'} no longer waits for this"
        )

    def _reply(self, action: Next, text: str) -> None:
        given = {} if action.wants == YES else {"value" if action.ask else "label": text}
        self._begin(self._ask(_command(action, **given)))

    def action_perform(self, name: str) -> None:
        """Do the action of this name, after what it asks; refused when it is not possible now, or is none."""
        if self._asker.busy:
            return
        action, why = ACTIONS.get(name), self.allowed().why_not(name)
        if action is None or why:
            title = f"{action.label if action else name}: not now"
            self.notify(why, title=title, severity="warning", markup=False)
            return
        chosen = self.query_one(RunbookPanel).chosen
        if action.name == "go-to" and not chosen:
            self.notify("choose a step in the runbook first: ↑ ↓", severity="information")
            return
        question = self._question(action, chosen)
        if question is None:
            self._do(action, chosen, "")
            return
        asked = self.model.state
        self._asker.put(question, partial(self._do, action, chosen), why_not=partial(self._why_not, action, asked))

    def _question(self, action: Action, chosen: str) -> Question | None:
        state = self.model.state
        about = named(state, meant(state, action))
        match action.name:
            case "abort":
                undone = undone_by_abort(state, self.visitor.role)
                reasons = (f"{reason}: {words}" for reason, words in _ABORT_REASONS.items())
                return AskChoice(action.prompt, reasons, notes=(undone,), yes="abort", no="goes on with the drill")
            case "hand-over":
                return AskChoice(action.prompt, takers(state, self.visitor.name), about=about, yes="hand over")
            case "go-to":
                skipped = skipped_by(state, chosen)
                prompt = f"{action.prompt} {named(state, chosen)}?"
                return AskYes(prompt, notes=skipped, yes="go", no="stay here") if skipped else None
        return AskText(action.prompt, about=about) if action.asks else None

    def _why_not(self, action: Action, asked: State) -> str:
        """Why what was asked then can no longer be done."""
        state, step = self.model.state, meant(asked, action)
        if step != meant(state, action):
            return f"{named(state, step) or 'the step'} is over"
        if action.name == "abort" and state.phase == "debrief" != asked.phase:
            # There it would close the debrief.
            return "the drill is over"
        return self.allowed().why_not(action.name)

    def _do(self, action: Action, chosen: str, text: str) -> None:
        values: dict[str, str] = {}
        match action.name:
            case "abort":
                reason, _, words = text.partition(": ")
                values = {"reason": reason, "why": words}
            case "hand-over":
                values["to"] = text
            case "go-to":
                values["step"] = chosen
            case _ if action.asks:
                values[action.asks] = text
        self._begin(self._ask(command_for(action, **values)))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self.run_worker(work, exclusive=False)

    async def _ask(self, command: Command) -> None:
        why = await self._client.ask(command)
        if why:
            self.notify(why, severity="warning", markup=False)
        else:
            # What was accepted is in the transcript already.
            await self.look()

    # -- beside the run --------------------------------------------------------------------------------------------------

    def action_help(self) -> None:
        self.app.push_screen(Help(self._help()))

    def _help(self) -> Iterator[tuple[str, str, str]]:
        may, waits = self.allowed(), next_action(self.model.state).label
        yield "enter", waits or "What the step waits for", "" if waits else "nothing waits for you"
        for each in actions_on("room"):
            yield each.key, each.label, may.why_not(each.name)
        for key, label in (
            ("↑ ↓", "Look at another step"),
            ("c", "Copy the command"),
            ("s", "Shell with the target's environment"),
            ("/", "Filter the log"),
        ):
            yield key, label, ""
        yield "ctrl+p", "Every command, themes", ""
        yield "q", "Leave the room; the run goes on", ""

    def action_copy(self) -> None:
        state = self.model.state
        # What is shown is what is meant.
        looked_at = self.query_one(RunbookPanel).looked_at
        step = state.plan.step(looked_at) if looked_at in state.steps else state.step
        if step is None or not step.run:
            self.notify("this step has no command", severity="information")
            return
        self.app.copy_to_clipboard(step.run)
        self.notify("copied")

    def action_shell(self) -> None:
        self.run_worker(self._shell(), exclusive=True, group="shell")

    async def _shell(self) -> None:
        """The room is away meanwhile; the run and its clock go on. Start and end stand in the transcript."""
        state = self.model.state
        await self._ask(Note(text="opened a shell"))
        with self.app.suspend():
            words = f"a shell on {state.plan.target.name}; leave it with exit, the drill goes on"
            sys.stderr.write(f"{inert(words)}\n")
            # Not beside the event loop: what it would paint meanwhile nobody takes, until it waits for ever.
            why = open_shell(state, self.folder)
        await self._ask(Note(text=f"the shell ended{': ' + why if why else ''}"))

    def action_filter(self) -> None:
        question = AskText(
            "Show only lines with", notes=("nothing shows all of them",), yes="filter", may_be_empty=True
        )
        self._asker.put(question, lambda text: self.query_one(LogPanel).filter(text.strip()))

    def action_detach(self) -> None:
        self.app.exit(over(self.model.state, self.visitor.name))


def _command(action: Next, **given: str) -> Command:
    """The command that answers what the step waits for."""
    return BY_WORD[action.command].command(**dict(action.values), **given)


def _question(action: Next) -> Question:
    """What `enter` asks before it does what the step waits for."""
    ask = action.ask
    if action.wants == CHOICE:
        start = action.choices.index(ask.default) if ask and ask.default in action.choices else 0
        return AskChoice(
            action.prompt, action.choices, start=start, about=action.about, notes=action.notes, yes="choose"
        )
    if action.wants == YES:
        yes = action.label.lower()
        return AskYes(action.prompt, about=action.about, notes=action.notes, yes=yes, no="not yet")
    if ask is None:
        return AskText(action.prompt, about=action.about, notes=action.notes, yes="answer")
    return AskText(
        action.prompt,
        secret=ask.secret,
        given=ask.default,
        unfit=ask.why_unfit,
        about=action.about,
        notes=action.notes,
        yes="answer",
    )
