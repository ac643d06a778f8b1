"""Whether each `undone-when` is false while its fault is in, on fakes and in virtual time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from handlers_kit import action, check, fault, plan, play

from runner.engine import events as ev
from runner.testing import ExperimentLife, FakeAction, FakePorts, FakeRun, ProbeAnswer

URL = "http://127.0.0.1:8000/undone"
UNDONE = check("it is undone", URL)


def falls(start: float, end: float = 1e9) -> FakePorts:
    """The check is false from `start` to `end` seconds after the fault was intended."""
    ports = FakePorts()

    def answer(t: float) -> ProbeAnswer:
        ran = [injector for injector in ports.injectors if injector.ran]
        if not ran:
            return ProbeAnswer()
        since.setdefault("fault", t)
        return ProbeAnswer(ok=not start <= t - since["fault"] < end, why="it is still in")

    since: dict[str, float] = {}
    ports.answers[URL] = answer
    return ports


def checked_while_in(run: FakeRun) -> list[ev.UndoChecked]:
    return [checked for checked in run.of(ev.UndoChecked) if checked.while_in]


@pytest.mark.parametrize(("start", "held"), [(0.0, False), (1.5, False), (1e6, True)])
def test_a_check_gets_two_seconds_after_the_method_to_be_seen_false(tmp_path: Path, start: float, held: bool) -> None:
    async def story(run: FakeRun) -> None:
        await run.until(lambda: checked_while_in(run))
        (checked,) = checked_while_in(run)
        assert (checked.name, checked.held) == ("it is undone", held)

    play(tmp_path, replace(plan(fault(undone_when=(UNDONE,))), impact_within=30.0), story, falls(start))


def test_a_fault_that_lasts_only_as_long_as_its_action_is_seen_meanwhile(tmp_path: Path) -> None:
    ports = falls(2.0, 4.0)
    ports.lives = [ExperimentLife(actions=(FakeAction(lasts=10.0, provider=action()["provider"]),))]

    async def story(run: FakeRun) -> None:
        await run.until(lambda: checked_while_in(run))
        assert [checked.held for checked in checked_while_in(run)] == [False]
        assert not run.of(ev.ActivityEnded)

    play(tmp_path, replace(plan(fault(undone_when=(UNDONE,))), impact_within=30.0), story, ports)


def test_the_drills_own_checks_are_asked_for_every_fault(tmp_path: Path) -> None:
    async def story(run: FakeRun) -> None:
        await run.until(lambda: len(checked_while_in(run)) == 2)
        assert {checked.experiment for checked in checked_while_in(run)} == {"one", "two"}

    experiments = (fault("one"), fault("two"))
    play(tmp_path, replace(plan(*experiments, undone_when=(UNDONE,)), impact_within=30.0), story, falls(0.0))


def test_a_bare_experiment_goes_on_only_once_it_was_looked_at(tmp_path: Path) -> None:
    async def story(run: FakeRun) -> None:
        await run.until_seen(ev.ExperimentEnded)
        kinds = run.kinds()
        assert kinds.index("method-ended") < kinds.index("undo-checked") < kinds.index("experiment-ended")

    bare = replace(plan(fault(undone_when=(UNDONE,))), bare=True, load=None, indicators=())
    play(tmp_path, bare, story, falls(0.0))


def test_a_bare_experiment_without_checks_is_not_held(tmp_path: Path) -> None:
    async def story(run: FakeRun) -> None:
        await run.until_seen(ev.ExperimentEnded)
        loaded = run.ports.injectors[0].plan
        assert loaded is not None
        assert not loaded.hold
        assert not run.of(ev.UndoChecked)

    play(tmp_path, replace(plan(fault()), bare=True, load=None, indicators=()), story)
