"""The random moment of an experiment: drawn once the run is live, written down, and kept to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runner.conductor.handlers.experiments import ExperimentsHandler
from runner.conductor.handlers.target import TargetHandler
from runner.engine import events as ev
from runner.engine.commands import PassPreflight
from runner.engine.plan import Experiment, RunPlan, Target
from runner.specs.injection_moment import Between, InjectionMoment, OnCommand
from runner.testing import Answers, fake_run, run_in_virtual_time


class Loading:
    """Loads the experiments, then passes the preflight."""

    def __init__(self, run: Any, experiments: ExperimentsHandler) -> None:
        self._run = run
        self._experiments = experiments

    def act(self, recorded: ev.Recorded) -> None:
        if isinstance(recorded.event, ev.PhaseEntered) and recorded.event.phase == "preflight":
            self._run.spawn(self._pass(), "preflight")

    async def _pass(self) -> None:
        await self._experiments.load()
        self._run.conductor.submit(PassPreflight())

    async def close(self) -> None:
        return


def _plan(**moments: InjectionMoment) -> RunPlan:
    experiments = (
        Experiment(slug=slug, document={"title": slug}, document_hash="", actions=1, inject=moment)
        for slug, moment in moments.items()
    )
    target = Target(name="local", kind="local", environment="sandbox")
    return RunPlan(name="Files", slug="files", target=target, experiments=tuple(experiments), expect="no-impact")


def _handlers(run: Any) -> list[Any]:
    target = TargetHandler(run)
    experiments = ExperimentsHandler(run, target, lambda _: None)
    undone = {ev.PhaseEntered: lambda event: [ev.UndoEnded()] if event.phase == "undoing" else []}
    return [Loading(run, experiments), target, experiments, Answers(run, undone)]


def test_a_random_moment_is_drawn_between_its_bounds_and_kept_to(tmp_path: Path) -> None:
    async def story() -> None:
        async with fake_run(_plan(sooner=Between(5.0, 9.0), never=OnCommand()), tmp_path, _handlers) as run:
            run.begin(attended=False)
            ordered = await run.until_seen(ev.InjectionOrdered)
            (drawn,) = run.of(ev.InjectionScheduled)
            live = next(r.t for r in run.transcript.recorded if getattr(r.event, "phase", "") == "live")
            moment = next(r.t for r in run.transcript.recorded if isinstance(r.event, ev.InjectionOrdered))
            assert (drawn.experiment, ordered.experiment) == ("sooner", "sooner")
            assert 5.0 <= drawn.due - live <= 9.0
            assert drawn.due <= moment < drawn.due + 1.0

    run_in_virtual_time(story())
