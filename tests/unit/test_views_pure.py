"""What a room shows, without a room: the clock, the plots, the actions and the view model take any prefix of any transcript."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hostile_events import EVIL, every_event
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.content import Content
from textual.geometry import Size

from runner.engine import events as ev
from runner.engine.commands import Abort, Milestone, Pause
from runner.engine.events import Recorded
from runner.engine.plan import Step
from runner.engine.state import Reached
from runner.testing import Drive, sample_plan
from runner.views.actions import allowed
from runner.views.plot import blocks, marks
from runner.views.prompt_text import next_action
from runner.views.run_clock import read_clock
from runner.views.series import MOST, Point, Series
from runner.views.tui.widgets.rows import Tall, fitted
from runner.views.tui.widgets.target_panel import target_lines
from runner.views.view_model import Mark, ViewModel, revealed

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
    shown = read_clock(state, state.episodes.impact + spent, "facilitator")
    assert (shown.digits, shown.word, shown.level) == (digits, word, level)
    assert "since impact" in shown.label


def test_the_clock_stands_still_at_recovery_and_when_the_end_was_decided() -> None:
    drive = _hurt(8, time_to_recover=60.0)
    drive.health["checkouts succeed"] = 1.0
    drive.wait(20)
    state = drive.state
    assert {read_clock(state, state.t + later, "facilitator").digits for later in (0, 100)} == {"00:07"}
    assert read_clock(state, state.t, "facilitator").word == "recovered"
    ended = _hurt(8).say(Abort(reason="stuck", why="enough")).state
    assert len({read_clock(ended, ended.t + later, "facilitator").digits for later in (0, 100)}) == 1


def test_a_participant_reads_when_the_shift_began_until_somebody_noticed() -> None:
    drive = _hurt(8, reveal="detected")
    shown = read_clock(drive.state, drive.clock.now(), "participant")
    assert (shown.phase, shown.digits, shown.word, shown.level) == ("on call", "00:08", "", "")
    for role in ("facilitator", "observer"):
        assert "since impact" in read_clock(drive.state, drive.clock.now(), role).label
    drive.say(Milestone(name="detected"))
    assert "since impact" in read_clock(drive.state, drive.clock.now(), "participant").label


def test_an_alert_that_fired_before_the_fault_reveals_nothing() -> None:
    drive = _hurt(8, reveal="detected")
    drive.observe(ev.AlertFired(alert="Old", before=True))
    assert not revealed(drive.state, "participant")
    drive.observe(ev.AlertFired(alert="New"))
    assert revealed(drive.state, "participant")


def _spoken(spent: float, said: tuple[str, float] | None = None, **goals: float) -> tuple[str, str]:
    """The word and level, `spent` s after the impact; `said`: a milestone, and how long after it."""
    drive = _hurt(8, **goals)
    state = drive.state
    impact = state.episodes.impact
    assert impact is not None
    if said is not None:
        state = state.but(milestones={said[0]: Reached(t=impact + said[1], by="alice")})
    shown = read_clock(state, impact + spent, "facilitator")
    return shown.word, shown.level


@pytest.mark.parametrize(
    ("spent", "said", "goals", "shown"),
    [
        (10, None, {"time_to_mitigate": 30.0, "time_to_recover": 60.0}, ("20 s left to mitigate", "good")),
        (25, None, {"time_to_mitigate": 30.0, "time_to_recover": 60.0}, ("5 s left to mitigate", "warn")),
        (31, None, {"time_to_mitigate": 30.0, "time_to_recover": 60.0}, ("29 s left; mitigation late", "warn")),
        (61, None, {"time_to_mitigate": 30.0, "time_to_recover": 60.0}, ("LATE by 1 s; mitigation late", "bad")),
        (31, None, {"time_to_mitigate": 30.0}, ("not recovered; mitigation late", "warn")),
        (5, None, {"time_to_detect": 10.0, "time_to_recover": 60.0}, ("5 s left to detect", "good")),
        (11, None, {"time_to_detect": 10.0, "time_to_recover": 60.0}, ("49 s left; detection late", "warn")),
        (20, ("detected", 9.0), {"time_to_detect": 10.0, "time_to_recover": 60.0}, ("40 s left", "good")),
        (20, ("detected", 10.0), {"time_to_detect": 10.0, "time_to_recover": 60.0}, ("40 s left", "good")),
        (20, ("detected", 11.0), {"time_to_detect": 10.0, "time_to_recover": 60.0}, ("40 s left; detected too late", "warn")),
    ],
)  # fmt: skip
def test_the_clock_names_the_goal_that_comes_next_and_those_that_are_lost(
    spent: float, said: tuple[str, float] | None, goals: dict[str, float], shown: tuple[str, str]
) -> None:
    assert _spoken(spent, said, **goals) == shown


def test_a_recovery_in_time_does_not_hide_a_late_mitigation() -> None:
    drive = _hurt(8, time_to_recover=60.0, time_to_mitigate=5.0)
    drive.health["checkouts succeed"] = 1.0
    drive.wait(20)
    shown = read_clock(drive.state, drive.state.t, "facilitator")
    assert (shown.word, shown.level) == ("recovered; mitigated too late", "warn")


def test_an_alert_notices_and_wants_an_answer_in_time() -> None:
    goals = {"time_to_detect": 20.0, "time_to_acknowledge": 5.0, "time_to_recover": 60.0}
    drive = _hurt(8, **goals)
    drive.observe(ev.AlertFired(alert="New"))
    fired = drive.state.alerts["New"].fired_t
    assert fired is not None
    assert read_clock(drive.state, fired + 2, "facilitator").word == "3 s left to acknowledge"
    assert "; acknowledgement late" in read_clock(drive.state, fired + 6, "facilitator").word
    drive.wait(6).say(Milestone(name="acknowledged"))
    shown = read_clock(drive.state, drive.clock.now(), "facilitator")
    assert shown.word.endswith("left; acknowledged too late")
    assert shown.level == "warn"


# -- plots -------------------------------------------------------------------------------------------------------------


def _series(*points: tuple[float, float | None, bool]) -> Series:
    series = Series()
    for t, value, ok in points:
        series.add(Point(t, value, ok))
    return series


def test_a_row_of_blocks_is_as_high_as_its_values_and_keeps_what_was_bad() -> None:
    series = _series((0, 0.0, True), (1, 0.5, True), (2, 1.0, True), (2.5, 0.0, False), (3, None, False))
    flat = [("▁", "good"), ("▅", "good"), ("▁", "bad"), ("×", "bad"), (" ", "")]
    assert blocks(series, 0, 5, 5, 0.0, 1.0) == [flat]


def test_over_several_rows_a_value_stands_on_what_it_fills_below() -> None:
    series = _series((0, 0.0, True), (1, 0.5, True), (2, 0.7, False), (3, 1.0, True), (4, None, False))
    rows = ["".join(sign for sign, _ in row) for row in blocks(series, 0, 5, 5, 0.0, 1.0, rows=2)]
    assert rows == [" ▁▄█ ", "▁███×"]
    assert blocks(series, 0, 5, 5, 0.0, 1.0, rows=2)[0][2] == ("▄", "bad")


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
    for rows in (1, 3):
        assert [len(row) for row in blocks(series, since, until, cells, rows=rows)] == [cells] * rows
    assert len(marks((Mark(t, "x", "") for t, _, _ in points), since, until, cells)) == cells


_SIGNS = "↯▼△▲◉★✎↶"


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from(_SIGNS)), max_size=20), st.integers(1, 60))
def test_marks_stand_in_the_order_of_their_time(told: list[tuple[float, str]], cells: int) -> None:
    found = [Mark(t, sign, f"{n}") for n, (t, sign) in enumerate(told)]
    shown = [sign for sign, _ in marks(found, 0, 100, cells) if sign != " "]
    in_time = iter(sorted(found, key=lambda mark: mark.t))
    # What is shown can be read off the marks in their order.
    assert all(any(mark.sign == sign for mark in in_time) for sign in shown)


def _marks(told: str, cells: int, until: float = 100.0) -> str:
    """`told`: `9↯ 16◉`, the row of these marks."""
    found = [Mark(float(each[:-1]), each[-1], "") for each in told.split()]
    return "".join(sign for sign, _ in marks(found, 0, until, cells))


@pytest.mark.parametrize(
    ("told", "row"),
    [
        ("9↯ 10↯ 11↯ 16◉ 44★ 90▼", "↯↯◉ ★    ▼"),
        ("55↯ 56▼ 57◉", "     ↯▼◉  "),
        ("55◉ 56↯ 57▼ 58★ 65✎ 72▲", "     ▼✎▲  "),
        ("55✎ 56★ 65✎", "     ★✎   "),
        ("91↯ 95★ 100◉", "         ↯"),
        ("91★ 92↯ 95▼ 100◉", "         ▼"),
        ("55↯ 56↯ 57↯", "     ↯    "),
    ],
)
def test_where_marks_are_crowded_the_important_ones_stay(told: str, row: str) -> None:
    assert _marks(told, 10) == row


@given(st.lists(st.floats(0, 100), max_size=len(_SIGNS)))
def test_no_mark_is_lost_where_each_has_a_cell(times: list[float]) -> None:
    row = marks((Mark(t, sign, "") for t, sign in zip(times, _SIGNS, strict=False)), 0, 100, 1000)
    # The very end has no cell of its own.
    lonely = len({min(int(t * 10), 999) for t in times}) == len(times)
    assert not lonely or sum(sign != " " for sign, _ in row) == len(times)


def test_a_day_of_points_stays_bounded_and_keeps_every_breach() -> None:
    series = Series()
    for second in range(86_400):
        series.add(Point(second, 1.0, second != 40_000))
    assert len(series.points) <= MOST
    assert [point.ok for point in series.points].count(False) == 1


# -- the target --------------------------------------------------------------------------------------------------------


def _told(drive: Drive) -> ViewModel:
    model = ViewModel()
    for recorded in drive.log:
        model.take(recorded)
    return model


@pytest.mark.parametrize(
    ("room", "plots", "every", "height"),
    [
        (Size(56, 22), 4, 5.0, 3),
        (Size(56, 22), 1, 5.0, 4),
        (Size(56, 12), 4, 5.0, 2),
        (Size(56, 22), 5, 5.0, 2),
        (Size(56, 8), 4, 5.0, 1),
        (Size(34, 11), 4, 5.0, 1),
        # Of a young run: it moves often, and each of its rows is sent each time.
        (Size(56, 22), 4, 2.0, 1),
        (Size(56, 22), 4, 3.0, 1),
        (Size(96, 42), 5, 2.0, 4),
        (Size(96, 18), 5, 5.0, 2),
        (Size(96, 0), 5, 5.0, 1),
    ],
)
def test_plots_are_as_high_as_the_panel_has_room_for(room: Size, plots: int, every: float, height: int) -> None:
    plot = Tall(lambda rows: [Content("▁")] * rows, every)
    parts = [part for _ in range(plots) for part in (Content("an indicator"), plot)]
    shown = list(fitted(parts, room))
    assert len(shown) == plots * (1 + height)
    assert len(shown) <= max(room.height, 2 * plots)


def test_lines_that_wrap_take_their_rows_from_the_plots() -> None:
    plot = Tall(lambda rows: [Content("▁")] * rows, 5.0)
    assert len(list(fitted([Content("x" * 50), plot], Size(10, 8)))) == 1 + 3


def test_a_fault_and_an_alert_stand_on_one_row_each() -> None:
    drive = _hurt(8)
    for name in ("CheckoutErrorsHighForEverybodyInEverySingleRegion", "Down"):
        drive.observe(ev.AlertFired(alert=name))
    model = _told(drive)
    for width in range(20, 60):
        rows = [row.plain for row in fitted(list(target_lines(model, 10.0, "facilitator", width)), Size(width, 0))]
        words = [row for row in rows if row[:1] in "↯◉" and "  " in row]
        assert len(words) == 3
        assert all(len(row) <= width for row in words), words
        assert words[0].endswith("IN") or " since +" in words[0]
        assert all(row.endswith("  firing") for row in words[1:])
        assert " since +" in words[0] or width < 40


def test_after_the_end_what_was_seen_last_says_so() -> None:
    drive = _hurt(8)
    seen = "as last seen, before the end"
    shown = [row.plain for row in target_lines(_told(drive), 10.0, "facilitator", 60) if isinstance(row, Content)]
    assert seen not in shown
    drive.say(Abort(reason="stuck", why="enough"))
    assert drive.state.phase == "debrief"
    model = _told(drive)
    shown = [row.plain for row in target_lines(model, 10.0, "facilitator", 60) if isinstance(row, Content)]
    assert shown[:2] == ["✓ gateway-errors  gone", seen]
    assert not any("users" in row for row in shown)


# -- actions -----------------------------------------------------------------------------------------------------------


def test_enter_waits_while_the_run_is_paused() -> None:
    drive = _drive()
    assert next_action(drive.state).command == "complete"
    assert next_action(drive.say(Pause(why="lunch")).state).label == ""


# -- the view model ---------------------------------------------------------------------------------------------------------


_EVENTS = [event for event in every_event() if not isinstance(event, ev.RunStarted)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(_EVENTS), max_size=40), st.integers(0, 60), st.sampled_from(["participant", "facilitator"])
)
def test_any_run_can_be_shown(events: list[ev.Event], prefix: int, role: str) -> None:
    log = _hurt(8).log[:prefix]
    log += [Recorded(len(log) + n, "2026-11-20T17:40:00.000000Z", 9.0, EVIL, event) for n, event in enumerate(events)]
    model = ViewModel()
    for recorded in log:
        model.take(recorded)
    state = model.state
    assert read_clock(state, 10.0, role).digits
    next_action(state)
    assert allowed(state, role, "alice").reasons
    for width in (20, 60):
        shown = list(fitted(list(target_lines(model, 10.0, role, width)), Size(width, 30)))
        assert all(max(map(len, each.plain.splitlines() or [""])) >= 0 for each in shown)


def test_a_copy_goes_its_own_way() -> None:
    log = _hurt(8).log
    model = ViewModel()
    for recorded in log[:-10]:
        model.take(recorded)
    twin = model.copy()
    before = (model.written, len(model.marks), {name: len(series.points) for name, series in model.series.items()})
    for recorded in log[-10:]:
        twin.take(recorded)
    assert (model.written, len(model.marks), {n: len(s.points) for n, s in model.series.items()}) == before
    assert replace(twin.state) != model.state
