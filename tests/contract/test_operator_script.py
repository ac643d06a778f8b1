"""Operator files played on a run: answers given as a person would give them, at their time, under their name."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from conductor_kit import Play, conducting, plan

from runner.conductor.handlers.operator_script import OperatorScriptHandler
from runner.conductor.operator_script_check import scripted_steps
from runner.engine import events as ev
from runner.engine.plan import Ask, Step
from runner.errors import InputError
from runner.specs.failure_rule import AskPeople, ContinueRunbook, StopRunbook
from runner.specs.operator_script import load_script


def _play(folder: Path, script: str, *steps: Step, attended: bool = False) -> Play:
    """The whole run, to its debrief."""

    async def scenario() -> Play:
        path = folder / "op.yaml"
        path.write_text(script)
        read = load_script(path)
        scripted = scripted_steps(read, plan(*steps), path)
        async with conducting(folder / "run", *steps) as play:
            play.conductor.handlers.append(OperatorScriptHandler(play.run, play.conductor, read))
            play.begin(attended=attended, scripted=scripted)
            await play.over()
        return play

    return asyncio.run(scenario())


def _outcomes(play: Play) -> dict[str, str]:
    return {event.step: event.outcome for event in play.of(ev.StepEnded)}


def _by(play: Play, kind: type[ev.Event]) -> list[str]:
    return [recorded.by for recorded in play.story if isinstance(recorded.event, kind)]


_LOOK = Step(id="look", name="Look")


def test_a_manual_step_is_done_after_its_time_by_its_person(tmp_path: Path) -> None:
    play = _play(tmp_path, "name: ana\nsteps: {look: {after: 300ms, say: detected}}\n", _LOOK)
    assert _outcomes(play) == {"look": "succeeded"}
    assert _by(play, ev.MilestoneReached) == ["ana"]
    started, ended = (
        next(r.t for r in play.story if isinstance(r.event, kind)) for kind in (ev.StepStarted, ev.StepEnded)
    )
    assert ended - started >= 0.3


def test_a_decision_leads_where_it_says(tmp_path: Path) -> None:
    steps = (
        Step(id="which", name="Which?", choose={"left": "one", "right": "two"}),
        Step(id="one", name="One", run="true"),
        Step(id="two", name="Two", run="true"),
    )
    play = _play(tmp_path, "name: ana\nsteps: {which: {choose: right}}\n", *steps)
    assert [event.step for event in play.of(ev.StepStarted)] == ["which", "two"]


def test_answers_reach_the_command_and_secret_ones_no_file(tmp_path: Path) -> None:
    asked = (Ask(name="REGION", prompt="?"), Ask(name="WORD", prompt="?", secret=True))
    step = Step(id="tell", name="Tell", ask=asked, run='echo "$REGION $WORD"')
    script = "name: ana\nsteps: {tell: {answers: {REGION: eu, WORD: open-sesame}}}\n"
    play = _play(tmp_path, script, step)
    assert play.of(ev.CommandEnded)[0].tail.strip() == "eu [redacted]"
    for path in play.run.folder.rglob("*"):
        assert path.is_dir() or b"open-sesame" not in path.read_bytes()


def test_a_second_person_approves(tmp_path: Path) -> None:
    step = Step(id="risky", name="Risky", approve="boss", run="true")
    play = _play(tmp_path, "name: ana\nalso: [ben]\nsteps: {risky: {approve: ben}}\n", step)
    approved = play.of(ev.StepApproved)[0]
    assert (_by(play, ev.StepApproved), approved.waived) == (["ben"], "")
    assert _outcomes(play) == {"risky": "succeeded"}


def test_a_confirmation_can_be_denied(tmp_path: Path) -> None:
    step = Step(id="risky", name="Risky", confirm="Really?", run="true", on_failure=StopRunbook())
    play = _play(tmp_path, "name: ana\nsteps: {risky: {confirm: false}}\n", step)
    assert play.of(ev.CommandIntended) == []
    assert _outcomes(play)["risky"] != "succeeded"


@pytest.mark.parametrize(("way", "outcome"), [("skip", "skipped"), ("fail", "failed")])
def test_a_step_can_be_skipped_or_failed_for_a_reason(way: str, outcome: str, tmp_path: Path) -> None:
    step = Step(id="look", name="Look", on_failure=ContinueRunbook())
    play = _play(tmp_path, f"name: ana\nsteps: {{look: {{{way}: because}}}}\n", step)
    ended = play.of(ev.StepEnded)[0]
    assert (ended.outcome, ended.why) == (outcome, "because")


@pytest.mark.parametrize(
    ("way", "outcome", "attempts"), [("retry", "succeeded", 2), ("skip", "skipped", 1), ("fail", "failed", 1)]
)
def test_a_failing_step_is_mended_as_written(way: str, outcome: str, attempts: int, tmp_path: Path) -> None:
    tried = tmp_path / "tried"
    command = f"test -e {tried} || {{ touch {tried}; exit 1; }}"
    step = Step(id="fix", name="Fix", run=command, on_failure=AskPeople())
    play = _play(tmp_path, f"name: ana\nsteps: {{fix: {{on-failing: {way}}}}}\n", step, attended=True)
    assert _outcomes(play) == {"fix": outcome}
    assert len(play.of(ev.CommandEnded)) == attempts


def test_it_reacts_to_what_happens(tmp_path: Path) -> None:
    script = """\
