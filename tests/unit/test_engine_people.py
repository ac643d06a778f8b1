"""People: who is here, who may do what, and who approves whom."""

from __future__ import annotations

import pytest

from runner.engine import events as e
from runner.engine.availability import availability
from runner.engine.commands import (
    Abort,
    Approve,
    Close,
    Command,
    Complete,
    HandOver,
    Inject,
    Join,
    Leave,
    Milestone,
    Note,
    PassPreflight,
    Pause,
    Stop,
    Tick,
)
from runner.engine.plan import Check, Step
from runner.testing import Drive, sample_plan

FIX = Step(id="fix", name="Fix", run="fix", approve="incident-commander")
LOOK = Step(id="look", name="Look")


def drill(*steps: Step) -> Drive:
    return Drive(sample_plan(*steps)).start()


# -- being here --------------------------------------------------------------------------------------------------------


def test_people_join_and_leave() -> None:
    drive = drill(LOOK).join("alice", "bob")
    assert [person.name for person in drive.state.present] == ["alice", "bob"]
    drive.say(Leave(person="bob"), by="bob")
    assert [person.name for person in drive.state.present] == ["alice"]
    assert "is not here" in drive.refused(Leave(person="bob"), by="bob")
    drive.join("bob")
    assert len(drive.state.people) == 2


def test_joining_again_is_nothing_new_but_a_namesake_is_refused() -> None:
    drive = drill(LOOK).join("alice").join("alice")
    assert len(drive[e.PersonJoined]) == 1
    assert "here already" in drive.refused(Join(person="alice"), uid=1001)
    assert "who you are" in drive.refused(Join(person=" "))


def test_a_new_role_is_recorded() -> None:
    drive = drill(LOOK).join("alice").join("alice", role="observer")
    assert [person.role for person in drive.state.people] == ["observer"]


# -- roles -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        Complete(),
        Milestone(name="detected"),
        Pause(why="x"),
        Inject(),
        Note(text="x", type="action"),
        HandOver(to="a"),
    ],
)
def test_an_observer_watches(command: Command) -> None:
    assert "observer" in drill(LOOK).refused(command, role="observer")


def test_an_observer_may_join_note_and_leave() -> None:
    drive = drill(LOOK).join("eve", role="observer")
    drive.say(Note(text="interesting"), by="eve", role="observer").say(Leave(person="eve"), by="eve", role="observer")
    assert drive[e.NoteWritten] == [e.NoteWritten(text="interesting")]


@pytest.mark.parametrize("command", [Tick(), PassPreflight(), Stop(cause="broken", why="x")])
def test_the_system_is_not_played_by_people(command: Command) -> None:
    assert "only the system" in drill(LOOK).refused(command)


def test_the_facilitator_closes_the_debrief_if_there_is_one() -> None:
    drive = drill(LOOK).join("bob", role="participant").order(Stop(cause="stopped", why="x"))
    drive.join("alice")
    assert "facilitator" in drive.refused(Close(), by="bob", role="participant")
    drive.say(Leave(person="alice"))
    drive.say(Close(), by="bob", role="participant")
    assert drive.state.debrief_closed


def test_a_debrief_waits_for_those_who_are_there_and_for_nobody_else() -> None:
    drive = drill(LOOK).join("bob", role="participant").order(Stop(cause="stopped", why="x"))
    assert not drive.wait(600).state.debrief_closed
    assert drive.say(Leave(person="bob"), by="bob", role="participant").wait(1).state.debrief_closed
    assert drill(LOOK).order(Stop(cause="stopped", why="x")).state.debrief_closed


def test_a_signal_closes_the_debrief() -> None:
    drive = drill(LOOK).join("bob", role="participant").order(Stop(cause="stopped", why="x"))
    assert drive.say(Abort(reason="logistics", why="Ctrl-C")).state.debrief_closed


def test_a_run_that_everybody_left_says_so_and_is_aborted() -> None:
    drive = drill(LOOK).join("bob", role="participant").join("eve", role="observer")
    drive.say(Leave(person="bob"), by="bob", role="participant")
    assert not drive.state.warnings
    drive.say(Leave(person="eve"), by="eve", role="observer")
    assert "nobody is in the room" in drive.state.warnings[-1].text
    assert drive.wait(299).state.end is None
    end = drive.wait(2).state.end
    assert end is not None
    assert (end.cause, end.reason, end.why) == ("aborted", "logistics", "nobody was in the room for 300 s")


