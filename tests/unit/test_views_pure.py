"""What a room shows, without a room: the clock, the plots, the deeds and the story fold any prefix of any transcript."""

from __future__ import annotations

from dataclasses import replace

import pytest
from evil_events import EVIL, every_event
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.engine import events as ev
from runner.engine.commands import Abort, Pause, Say
from runner.engine.events import Recorded
from runner.engine.plan import MILESTONES, Step
from runner.testing import Drive, sample_plan
from runner.views.deeds import DEEDS, allowed, next_deed
from runner.views.dial import dial
from runner.views.plot import blocks, marks
from runner.views.series import MOST, Point, Series
from runner.views.story import Mark, Story, revealed
from runner.views.tui.widgets.target import target_lines

_LOOK = Step(id="look", name="Look")


def _drive(**changes: object) -> Drive:
    return Drive(sample_plan(_LOOK, Step(id="last", name="Last"), **changes)).start().join("alice")


def _hurt(seconds: float, **changes: object) -> Drive:
    drive = _drive(**changes)
    drive.health["checkouts succeed"] = 0.2
    return drive.wait(seconds)


# -- the clock ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spent", "digits", "word", "level"),
    [
        (10, "00:10", "50 s left", "good"),
        (50, "00:50", "10 s left", "warn"),
        (75, "01:15", "LATE by 15 s", "bad"),
        (3700, "1:01:40", "LATE by 1:00:40", "bad"),
    ],
)
def test_the_clock_counts_from_impact_against_the_goal(spent: float, digits: str, word: str, level: str) -> None:
    state = _hurt(8, time_to_recover=60.0).state
    assert state.episodes.impact is not None
    shown = dial(state, state.episodes.impact + spent, "facilitator")
    assert (shown.digits, shown.word, shown.level) == (digits, word, level)
    assert "since impact" in shown.label


def test_the_clock_stands_still_at_recovery_and_when_the_end_was_decided() -> None:
    drive = _hurt(8, time_to_recover=60.0)
    drive.health["checkouts succeed"] = 1.0
    drive.wait(20)
    state = drive.state
    assert {dial(state, state.t + later, "facilitator").digits for later in (0, 100)} == {"00:07"}
    assert dial(state, state.t, "facilitator").word == "recovered"
    ended = _hurt(8).say(Abort(reason="stuck", why="enough")).state
    assert len({dial(ended, ended.t + later, "facilitator").digits for later in (0, 100)}) == 1


def test_a_participant_reads_when_the_shift_began_until_somebody_noticed() -> None:
    drive = _hurt(8, reveal="detected")
    shown = dial(drive.state, drive.clock.now(), "participant")
    assert (shown.phase, shown.digits, shown.word, shown.level) == ("on call", "00:08", "", "")
    for role in ("facilitator", "observer"):
        assert "since impact" in dial(drive.state, drive.clock.now(), role).label
    drive.say(Say(milestone="detected"))
    assert "since impact" in dial(drive.state, drive.clock.now(), "participant").label


def test_an_alert_that_fired_before_the_fault_reveals_nothing() -> None:
    drive = _hurt(8, reveal="detected")
    drive.observe(ev.AlertFired(alert="Old", before=True))
    assert not revealed(drive.state, "participant")
    drive.observe(ev.AlertFired(alert="New"))
    assert revealed(drive.state, "participant")


# -- plots -------------------------------------------------------------------------------------------------------------


def _series(*points: tuple[float, float | None, bool]) -> Series:
    series = Series()
    for t, value, ok in points:
        series.add(Point(t, value, ok))
    return series


def test_a_row_of_blocks_is_as_high_as_its_values_and_keeps_what_was_bad() -> None:
    series = _series((0, 0.0, True), (1, 0.5, True), (2, 1.0, True), (2.5, 0.0, False), (3, None, False))
    assert blocks(series, 0, 5, 5, 0.0, 1.0) == [("▁", "good"), ("▅", "good"), ("▁", "bad"), ("×", "bad"), (" ", "")]


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.none() | st.floats(-1e9, 1e9), st.booleans()), max_size=60),
    st.floats(-1e6, 1e6),
    st.floats(-1e6, 1e6),
    st.integers(0, 90),
)
def test_rows_are_as_wide_as_they_were_asked_to_be(
    points: list[tuple[float, float | None, bool]], since: float, until: float, cells: int
) -> None:
    series = _series(*sorted(points, key=lambda point: point[0]))
    assert len(blocks(series, since, until, cells)) == cells
    assert len(marks((Mark(t, "x", "") for t, _, _ in points), since, until, cells)) == cells


@given(st.lists(st.floats(0, 100), max_size=10))
def test_no_mark_is_lost_while_there_is_room(times: list[float]) -> None:
    row = marks((Mark(t, "x", "") for t in times), 0, 100, 200)
    assert sum(cell == ("x", "") for cell in row) == len(times)


def test_a_day_of_points_stays_bounded_and_keeps_every_breach() -> None:
    series = Series()
    for second in range(86_400):
        series.add(Point(second, 1.0, second != 40_000))
    assert len(series.points) <= MOST
    assert [point.ok for point in series.points].count(False) == 1


# -- deeds -------------------------------------------------------------------------------------------------------------


def test_every_deed_has_a_key_of_its_own_and_a_rule_that_the_engine_knows() -> None:
    assert len({deed.key for deed in DEEDS}) == len(DEEDS)
    rules = allowed(_drive().state, "facilitator", "alice")
    assert {deed.rule for deed in DEEDS} <= rules.keys()
    assert {f"say {milestone}" for milestone in MILESTONES} <= {deed.rule for deed in DEEDS}


def test_enter_waits_while_the_run_is_paused() -> None:
    drive = _drive()
    assert next_deed(drive.state).command == "do"
    assert next_deed(drive.say(Pause(why="lunch")).state).label == ""


# -- the story ---------------------------------------------------------------------------------------------------------


_EVENTS = [event for event in every_event() if not isinstance(event, ev.RunStarted)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(_EVENTS), max_size=40), st.integers(0, 60), st.sampled_from(["participant", "facilitator"])
)
def test_any_story_folds_and_can_be_shown(events: list[ev.Event], prefix: int, role: str) -> None:
    log = _hurt(8).log[:prefix]
    log += [Recorded(len(log) + n, "2026-11-20T17:40:00.000000Z", 9.0, EVIL, event) for n, event in enumerate(events)]
    story = Story()
    for recorded in log:
        story.take(recorded)
    state = story.state
    assert dial(state, 10.0, role).digits
    next_deed(state)
    assert allowed(state, role, "alice")
    for width in (20, 60):
        assert all(
            max(map(len, each.plain.splitlines() or [""])) >= 0 for each in target_lines(story, 10.0, role, width)
        )


def test_a_copy_goes_its_own_way() -> None:
    log = _hurt(8).log
    story = Story()
    for recorded in log[:-10]:
        story.take(recorded)
    twin = story.copy()
    before = (story.told, len(story.marks), {name: len(series.points) for name, series in story.series.items()})
    for recorded in log[-10:]:
        twin.take(recorded)
    assert (story.told, len(story.marks), {n: len(s.points) for n, s in story.series.items()}) == before
    assert replace(twin.state) != story.state