name: ana
steps: {look: {after: 500ms}}
when:
  - {event: step-started, note: "here we go"}
  - {event: note-written, after: 50ms, pause: true, why: a call}
  - {event: paused, after: 50ms, unpause: true}
"""
    play = _play(tmp_path, script, _LOOK)
    assert [event.text for event in play.of(ev.NoteWritten)] == ["here we go"]
    assert len(play.of(ev.Paused)) == len(play.of(ev.Resumed)) == 1


def test_the_debrief_does_not_wait_for_a_script(tmp_path: Path) -> None:
    play = _play(tmp_path, "name: ana\nalso: [ben]\nsteps: {look: {after: 10ms}}\n", _LOOK)
    assert {event.person for event in play.of(ev.PersonLeft)} == {"ana", "ben"}
    assert play.of(ev.DebriefClosed)


def test_it_can_end_the_run(tmp_path: Path) -> None:
    script = "name: ana\nsteps: {look: {after: 20s}}\nwhen: [{event: step-started, abort: stuck, why: no idea}]\n"
    play = _play(tmp_path, script, _LOOK)
    end = play.of(ev.EndDecided)[0]
    assert (end.cause, end.reason, end.why) == ("aborted", "stuck", "no idea")


_STEPS = (
    Step(id="look", name="Look"),
    Step(id="which", name="Which?", choose={"left": "look"}),
    Step(id="tell", name="Tell", ask=(Ask(name="REGION", prompt="?"),)),
    Step(id="risky", name="Risky", approve="boss"),
)


@pytest.mark.parametrize(
    ("script", "where", "words"),
    [
        ("steps: {lok: {}}", "2:9", "step 'lok' is not in the runbook; did you mean 'look'?"),
        ("steps: {which: {}}", "2:16", "no choice is made; choose: left"),
        ("steps: {which: {choose: lef}}", "2:25", "'lef' is no choice of step which; did you mean 'left'?"),
        ("steps: {look: {choose: left}}", "2:24", "'left' is no choice of step look; it is no decision"),
        ("steps: {tell: {}}", "2:15", "step tell asks for REGION"),
        ("steps: {tell: {answers: {REGION: eu, RGION: us}}}", "2:38", "does not ask for 'RGION'"),
        ("steps: {risky: {approve: zoe}}", "2:26", "'zoe' is not there to approve; name them under `also`"),
        ("when: [{event: impact}]", "2:16", "there is no event 'impact'"),
        ("when: [{event: impact-seen, inject: gateway}]", "2:37", "the drill has no experiment 'gateway'"),
    ],
)
def test_a_script_that_does_not_fit_the_plan_is_refused_at_its_place(
    script: str, where: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "op.yaml"
    path.write_text(f"name: ana\n{script}\n")
    with pytest.raises(InputError) as caught:
        scripted_steps(load_script(path), plan(*_STEPS), path)
    assert [str(problem) for problem in caught.value.problems if words in str(problem)]
    assert f"{path}:{where}: " in str(caught.value)


def test_a_step_that_is_skipped_or_failed_needs_no_answers(tmp_path: Path) -> None:
    path = tmp_path / "op.yaml"
    path.write_text("name: ana\nsteps: {which: {skip: later}, tell: {fail: never}}\n")
    assert scripted_steps(load_script(path), plan(*_STEPS), path) == ("which", "tell")