def test_a_run_goes_on_when_somebody_comes_back_in_time() -> None:
    drive = drill(LOOK).join("bob", role="participant").say(Leave(person="bob"), by="bob", role="participant")
    assert drive.wait(200).join("bob", role="participant").wait(250).state.end is None


def test_a_run_that_nobody_ever_joined_is_not_abandoned() -> None:
    assert drill(LOOK).wait(400).state.end is None


def test_the_runbook_begins_when_somebody_notices() -> None:
    drive = Drive(sample_plan(LOOK, reveal="detected")).start()
    assert drive.wait(30).state.current == ""
    noticed = drive.say(Milestone(name="detected")).state
    assert noticed.current == LOOK.id
    assert noticed.steps[LOOK.id].started_t == pytest.approx(noticed.t)


def test_an_alert_notices_for_everybody() -> None:
    drive = Drive(sample_plan(LOOK, reveal="detected", alerts=(Check(name="errors", probe={}),))).start()
    assert drive.observe(e.AlertFired(alert="errors", before=True)).state.current == ""
    assert drive.observe(e.AlertFired(alert="errors")).state.current == LOOK.id


def test_a_runbook_that_begins_with_noticing_begins_at_once() -> None:
    notice = Step(id="notice", name="Notice it", milestone="detected")
    assert Drive(sample_plan(notice, reveal="detected")).start().state.current == "notice"


def test_notes_say_something_and_marks_need_not() -> None:
    drive = drill(LOOK)
    assert "empty note" in drive.refused(Note(text="  "))
    drive.say(Note(text="", type="mark")).say(Note(text="buy a second gateway", type="action"))
    assert [note.type for note in drive.state.notes] == ["mark", "action"]
    assert drive.state.notes[1].by == "alice"


def test_a_role_is_what_one_joined_as() -> None:
    drive = drill(LOOK).join("eve", role="observer").join("pat", role="participant")
    assert "observer" in drive.refused(Complete(), by="eve", role="facilitator")
    assert "the facilitator does that" in drive.refused(Inject(), by="pat", role="facilitator")
    drive.join("eve", role="participant").say(Complete(), by="eve", role="observer")


def test_nobody_speaks_in_another_accounts_name() -> None:
    drive = drill(LOOK).join("alice")
    assert "alice is here from another account (uid 1000)" in drive.refused(Complete(), uid=1001)
    drive.say(Leave(person="alice")).say(Complete(), uid=1001)


def test_ratings_are_given_in_the_debrief_from_one_to_five() -> None:
    drive = drill(LOOK)
    four = Note(text="4", type="rating", about="runbook")
    assert "in the debrief" in drive.refused(four)
    drive.order(Stop(cause="stopped", why="x"))
    for text in ("0", "6", "four", "", " 4"):
        assert "one of 1, 2, 3, 4, 5" in drive.refused(Note(text=text, type="rating", about="runbook"))
    assert "is about one of: confidence, runbook, realism" in drive.refused(Note(text="4", type="rating"))
    assert "is about one of" in drive.refused(Note(text="4", about="runbook"))
    drive.say(four)
    assert drive[e.NoteWritten] == [e.NoteWritten(text="4", type="rating", about="runbook")]


# -- approval ----------------------------------------------------------------------------------------------------------


def test_whoever_drives_does_not_approve_while_somebody_else_can() -> None:
    drive = drill(LOOK, FIX).join("alice").join("bob", uid=1001).say(Complete())
    assert "another person approves it (bob)" in drive.refused(Approve())
    drive.say(Approve(), by="bob", uid=1001)
    assert drive[e.StepApproved] == [e.StepApproved(step="fix", person="bob")]
    assert drive[e.CommandIntended]


def test_another_name_from_the_same_account_is_no_second_person() -> None:
    drive = drill(LOOK, FIX).join("alice", "bob").say(Complete()).say(Approve(), by="bob")
    assert drive[e.StepApproved] == [e.StepApproved(step="fix", person="bob", waived="same account")]


