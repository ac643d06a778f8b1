"""The panels of the room on told stories: which step is shown opened, and what a panel says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.geometry import Region
from textual.widgets import OptionList
from tui_kit import Room, Scene, enter

from runner.engine import events as ev
from runner.engine.commands import Complete, Milestone, Pause, RunCommand, ShowHint
from runner.engine.plan import Indicator, Link, Step, Verify
from runner.testing import Drive, sample_plan
from runner.views.tui.widgets.panel import Panel
from runner.views.tui.widgets.runbook_panel import RunbookPanel
from runner.views.tui.widgets.step import StepCard

_LOOK = Step(id="look", name="Look", run="make look", description="Read the log.", target_time=15.0)
_FIX = Step(id="fix", name="Fix it", description="Turn it off and on.", target_time=20.0)
_PROBE = {"type": "probe", "name": "the flag is off"}


def _looked(*steps: Step, **more: object) -> Drive:
    """The first step is done, and its command printed something."""
    plan = sample_plan(*(steps or (_LOOK, _FIX)), Step(id="last", name="Last"), **more)
    drive = Drive(plan, commands={"look": []}).start().join("alice").say(RunCommand())
    drive.observe(ev.CommandEnded(step="look", attempt=1, exit_code=0, duration=1.0, tail="the gateway is down"))
    return drive


def _title(room: Room) -> str:
    return str(room.app.screen.query_one(StepCard).border_title)


def _panel(room: Room, name: str) -> str:
    return str(room.app.screen.query_one(f"#{name}", Panel).visual)


def test_a_chosen_step_is_shown_opened_and_escape_leads_back() -> None:
    drive = _looked()
    assert drive.state.current == "fix"

    async def scene(room: Room) -> None:
        assert _title(room) == "Now"
        assert "the gateway is down" not in _panel(room, "step-state")
        await room.press("up")
        assert _title(room) == "Step 1, done"
        assert "Read the log." in room.screen
        shown = _panel(room, "step-state").splitlines()
        assert shown == ["done by alice", "$ make look", "exit code 0", "│ the gateway is down"]
        assert "⏎ Done  for the current step: Fix it" in room.screen
        await room.press("down", "down")
        assert _title(room) == "Step 3, not yet"
        await room.press("escape")
        assert _title(room) == "Now"
        assert "Turn it off and on." in room.screen

    enter(drive, scene)


def test_a_new_current_step_takes_the_panel_back() -> None:
    drive = _looked()
    told = len(drive.log)
    drive.say(Complete())
    later = drive.log[told:]
    del drive.log[told:]

    async def scene(room: Room) -> None:
        await room.press("up")
        await room.tell(*later)
        assert (_title(room), room.app.screen.query_one(RunbookPanel).chosen) == ("Now", "last")
        assert "3/3  Last" in room.screen

    enter(drive, scene)


def test_with_every_step_done_each_can_be_looked_at() -> None:
    drive = _looked().say(Complete()).say(Complete())
    assert not drive.state.current

    async def scene(room: Room) -> None:
        assert _title(room) == "Now"
        await room.press("up")
        assert _title(room) == "Step 3, done"
        await room.press("escape")
        assert _title(room) == "Now"

    enter(drive, scene)


def test_who_is_told_nothing_yet_does_not_look_at_other_steps() -> None:
    drive = Drive(sample_plan(replace(_LOOK, milestone="detected"), _FIX, reveal="detected")).start().join("alice")
    drive.wait(3)

    async def scene(room: Room) -> None:
        await room.press("down", "down", "up")
        assert _title(room) == "Now"

    enter(drive, scene, role="participant")
    drive.say(Milestone(name="detected"))


def test_the_list_shows_the_open_steps_goal_and_now_its_time() -> None:
    drive = _looked().wait(12)

    async def scene(room: Room) -> None:
        rows = room.app.screen.query_one("#runbook", OptionList)
        assert [str(rows.get_option(step).prompt).split("\n")[0][-6:] for step in ("look", "fix")] == [
            "/ 0:15",
            "≤ 0:20",
        ]
        assert "12 s of 20 s" in room.screen
        drive.wait(9)
        await room.tell(*drive.log[-1:])
        assert str(rows.get_option("fix").prompt).split("\n")[0].endswith(" ! ≤ 0:20")

    enter(drive, scene)


def test_a_step_is_ahead_of_or_behind_last_time_once_it_is_done() -> None:
    drive = _looked().wait(12)

    def under(room: Room, step: str) -> str:
        return str(room.app.screen.query_one(RunbookPanel).get_option(step).prompt).partition("\n")[2]

    async def scene(room: Room) -> None:
        runbook = room.app.screen.query_one(RunbookPanel)
        for previous, words in ((20.0, "last time 20.0 s"), (5.0, "behind last time: 5.0 s")):
            runbook.show(drive.state, drive.clock.now(), {"fix": previous})
            assert under(room, "fix").strip() == words
        state = drive.say(Complete()).state
        for previous, words in ((20.0, "ahead of last time by 8.0 s"), (5.0, "behind last time by 7.0 s")):
            runbook.show(state, drive.clock.now(), {"fix": previous})
            assert under(room, "fix").endswith(words)

    enter(drive, scene)


def test_a_pause_says_why_and_what_stands_still() -> None:
    drive = _looked()

    async def scene(room: Room) -> None:
        assert "paused" not in room.screen
        drive.say(Pause(why="lunch"))
        await room.tell(drive.log[-1])
        assert "paused: lunch; u goes on" in room.screen
        assert "Step times stand still; faults, load and the impact clock go on." in _panel(room, "step-paused")

    enter(drive, scene)


def test_what_a_probe_verifies_has_its_name() -> None:
    drive = _looked(_LOOK, replace(_FIX, verify=Verify(probe=_PROBE)))

    async def scene(room: Room) -> None:
        assert "verifies the flag is off: after the step" in room.screen

    enter(drive, scene)


def test_a_second_repaints_no_more_of_the_card_than_its_time() -> None:
    async def scene(room: Room) -> None:
        card = room.app.screen.query_one(StepCard)
        painted: list[Region] = []
        card._set_dirty = lambda *regions: painted.append(card.region)  # type: ignore[method-assign]
        await room.tell()
        assert painted == []

    enter(_looked(), scene)


def test_the_plots_of_a_big_room_are_high() -> None:
    indicators = tuple(Indicator(name=f"stands {n}", source="probe", at_least=0.9) for n in range(4))
    drive = _looked(indicators=indicators).wait(30)

    def rows(room: Room) -> int:
        return sum("█" in row[len(row) // 2 :] for row in room.screen.splitlines())

    async def scene(room: Room) -> None:
        assert rows(room) == 16
        await room.resize(80, 24)
        assert rows(room) == 4

    enter(drive, scene, size=(200, 60))


def test_the_facilitator_sees_a_hint_before_the_team_does() -> None:
    drive = Drive(sample_plan(replace(_FIX, hint="Believe the alert."))).start().join("alice").join("bo")

    def scene(shown: str) -> Scene:
        async def look(room: Room) -> None:
            assert [line for line in _panel(room, "step-state").splitlines() if "hint" in line] == (
                [shown] * bool(shown)
            )

        return look

    enter(drive, scene("hint, not shown to the team: Believe the alert."), role="facilitator")
    enter(drive, scene(""), role="participant", name="bo")
    drive.say(ShowHint())
    enter(drive, scene("hint: Believe the alert."), role="participant", name="bo")


def test_what_a_command_printed_is_seen_however_long_the_text_above_it_is() -> None:
    long = replace(_LOOK, description="\n\n".join(f"Paragraph {number}." for number in range(30)))
    drive = Drive(sample_plan(long), commands={"look": [1]}).start().join("alice")

    async def scene(room: Room) -> None:
        assert "Paragraph 0." in room.screen
        told = len(drive.log)
        drive.say(RunCommand())
        await room.tell(*drive.log[told:])
        await room.settle()
        card = room.app.screen.query_one(StepCard)
        assert card.max_scroll_y > 0
        assert card.is_vertical_scroll_end
        assert "exit code 1" in room.screen

    enter(drive, scene, size=(80, 24))


@pytest.mark.parametrize("size", [(80, 12), (50, 24), (40, 10)])
def test_in_a_corner_of_a_screen_there_is_the_clock_the_step_and_the_keys(size: tuple[int, int]) -> None:
    drive = Drive(sample_plan(_FIX)).start().join("alice")

    async def scene(room: Room) -> None:
        for words in ("LIVE", "Fix it", "⏎ Done", "? Help", "q Leave"):
            assert words in room.screen, f"{words}\n{room.screen}"

    enter(drive, scene, size=size)


def test_links_are_written_out_so_that_they_can_be_opened_or_copied() -> None:
    step = replace(_LOOK, description="See [the board](https://board.example.com/d/1?a=b) first.")
    links = (Link(name="Status page", url="https://status.example.com"),)
    drive = Drive(sample_plan(step, links=links)).start().join("alice")

    async def scene(room: Room) -> None:
        assert "See the board (https://board.example.com/d/1?a=b) first." in " ".join(room.screen.split())
        assert "↗ Status page  https://status.example.com" in room.screen

    enter(drive, scene)
