"""The end of a run: stop, fence, undo, record, on fakes and in virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from handlers_kit import fault, plan, play

from runner.engine import events as ev
from runner.engine.plan import Experiment
from runner.testing import ExperimentLife, FakeAction, FakePorts, FakeRun, FakeUndo


def play_out(folder: Path, story: Any, ports: FakePorts, *experiments: Experiment) -> None:
    play(folder, plan(*(experiments or (fault(),))), story, ports)


def test_what_applies_the_fault_is_gone_before_the_undo_begins(tmp_path: Path) -> None:
    class Undo(FakeUndo):
        async def undo(self, *given: Any) -> int:
            seen.append((ports.injectors[0].alive, len(ports.spared)))
            return await super().undo(*given)

    ports, seen = FakePorts(undo=Undo()), []

    async def story(run: FakeRun) -> None:
        await run.until_phase("debrief")
        assert seen == [(False, 1)]

    play_out(tmp_path, story, ports)


def test_the_fence_spares_the_target_and_the_load_and_names_whom_it_found(tmp_path: Path) -> None:
    ports = FakePorts(left_over=(71, 72))

    async def story(run: FakeRun) -> None:
        await run.until_phase("debrief")
        assert run.of(ev.Fenced)[0].pids == (71, 72)
        assert ports.load.pid in ports.spared[0]

    play_out(tmp_path, story, ports)


@pytest.mark.parametrize(
    ("codes", "started", "undone"),
    [((0,), 1, True), ((6,), 1, False), ((4, 0), 2, True), ((4, 4, 6), 3, False), ((4, 4, 4, 0), 3, False)],
)
def test_an_undo_that_breaks_is_started_again_at_most_three_times(
    tmp_path: Path, codes: tuple[int, ...], started: int, undone: bool
) -> None:
    ports = FakePorts(undo=FakeUndo(*codes))

    async def story(run: FakeRun) -> None:
        await run.until_seen(ev.UndoEnded)
        assert ports.undo.started == started
        assert bool(run.of(ev.FaultUndone)) is undone
        assert bool(run.of(ev.UndoFailed)) is not undone

    play_out(tmp_path, story, ports)


def test_without_an_open_fault_there_is_no_undo_and_no_fence(tmp_path: Path) -> None:
    ports = FakePorts(lives=[ExperimentLife(steady=False)])

    async def story(run: FakeRun) -> None:
        await run.until_phase("debrief")
        assert ports.undo.started == 0
        assert not ports.spared
        assert run.of(ev.UndoEnded)

    play_out(tmp_path, story, ports)


def test_where_nothing_can_be_written_the_exit_code_says_how_the_undo_ended(tmp_path: Path) -> None:
    for code, kind in ((0, ev.FaultUndone), (6, ev.UndoFailed)):
        ports = FakePorts(undo=FakeUndo(code))
        acted: list[ev.Event] = []

        class Witness:
            def act(self, recorded: ev.Recorded) -> None:
                acted.append(recorded.event)  # noqa: B023  the loop's own

            async def close(self) -> None:
                return

        async def story(run: FakeRun) -> None:
            run.conductor.handlers.append(Witness())
            await run.until_seen(ev.FaultIntended)
            run.transcript.failing = "the disk is gone"
            await run.until(lambda: run.conductor.state.phase == "debrief")
            assert any(isinstance(event, kind) for event in acted)  # noqa: B023

        play_out(tmp_path, story, ports)


def test_an_injector_that_cannot_be_stopped_does_not_keep_the_undo_from_coming(tmp_path: Path) -> None:
    ports = FakePorts()

    async def story(run: FakeRun) -> None:
        await run.until_seen(ev.FaultIntended)

        async def broken() -> list[int]:
            raise OSError("no such process")

        ports.injectors[0].stop = broken  # type: ignore[method-assign]
        await run.until_seen(ev.UndoEnded)
        assert run.of(ev.FaultUndone)
        assert ports.undo.started == 1
        del ports.injectors[0].stop

    play_out(tmp_path, story, ports)


def test_a_method_that_still_runs_is_interrupted(tmp_path: Path) -> None:
    ports = FakePorts(
        lives=[ExperimentLife(actions=(FakeAction(lasts=600.0, provider=fault().document["method"][0]["provider"]),))]
    )

    async def story(run: FakeRun) -> None:
        await run.until_phase("debrief", within=120)
        assert not run.of(ev.ActivityEnded)
        assert run.of(ev.FaultUndone)

    play_out(tmp_path, story, ports)