def test_the_account_of_somebody_who_never_joined_is_known_too() -> None:
    drive = drill(LOOK, FIX).join("alice").join("bob", uid=1001).say(Leave(person="alice")).say(Complete())
    assert drive.refused(Approve(), by="alice")
    assert drive.say(Approve(), by="carl", uid=1002)[e.StepApproved][0].waived == ""


def test_somebody_with_another_account_approves_when_one_is_there() -> None:
    drive = drill(LOOK, FIX).join("alice", "bob").join("carl", uid=1001).say(Complete())
    assert "same account as you: somebody with another one approves it (carl)" in drive.refused(Approve(), by="bob")
    drive.say(Approve(), by="carl", uid=1001)
    assert drive[e.StepApproved][0].waived == ""


def test_whoever_began_the_run_drives_its_first_step() -> None:
    drive = drill(FIX).join("alice", "bob")
    assert "hold this step" in drive.refused(Approve())


def test_alone_is_waived_and_recorded() -> None:
    drive = drill(LOOK, FIX).join("alice").say(Complete()).say(Approve())
    assert drive[e.StepApproved] == [e.StepApproved(step="fix", person="alice", waived="alone")]


def test_an_observer_makes_nobody_less_alone() -> None:
    drive = drill(LOOK, FIX).join("alice").join("eve", role="observer").say(Complete()).say(Approve())
    assert drive[e.StepApproved][0].waived == "alone"


def test_the_last_one_here_is_alone() -> None:
    drive = drill(LOOK, FIX).join("alice", "bob").say(Complete()).say(Leave(person="bob"), by="bob")
    assert drive.say(Approve())[e.StepApproved][0].waived == "alone"


def test_a_script_that_plays_one_person_is_alone() -> None:
    drive = Drive(sample_plan(FIX), attended=False, scripted=("fix",)).start().say(Approve(), by="operator")
    assert drive[e.StepApproved] == [e.StepApproved(step="fix", person="operator", waived="alone")]


def test_whom_the_step_was_handed_to_holds_it() -> None:
    drive = drill(LOOK, FIX).join("alice").join("bob", uid=1001).say(Complete()).say(HandOver(to="bob"))
    assert "hold this step" in drive.refused(Approve(), by="bob", uid=1001)
    assert drive.say(Approve())[e.StepApproved][0].waived == ""


def test_a_step_is_handed_to_somebody_who_is_here() -> None:
    drive = drill(LOOK).join("alice").join("eve", role="observer")
    assert "here are: alice" in drive.refused(HandOver(to="bob"))
    assert "cannot take over" in drive.refused(HandOver(to="eve"))


def test_a_no_is_a_no() -> None:
    drive = drill(FIX).join("alice", "bob").say(Approve(yes=False), by="bob")
    assert drive[e.StepFailing] == [e.StepFailing(step="fix", why="not approved by bob")]


# -- what help lists ---------------------------------------------------------------------------------------------------


def test_help_lists_what_is_possible_and_why_not_the_rest() -> None:
    drive = drill(LOOK)
    listed = availability(drive.state, "facilitator", by="alice")
    assert set(listed.possible) == {
        *("complete", "fail", "skip", "go-to", "dispute", "note", "action", "mark", "pause", "abort"),
        *("detected", "acknowledged", "mitigated", "resolved"),
    }
    assert "has no command" in listed.why_not("run")
    assert listed.why_not("resume") == "the run is not paused"


def test_help_depends_on_who_asks() -> None:
    drive = drill(FIX).join("alice", "bob")
    assert availability(drive.state, "facilitator", by="alice").why_not("approve")
    assert not availability(drive.state, "facilitator", by="bob").why_not("approve")
    observer = availability(drive.state, "observer", by="eve").possible
    assert observer == ["note", "abort"]


def test_help_agrees_with_what_is_then_refused() -> None:
    drive = drill(LOOK)
    why = availability(drive.state, "participant", by="bob").why_not("inject")
    assert why == drive.refused(Inject(), by="bob", role="participant")
