"""The room on told stories: every key in every state does what help says or says why not, and nothing shown ever acts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hostile_events import EVIL, acts, every_event
from textual.widgets import Input
from tui_kit import Room, enter

from runner.engine import events as ev
from runner.engine.availability import Availability
from runner.engine.command_lookup import COMMAND_OF, actions_on
from runner.engine.command_spec import Action
from runner.engine.commands import Abort, Milestone, Pause, Role, RunCommand
from runner.engine.events import Recorded
from runner.engine.plan import Ask, Step, Verify
from runner.testing import Drive, sample_plan
from runner.views import actions
from runner.views.actions import allowed
from runner.views.prompt_text import Next, next_action
from runner.views.tui.palette import ActionProvider
from runner.views.tui.screens.ask import Question
from runner.views.tui.screens.help import Help
from runner.views.tui.screens.room_screen import RoomScreen
from runner.views.tui.widgets.panel import Panel

_FIX = Step(id="fix", name="Fix it", run="make fix", hint="Believe the alert.")


def _live(step: Step, **more: Any) -> Drive:
    return Drive(sample_plan(step, Step(id="last", name="Last")), **more).start().join("alice")


def _ran(step: Step, **more: Any) -> Drive:
    return _live(step, **more).say(RunCommand())


def _undoing() -> Drive:
    drive = _live(_FIX)
    drive.world = False
    return drive.say(Abort(reason="stuck", why="enough"))


def _debrief() -> Drive:
    drive = _live(_FIX).join("bo")
    return drive.say(Abort(reason="stuck", why="enough")) if drive.state.phase == "live" else drive


def _closed() -> Drive:
    drive = _debrief()
    return drive.observe(ev.RunClosed(ending="aborted", exit_code=4, headline="aborted"))


#: A drive in each state that a person may meet.
STATES: dict[str, Callable[[], Drive]] = {
    "preflight": lambda: Drive(sample_plan(_FIX)).begin().join("alice"),
    "warm-up": lambda: Drive(sample_plan(_FIX)).warm_up().join("alice"),
    "manual, ready": lambda: _live(Step(id="look", name="Look", hint="There.")).join("bo"),
    "automated, ready": lambda: _live(_FIX),
    "asks to confirm": lambda: _live(replace(_FIX, confirm="Really?")),
    "asks a question": lambda: _live(replace(_FIX, ask=(Ask(name="who", prompt="Who is it?"),))),
    "asks a secret": lambda: _live(replace(_FIX, ask=(Ask(name="pin", prompt="PIN?", secret=True),))),
    "asks for approval": lambda: _live(replace(_FIX, approve="bo")),
    "chooses": lambda: _live(Step(id="which", name="Which?", choose={"left": "last", "right": "last"})),
    "running": lambda: _ran(_FIX),
    "failing": lambda: _ran(_FIX, commands={"fix": [1]}),
    "waits to retry": lambda: _ran(replace(_FIX, retry_max=2, retry_delay=60.0), commands={"fix": [1]}),
    "verifying": lambda: _ran(
        replace(_FIX, verify=Verify(indicator="checkouts succeed", lasting=60.0, within=90.0)), commands={"fix": [0]}
    ),
    "paused": lambda: _live(_FIX).say(Pause(why="lunch")),
    "steps done": lambda: Drive(sample_plan()).start().join("alice"),
    "undoing": _undoing,
    "closed": _closed,
}


def test_the_states_are_those_that_they_are_called() -> None:
    found = {name: make().state for name, make in STATES.items()}
    assert {name: state.phase for name, state in found.items() if state.phase != "live"} == {
        "preflight": "preflight",
        "warm-up": "warm-up",
        "undoing": "undoing",
        "closed": "closed",
    }
    status = {name: state.steps[state.current].status for name, state in found.items() if state.step}
    assert status["running"] == "running"
    assert status["failing"] == "failing"
    assert status["waits to retry"] == "retry-wait"
    assert status["verifying"] in ("done", "verifying")
    assert status["asks to confirm"] == status["asks a question"] == status["asks for approval"] == "asking"


@pytest.mark.parametrize("name", STATES)
def test_every_key_does_what_it_says_or_says_why_not(name: str) -> None:
    drive = STATES[name]()

    async def scene(room: Room) -> None:
        may = allowed(drive.state, "facilitator", "alice")
        await _enter_key(room, next_action(drive.state))
        for action in actions_on("room"):
            before = len(room.client.asked)
            room.said.clear()
            await room.press(action.key)
            assert room.app._exception is None
            if why := may.why_not(action.name):
                assert room.said == [why], action.name
                assert len(room.client.asked) == before, action.name
            else:
                await _answer(room, action)
                assert [each["command"] for each in room.client.asked[before:]] == [COMMAND_OF[action.name].word], (
                    action.name
                )
                assert room.said == [], action.name
            assert isinstance(room.app.screen, RoomScreen), action.name

    enter(drive, scene)


async def _enter_key(room: Room, action: Next) -> None:
    await room.press("enter")
    if not action.label:
        assert room.said == ["nothing is waiting for you here"]
        return
    assert action.about in room.screen
    if action.wants == "text":
        assert room.app.screen.query_one(Input).password is (action.ask is not None and action.ask.secret)
        await room.press("4", "2")
    if action.wants:
        assert isinstance(room.app.screen, Question)
        assert room.client.asked == []
        await room.press("enter")
    assert [each["command"] for each in room.client.asked] == [action.command]
    # What the key promises the engine accepts.
    assert room.said == []


async def _answer(room: Room, action: Action) -> None:
    """What the action asks first, in one box."""
    if not action.asks or (action.name == "go-to" and isinstance(room.app.screen, RoomScreen)):
        return
    assert isinstance(room.app.screen, Question)
    step = room.drive.state.step
    assert action.name == "go-to" or not action.of_step or step is None or step.name in room.box
    assert "⏎" in room.box
    assert "esc" in room.box
    if room.app.screen.query(Input):
        await room.press("b", "x")
    await room.press("enter")


@pytest.mark.parametrize("role", ["participant", "facilitator", "observer"])
@pytest.mark.parametrize("name", ["manual, ready", "failing", "paused", "closed"])
def test_help_lists_what_is_possible_and_why_the_rest_is_not(name: str, role: Role) -> None:
    drive = STATES[name]()

    async def scene(room: Room) -> None:
        await room.press("question_mark")
        assert isinstance(room.app.screen, Help)
        shown = room.app.screen.query_one("#help-text", Panel).visual.plain  # type: ignore[attr-defined]
        now, _, not_now = (set(part.splitlines()) for part in shown.partition("Not now, and why"))
        for action in actions_on("room"):
            why = allowed(drive.state, role, "alice").why_not(action.name)
            row = f"{'!' if action.key == 'exclamation_mark' else action.key:>8}  {action.label:<24}{why}"
            assert row in (not_now if why else now)
        await room.press("escape")
        assert isinstance(room.app.screen, RoomScreen)

    enter(drive, scene, role=role, size=(200, 60))


@pytest.mark.parametrize("name", ["dance", "", "milestone detected", "tick"])
def test_what_is_no_action_is_refused_and_nothing_is_asked(name: str) -> None:
    async def scene(room: Room) -> None:
        screen = room.app.screen
        assert isinstance(screen, RoomScreen)
        screen.action_perform(name)
        await room.settle()
        assert room.said == [f"there is no action {name!r}"]
        assert room.app.screen is screen
        assert room.client.asked == []

    enter(_live(_FIX), scene)


def test_what_nothing_is_known_of_is_neither_done_nor_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "availability", lambda *_: Availability({}))

    async def scene(room: Room) -> None:
        screen = room.app.screen
        assert [key for key, _ in actions.offers(room.drive.state, "facilitator", "alice")] == ["enter"]
        for action in actions_on("room"):
            await room.press(action.key)
            assert room.app.screen is screen, action.name
        assert room.client.asked == []
        found = [hit async for hit in ActionProvider(screen).discover()]
        assert len(found) == len(actions_on("room"))
        assert all(str(hit.help).startswith("not now: ") for hit in found)

    enter(_live(_FIX), scene)


@pytest.mark.parametrize("keys", [("f",), ("x",), ("n",), ("g",)])
def test_escape_takes_a_question_back(keys: tuple[str, ...]) -> None:
    async def scene(room: Room) -> None:
        await room.press(*keys)
        await room.press("escape")
        assert isinstance(room.app.screen, RoomScreen)
        assert room.client.asked == []

    enter(_live(_FIX), scene)


def test_an_abort_says_what_will_be_undone() -> None:
    async def scene(room: Room) -> None:
        await room.press("x")
        assert "what is in will be undone: gateway-errors" in room.screen
        # Once, and no second box: the fault is in meanwhile.
        await room.press("2")
        assert room.client.asked == [{"command": "abort", "reason": "real-incident", "why": "something real needs us"}]
        assert isinstance(room.app.screen, RoomScreen)

    enter(_live(_FIX), scene)


# -- what is shown -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_at_every_size_the_room_shows_what_matters(size: tuple[int, int]) -> None:
    drive = _live(replace(_FIX, description="\n\n".join(f"Paragraph {n} of **many**." for n in range(30))))
    drive.health["checkouts succeed"] = 0.2
    drive.wait(8)

    async def scene(room: Room) -> None:
        for columns, rows in (size, (80, 24), (200, 60), size):
            await room.resize(columns, rows)
            shown = room.screen
            assert max(map(len, shown.splitlines())) == columns
            for word in ("LIVE", "since impact", "Fix it", "checkouts succeed", "20.0%", "gateway-errors", "⏎ Run"):
                assert word in shown, f"{word} at {columns}×{rows}\n{shown}"
            assert "▼ impact" in shown

    enter(drive, scene, size=size)


def test_a_room_without_colour_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    drive = _live(_FIX)
    drive.health["checkouts succeed"] = 0.2
    drive.wait(8)
    seen: list[str] = []

    async def scene(room: Room) -> None:
        seen.append(room.screen)

    enter(drive, scene)
    monkeypatch.setenv("NO_COLOR", "1")
    enter(drive, scene)
    assert seen[0] == seen[1]
    # What is red says so in words and signs.
    for words in ("▲ not recovered", "✗ checkouts succeed", "gateway-errors  IN"):
        assert words in seen[1]


_SECRETS = ("gateway-errors", "break it", "The gateway resets", "checkouts succeed", "impact", "OUT of", "steady state")


def test_a_participant_sees_nothing_of_the_truth_until_somebody_noticed() -> None:
    plan = sample_plan(
        Step(id="look", name="Look"),
        reveal="detected",
        briefing="You are on call.",
        description="The gateway resets connections.",
        warnings=("experiments/gateway-errors.yaml: nothing checks that it is gone",),
    )
    drive = Drive(plan).start().join("alice")
    drive.health["checkouts succeed"] = 0.2
    drive.wait(8)
    assert drive.state.episodes.impact is not None
    told = len(drive.log)
    drive.say(Milestone(name="detected"))
    later = drive.log[told:]
    del drive.log[told:]

    async def participant(room: Room) -> None:
        for columns, rows in ((80, 24), (120, 40), (200, 60)):
            await room.resize(columns, rows)
            assert "You are on call." in room.screen
            for key in ("x", "question_mark", "g", "i"):
                # Neither what a key asks, nor why it is not possible, tells more.
                await room.press(key)
                assert [secret for secret in _SECRETS if secret in room.screen] == [], key
                await room.press("escape")
        await room.tell(*later)
        assert [
            secret for secret in ("gateway-errors", "impact", "checkouts succeed") if secret not in room.screen
        ] == []

    async def facilitator(room: Room) -> None:
        assert [s for s in _SECRETS if s not in room.screen] == []

    enter(drive, participant, role="participant")
    enter(drive, facilitator, role="facilitator", size=(200, 60))
    enter(drive, facilitator, role="observer", size=(200, 60))


_HOSTILE = [
    EVIL,
    "[/x]",
    "[@click=app.bell]ring[/]",
    "[@click=screen.detach]go",
    "]]][[[/",
    "\n\n\n",
    "x" * 10_000,
    "[b" * 3_000,
    "# a\n\n[go](javascript:x) ![i](file:///etc/passwd) <b>h</b>\n\n```\n\x1b[31m\n```\n\n| a | b |\n|--|--|\n| [/] | \u202e |",
]


@pytest.mark.parametrize("evil", _HOSTILE, ids=range(len(_HOSTILE)))
def test_hostile_text_is_shown_and_does_nothing(evil: str) -> None:
    step = Step(
        id="fix",
        name=evil,
        description=evil,
        run=evil,
        hint=evil,
        confirm=evil,
        choose={},
        role=evil,
        ask=(Ask(name=evil, prompt=evil),),
    )
    plan = sample_plan(step, name=evil, description=evil, briefing=evil, reveal="always")
    drive = Drive(plan).start().join("alice")
    drive.observe(ev.CommandEnded(step="fix", attempt=1, exit_code=1, duration=1.0, tail=evil, why=evil))
    drive.observe(ev.TargetReady(url=evil))
    state, t = drive.state, drive.clock.now()
    for event in (
        ev.NoteWritten(text=evil, type="note"),
        ev.NoteWritten(text=evil, type="mark"),
        ev.PersonJoined(person=evil, uid=1, role="participant"),
        ev.HintShown(step="fix"),
        ev.NeedChecked(name=evil, met=False, why=evil),
        ev.AlertFired(alert=evil),
        ev.TargetLost(why=evil),
    ):
        drive.log.append(Recorded(len(drive.log), "2026-11-20T17:40:00.000000Z", t, evil, event))
    assert state.step is not None

    async def scene(room: Room) -> None:
        assert acts(room.screen) == []
        for row in range(2, 38, 3):
            for column in (20, 70):
                await room.click(column, row)
        for key in ("question_mark", "enter", "o", "g", "k", "x"):
            await room.press(key)
            assert acts(room.screen) == []
            await room.press("escape")
        assert room.app._exit is False
        assert room.client.asked == []
        assert all(acts(said.replace("\n", "")) == [] or evil in said for said in room.said)

    enter(drive, scene)


def test_a_terminal_that_took_nothing_for_a_while_is_looked_after_again_at_once() -> None:
    async def scene(room: Room) -> None:
        screen = room.app.stage
        assert isinstance(screen, RoomScreen)
        # As after ctrl-s, or on a line that hangs: what was painted then took half a minute.
        screen._rest(time.monotonic() - 30.0)
        before = len(room.drive.log)
        room.drive.join("carla")
        room.tape.coming += room.drive.log[before:]
        began = time.monotonic()
        while "carla" not in room.screen:
            assert time.monotonic() - began < 20.0, room.screen
            await asyncio.sleep(0.1)

    enter(_live(_FIX), scene)


def test_an_event_of_every_kind_with_hostile_text_crashes_nothing() -> None:
    drive = _live(_FIX)
    events = [event for event in every_event() if not isinstance(event, ev.RunStarted)]
    told = [Recorded(1000 + n, "2026-11-20T17:40:00.000000Z", 9.0, EVIL, event) for n, event in enumerate(events)]

    async def scene(room: Room) -> None:
        for each in told:
            await room.tell(each)
        assert acts(room.screen) == []

    enter(drive, scene)
