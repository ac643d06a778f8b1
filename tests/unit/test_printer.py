"""The headless printer: one line for what happened, told live or read again, whatever stands in it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from hostile_events import EVIL, acts, every_event
from sample_runs import drill
from transcript_samples import create

from runner.engine import events as ev
from runner.engine.events import Event, Recorded
from runner.engine.plan import Ask, RunPlan, Step, Target
from runner.engine.plan_json import plan_to_json
from runner.transcript.reader import Follower, read
from runner.transcript.writer import Entry
from runner.views.printer import Printer


def _told(*events: Event, by: str = "conductor", t: float = 1.0) -> str:
    stream = io.StringIO()
    printer = Printer(stream)
    for number, event in enumerate(events):
        printer.take(Recorded(number, "2026-11-20T17:40:00.000000Z", t, by, event))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (ev.PhaseEntered(phase="live"), "+00:01.00  ── live\n"),
        (ev.NeedChecked(name="data is loaded", met=False, why="none"), "+00:01.00  ✗ data is loaded: none\n"),
        (ev.TargetReady(url="http://x"), "+00:01.00  · target: http://x\n"),
        (ev.MilestoneReached(milestone="detected"), "+00:01.00  ★ detected  (ana)\n"),
        (ev.LoadEnded(why="every user stopped"), "+00:01.00  ! the load ended by itself: every user stopped\n"),
        (
            ev.ActivityEnded(
                experiment="x", index=0, name="kill", type="action", status="succeeded", doubt="exited with 1"
            ),
            "+00:01.00  ! action 'kill' exited with 1: the fault may not be in\n",
        ),
        (ev.AlertSilent(alert="Errors", why="refused"), "+00:01.00  ! alert Errors cannot be asked for: refused\n"),
        (ev.Paused(why="a call"), "+00:01.00  ‖ paused: a call  (ana)\n"),
        (ev.UndoFailed(experiment="errors", why="exit code 1"), "+00:01.00  ✗ LEFT BEHIND: errors: exit code 1\n"),
        (ev.EndDecided(cause="aborted", why="enough"), "+00:01.00  ■ the run ends, aborted: enough  (ana)\n"),
        (ev.CommandRefused(command="run", why="no"), "+00:01.00  ✗ run was not possible: no  (ana)\n"),
    ],
)
def test_what_a_line_says(event: Event, line: str) -> None:
    assert _told(event, by="ana") == line


def test_a_load_that_was_told_to_stop_is_no_warning() -> None:
    told = _told(ev.PhaseEntered(phase="undoing"), ev.LoadEnded(why="asked to stop"))
    assert told.splitlines()[1].endswith("the load has stopped")


def _started(step: Step, *, attended: bool = True, scripted: tuple[str, ...] = ()) -> list[str]:
    """The lines under the step's own."""
    target = Target(name="local", kind="local", environment="sandbox")
    plan = RunPlan(name="It", slug="it", target=target, runbook="it", steps=(step,))
    start = ev.RunStarted(run="r1", plan=plan_to_json(plan), attended=attended, scripted=scripted)
    lines = _told(start, ev.StepStarted(step=step.id, visit=1)).splitlines()
    return [line.split("│ ")[1] for line in lines[2:]]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ["→ gameday tell complete"]),
        ({"run": "true"}, ["→ gameday tell run"]),
        ({"run": "true", "confirm": "Sure?"}, ["Sure?", "→ gameday tell confirm"]),
        (
            {"run": "true", "approve": "boss", "ask": (Ask(name="REGION", prompt="Which?"),)},
            [
                "needs the approval of boss",
                "→ gameday tell approve",
                "Which?",
                "→ gameday tell answer name=REGION value=…",
            ],
        ),
        (
            {"run": "true", "ask": (Ask(name="A", prompt="Which?", choices=("eu", "the us"), default="eu"),)},
            [
                "Which?",
                "→ gameday tell answer name=A value=eu",
                "→ gameday tell answer name=A 'value=the us'",
                "→ gameday tell answer name=A  # means eu",
            ],
        ),
        (
            {"choose": {"errors": "a", "only slow": "a"}},
            ["→ gameday tell choose label=errors", "→ gameday tell choose 'label=only slow'"],
        ),
    ],
)
def test_people_are_told_what_a_step_asks_and_how_to_answer(fields: dict[str, Any], expected: list[str]) -> None:
    assert _started(Step(id="a", name="A", **fields)) == expected


def test_nobody_is_asked_where_nobody_attends_or_a_script_answers() -> None:
    step = Step(id="a", name="A")
    assert _started(step, attended=False) == []
    assert _started(step, scripted=("a",)) == []


def test_the_last_lines_of_a_commands_output_stand_under_it() -> None:
    ended = ev.CommandEnded(step="a", attempt=1, exit_code=3, duration=0.2, tail="\n".join(map(str, range(9))))
    lines = _told(ended).splitlines()
    assert "exit code 3 after 0.2 s" in lines[0]
    assert [line.split("│ ")[1] for line in lines[1:]] == ["3", "4", "5", "6", "7", "8"]


def test_an_indicator_is_told_when_it_changes() -> None:
    def bucket(ok: bool) -> Event:
        return ev.IndicatorJudged(indicator="front", since=0.0, n=1, value=0.5, ok=ok, degraded_ok=ok)

    # Before the drill is live nothing comes, and that is no news.
    assert "tolerance" not in _told(bucket(False))
    lines = _told(ev.PhaseEntered(phase="live"), *map(bucket, (True, True, False, False, True))).splitlines()[1:]
    assert ["OUT of" in line for line in lines] == [True, False]


def test_nothing_of_any_event_acts_on_the_terminal_or_forges_a_line() -> None:
    events = [event for event in every_event() if not isinstance(event, ev.RunStarted)]
    text = _told(*drill_start(), *events, by=EVIL)
    assert acts(text) == []
    assert not [line for line in text.splitlines() if line.startswith("+99")]


def drill_start() -> list[Event]:
    """A plan, so that steps have names."""
    return [drill().records()[0].event]


class _Broken(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.tried = 0

    def write(self, text: str) -> int:
        self.tried += 1
        raise BrokenPipeError


def test_a_broken_stream_is_no_error_and_is_left_alone() -> None:
    stream = _Broken()
    printer = Printer(stream)
    for recorded in drill().end(40.0).records():
        printer.take(recorded)
    assert stream.tried == 1


def test_what_is_told_live_is_what_the_transcript_says(tmp_path: Path) -> None:
    """A run followed while it is written, line by line, and read again afterwards."""
    live, again = io.StringIO(), io.StringIO()
    writer, printer = create(tmp_path), Printer(live)
    follower = Follower(tmp_path / "transcript.jsonl")
    for recorded in drill().end(40.0).undo(41.0).records():
        writer.append(Entry(recorded.event, recorded.by))
        for each in follower.poll():
            printer.take(each)
    writer.close()
    reread = Printer(again)
    for each in read(tmp_path / "transcript.jsonl"):
        reread.take(each)
    assert live.getvalue() == again.getvalue()
    assert "↯ fault: break it" in live.getvalue()
    assert "▶ Look  [look]" in live.getvalue()
