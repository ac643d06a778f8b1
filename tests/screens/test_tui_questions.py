"""The questions over the room: each says what it is about and which keys answer it, and there is one at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.widgets import Input, OptionList
from tui_kit import Room, enter

from runner.engine.commands import Abort, Complete, Confirm, HandOver, RunCommand, Skip
from runner.engine.plan import Ask, Step
from runner.testing import Drive, sample_plan
from runner.views.actions import allowed, skipped_by, takers
from runner.views.tui.screens.ask import Question
from runner.views.tui.screens.room_screen import RoomScreen
from runner.views.tui.widgets.runbook_panel import RunbookPanel

_LOOK = Step(id="look", name="Look around")
_STEPS = (
    _LOOK,
    Step(id="ask", name="Ask them", critical=False),
    Step(id="fix", name="Fix it", run="make fix\nmake sure", confirm="Really fix it?\nIt takes a minute."),
    Step(id="last", name="Last of all"),
)


def _drive(*steps: Step) -> Drive:
    return Drive(sample_plan(*(steps or _STEPS))).start().join("alice")


async def _told(room: Room, *commands: Any, by: str = "bo") -> None:
    """Somebody else does this meanwhile."""
    before = len(room.drive.log)
    for command in commands:
        room.drive.say(command, by=by)
    await room.tell(*room.drive.log[before:])


async def _until(room: Room, shown: Callable[[], bool]) -> None:
    """What scrolls takes its time."""
    for _ in range(200):
        if shown():
            return
        await room.pilot.pause(0.02)
    pytest.fail(room.screen)


def _questions(room: Room) -> int:
    return sum(isinstance(each, Question) for each in room.app.screen_stack)


# -- one at a time -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", ["oo", "xx", "xo", "nn", "fk", "//"])
def test_keys_in_haste_open_one_question(keys: str) -> None:
    async def scene(room: Room) -> None:
        await room.rush(*("slash" if key == "/" else key for key in keys))
        assert _questions(room) == 1
        await room.press("escape")
        assert room.app.screen is room.app.stage
        assert room.client.asked == []

    enter(_drive().join("bo"), scene)


def test_enter_in_the_same_breath_as_a_key_is_not_meant_for_the_step() -> None:
    async def scene(room: Room) -> None:
        await room.rush("x", "enter")
        assert "Abort the drill?" in room.box
        assert room.client.asked == []

    enter(_drive(), scene)


@pytest.mark.parametrize("keys", [("escape", "escape"), ("1", "1"), ("enter", "1"), ("2", "escape")])
def test_an_answer_in_haste_is_given_once_and_the_room_stays(keys: tuple[str, ...]) -> None:
    async def scene(room: Room) -> None:
        await room.press("x")
        await room.rush(*keys)
        assert room.app.screen is room.app.stage
        assert [each["command"] for each in room.client.asked if each["command"] == "abort"] == ["abort"] * (
            keys[0] != "escape"
        )

    enter(_drive(), scene)


# -- what is no longer possible ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "words"), [("f", "What failed?"), ("o", "Who takes"), ("exclamation_mark", "it say?")])
def test_a_question_about_a_step_that_is_over_is_taken_back(key: str, words: str) -> None:
    async def scene(room: Room) -> None:
        await room.press(key)
        assert words in room.box
        assert "Look around" in room.box
        await _told(room, Complete())
        assert isinstance(room.app.screen, RoomScreen)
        assert room.said == ["Look around is over"]

    enter(_drive().join("bo").join("cy"), scene)


def test_a_question_that_the_step_no_longer_waits_for_is_taken_back() -> None:
    async def scene(room: Room) -> None:
        await room.press("enter")
        assert "Really fix it?" in room.box
        await _told(room, Confirm())
        assert isinstance(room.app.screen, RoomScreen)
        assert room.said == ["Fix it no longer waits for this"]

    enter(_drive(_STEPS[2]).join("bo"), scene)


@pytest.mark.parametrize(("ends", "why"), [(True, "the drill is over"), (False, "already ending: aborted (enough)")])
def test_an_abort_is_not_asked_of_a_run_that_is_over(ends: bool, why: str) -> None:
    drive = _drive().join("bo")
    drive.world = ends

    async def scene(room: Room) -> None:
        await room.press("x")
        await _told(room, Abort(reason="stuck", why="enough"))
        assert isinstance(room.app.screen, RoomScreen)
        assert room.said == [why]
        assert room.client.asked == []

    enter(drive, scene)


def test_words_that_were_typed_are_not_taken_away_and_not_sent_to_another_step() -> None:
    async def scene(room: Room) -> None:
        await room.press("k", *"late")
        await _told(room, Complete())
        assert "Look around is over" in room.box
        assert "late" in room.box
        await room.press("enter", "r", "enter")
        assert "Look around is over" in room.box
        assert room.client.asked == []
        await room.press("escape")
        assert isinstance(room.app.screen, RoomScreen)

    enter(_drive().join("bo"), scene)


# -- what a box says ---------------------------------------------------------------------------------------------------


def test_an_empty_answer_is_refused_with_a_word() -> None:
    async def scene(room: Room) -> None:
        await room.press("k", "enter")
        assert "a few words are needed · esc never mind" in room.box
        await room.press("x")
        assert "⏎ ok · esc never mind" in room.box
        await room.press("enter")
        assert room.client.asked == [{"command": "skip", "why": "x"}]

    enter(_drive(), scene)


def test_the_filter_is_taken_away_by_nothing() -> None:
    async def scene(room: Room) -> None:
        log = room.app.screen.query_one("LogPanel")
        for text in ("nowhere", ""):
            await room.press("slash", *text, "enter")
            assert isinstance(room.app.screen, RoomScreen)
            assert ("LIVE" in log.text or "live" in log.text) is not bool(text)  # type: ignore[attr-defined]

    enter(_drive(), scene)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_confirming_repeats_the_question_and_the_command(size: tuple[int, int]) -> None:
    long = Step(id="fix", name="Fix it", run="\n".join(f"make {n}" for n in range(40)), confirm="Really?\n" * 40)

    async def scene(room: Room) -> None:
        await room.press("enter")
        for words in ("Fix it", "Really fix it?", "It takes a minute.", "$ make fix", "$ make sure", "⏎ confirm"):
            assert words in room.box
        await room.press("escape")
        assert room.client.asked == []
        await room.press("enter", "enter")
        assert room.client.asked == [{"command": "confirm"}]

    async def scrolled(room: Room) -> None:
        await room.press("enter")
        assert "⏎ confirm · esc not yet" in room.box
        await room.press("end")
        await _until(room, lambda: "… and 36 more" in room.box)

    enter(_drive(_STEPS[2]), scene, size=size)
    enter(_drive(long), scrolled, size=size)


def test_approving_says_who_is_asked_and_what_it_lets_run() -> None:
    async def scene(room: Room) -> None:
        await room.press("enter")
        for words in ("Fix it", "asks a second person: the commander", "$ make fix", "⏎ approve"):
            assert words in room.box

    enter(_drive(replace(_STEPS[2], approve="the commander")), scene)


def test_a_long_answer_is_seen_whole() -> None:
    async def scene(room: Room) -> None:
        await room.press("enter", *"0123456789" * 8)
        assert "0123456789" * 8 in room.box
        await room.resize(80, 24)
        assert "01234567890123456789" in room.box

    enter(_drive(Step(id="who", name="Who?", ask=(Ask(name="who", prompt="Who is it?"),))), scene)


# -- which choice ------------------------------------------------------------------------------------------------------


def test_a_digit_picks_its_choice() -> None:
    choices = {f"way {n}": "look" for n in range(1, 12)}

    async def scene(room: Room) -> None:
        await room.press("enter")
        assert "1–9 or ↑ ↓ ⏎ choose" in room.box
        assert "3  way 3" in room.box
        await room.press("0")
        assert room.client.asked == []
        await room.press("3")
        assert room.client.asked == [{"command": "choose", "label": "way 3"}]

    async def few(room: Room) -> None:
        await room.press("enter", "7")
        assert isinstance(room.app.screen, Question)

    enter(_drive(Step(id="which", name="Which?", choose=choices), _LOOK), scene)
    enter(_drive(Step(id="which", name="Which?", choose={"left": "look", "right": "look"}), _LOOK), few)


def test_a_step_is_not_offered_to_whoever_holds_it_and_to_oneself_last() -> None:
    drive = _drive().join("bo").join("eve", role="observer").join("cy")
    drive.say(HandOver(to="alice"), by="bo")
    assert takers(drive.state, "alice") == ("bo", "cy")
    assert takers(drive.state, "bo") == ("cy", "bo")
    assert allowed(drive.state, "participant", "alice").why_not("hand-over") == ""


def test_alone_there_is_nobody_to_hand_over_to() -> None:
    async def scene(room: Room) -> None:
        await room.press("o")
        assert room.said == ["nobody else is here to take the step"]
        assert isinstance(room.app.screen, RoomScreen)

    enter(_drive(), scene)


# -- to another step ---------------------------------------------------------------------------------------------------


def test_going_to_a_step_names_what_is_skipped_and_asks_once() -> None:
    async def scene(room: Room) -> None:
        runbook = room.app.screen.query_one(RunbookPanel)
        await room.press("end", "g")
        assert runbook.chosen == "last"
        for words in (
            "Go to Last of all?",
            "skipped: Look around (critical)",
            "skipped: Ask them",
            "skipped: Fix it (critical)",
            "⏎ go · esc stay here",
        ):
            assert words in room.box
        await room.press("escape")
        assert room.client.asked == []
        await room.press("g", "enter")
        assert room.client.asked == [{"command": "go-to", "step": "last"}]

    enter(_drive(), scene)


def test_what_going_to_a_step_does_to_the_others() -> None:
    drive = _drive()
    assert skipped_by(drive.state, "nowhere") == ()
    assert skipped_by(drive.state, "look") == ("skipped, and begins again: Look around (critical)",)
    drive.say(Complete()).say(Skip(why="no"))
    # Back: what succeeded or was skipped before stays as it is.
    assert skipped_by(drive.state, "look") == ("skipped: Fix it (critical)",)
    failing = Drive(sample_plan(replace(_STEPS[2], confirm=""), _LOOK), commands={"fix": [1]}).start().join("alice")
    failing.say(RunCommand())
    assert skipped_by(failing.state, "look") == ("stays failed: Fix it (critical)",)
    done = _drive(_LOOK).say(Complete())
    assert done.state.step is None
    assert skipped_by(done.state, "look") == ()


# -- help --------------------------------------------------------------------------------------------------------------


def test_help_that_does_not_fit_says_so() -> None:
    async def short(room: Room) -> None:
        await room.press("question_mark")
        assert "more lines · esc back" in room.screen
        await room.press("end")
        await _until(room, lambda: "more line" not in room.screen)
        assert "esc back" in room.screen

    async def tall(room: Room) -> None:
        await room.press("question_mark")
        assert "more line" not in room.screen
        assert "esc back" in room.screen

    enter(_drive(), short, size=(80, 24))
    enter(_drive(), tall, size=(120, 60))


def test_the_palette_asks_as_the_key_does() -> None:
    async def scene(room: Room) -> None:
        await room.press("ctrl+p", *"Step failed")
        palette = room.app.screen
        await _until(room, lambda: bool(palette.query_one(OptionList).option_count))
        await room.press("enter", "enter")
        await _until(room, lambda: room.app.screen is not palette)
        await room.settle()
        assert room.app.screen.query_one(Input)
        assert "What failed?" in room.box

    enter(_drive(), scene)


# -- answers in a form -------------------------------------------------------------------------------------------------


def _asks(**form: Any) -> Drive:
    return _drive(Step(id="who", name="Who?", ask=(Ask(name="who", prompt="Who is it?", **form),)))


def test_a_question_with_choices_offers_them_and_begins_at_its_default() -> None:
    async def scene(room: Room) -> None:
        await room.press("enter")
        assert "2  us" in room.box
        await room.press("enter")
        assert room.client.asked == [{"command": "answer", "name": "who", "value": "us"}]

    enter(_asks(choices=("eu", "us", "ap"), default="us"), scene)


def test_a_default_stands_there_already() -> None:
    async def scene(room: Room) -> None:
        await room.press("enter")
        assert "ana" in room.box
        await room.press("enter")
        assert room.client.asked == [{"command": "answer", "name": "who", "value": "ana"}]

    enter(_asks(default="ana"), scene)


def test_an_answer_in_another_form_is_not_given() -> None:
    async def scene(room: Room) -> None:
        await room.press("enter", *"12a", "enter")
        assert "who cannot be '12a': it does not match [0-9]+" in room.box
        await room.press("backspace", "enter")
        assert room.client.asked == [{"command": "answer", "name": "who", "value": "12"}]

    enter(_asks(pattern="[0-9]+"), scene)


def test_what_was_typed_for_a_secret_is_not_repeated() -> None:
    async def scene(room: Room) -> None:
        await room.press("enter", *"12a", "enter")
        assert "12a" not in room.box
        assert "it does not match [0-9]+" in room.box

    enter(_asks(pattern="[0-9]+", secret=True), scene)
