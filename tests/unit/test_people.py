"""Who is named where: by a name that can be one, at what they did."""

from __future__ import annotations

import io
import os
import sys

import pytest

from runner.cli.options import person
from runner.cli.room import at_a_terminal, need_a_terminal
from runner.engine.availability import availability
from runner.engine.commands import Complete, Join, Milestone, RunCommand
from runner.engine.events import CommandRefused, Recorded
from runner.engine.plan import Step
from runner.errors import InputError
from runner.people import PROCESSES, not_a_name
from runner.scoring.score import score
from runner.testing import Drive, sample_plan
from runner.views.event_text import EventText

_FIX = Step(id="fix", name="Fix it", run="make fix")


def _drive(*steps: Step) -> Drive:
    return Drive(sample_plan(*steps)).start().join("alice")


@pytest.mark.parametrize("name", ["", "  ", "N" * 61, *sorted(PROCESSES)])
def test_what_is_no_name_of_a_person_is_refused_at_the_command_line_and_in_the_run(name: str) -> None:
    assert not_a_name(name)
    assert _drive().refused(Join(person=name))
    if name.strip():
        with pytest.raises(InputError):
            person(name)


def test_a_name_is_taken_as_it_is_and_none_is_the_login_name() -> None:
    assert person(" Ana María ") == "Ana María"
    assert person(None) == person("")


def test_who_gave_the_word_for_a_command_is_named_at_its_step() -> None:
    drive = _drive(_FIX, Step(id="last", name="Last")).join("bo")
    drive.say(RunCommand(), by="bo").command_ended("fix")
    assert drive.state.steps["fix"].who == "bo"
    drive.say(Complete(), by="alice")
    assert [step.who for step in score(drive.log).steps] == ["bo", "alice"]


def test_a_milestone_that_came_with_a_step_names_the_step() -> None:
    drive = _drive(Step(id="see", name="See it", milestone="detected"), _FIX)
    drive.say(Complete())
    assert "came with the step see" in drive.refused(Milestone(name="detected"))


def test_help_tells_an_observer_that_only_notes_are_theirs() -> None:
    drive = _drive(_FIX).join("olga", role="observer")
    may = availability(drive.state, "observer", "olga")
    assert not may.why_not("note")
    assert may.why_not("action")
    assert may.why_not("mark")


def test_before_the_first_step_nobody_is_told_that_the_runbook_is_done() -> None:
    drive = Drive(sample_plan(_FIX)).warm_up().join("alice")
    said = " ".join(availability(drive.state, "facilitator", "alice").reasons.values())
    assert "the runbook is done" not in said


def test_what_was_refused_is_no_news_for_who_must_not_know() -> None:
    refused = CommandRefused(command="inject", why="files is injected, not armed")
    (line,) = EventText().lines_of(Recorded(9, "2026-11-20T17:40:00Z", 7.0, "fay", refused))
    assert line.truth


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
def test_without_a_terminal_there_is_no_room(closed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "TERM", "xterm")
    for stream in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, stream, _Terminal())
    assert at_a_terminal()
    for other in (None, io.StringIO()):
        monkeypatch.setattr(sys, closed, other)
        assert not at_a_terminal()
        with pytest.raises(InputError, match="a room needs a terminal"):
            need_a_terminal("gameday show")


def test_a_terminal_that_can_show_no_screen_gets_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, stream, _Terminal())
    monkeypatch.setitem(os.environ, "TERM", "dumb")
    assert not at_a_terminal()
