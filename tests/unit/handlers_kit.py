"""Whole runs on fakes, for the tests of the handlers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from runner.engine.plan import Check, Experiment, RunPlan
from runner.testing import FakePorts, FakeRun, fake_run, run_in_virtual_time, sample_plan

Story = Callable[[FakeRun], Coroutine[Any, Any, None]]


def probe_of(url: str) -> dict[str, Any]:
    return {"provider": {"type": "http", "url": url}, "tolerance": 200}


def check(name: str, url: str) -> Check:
    return Check(name=name, probe=probe_of(url))


def action(name: str = "break it") -> dict[str, Any]:
    return {"type": "action", "name": name, "provider": {"type": "http", "url": "http://127.0.0.1:8001/faults"}}


DOCUMENT: dict[str, Any] = {"title": "Break it", "method": [action()]}


def fault(slug: str = "gateway-errors", **more: Any) -> Experiment:
    return Experiment(**{"slug": slug, "document": DOCUMENT, "document_hash": "h1", "actions": 1, **more})


def plan(*experiments: Experiment, **more: Any) -> RunPlan:
    """A drill on the sandbox with these faults, load, one indicator; it waits 3 s for impact."""
    return sample_plan(experiments=experiments, **{"time_box": 60.0, "impact_within": 3.0, **more})


def play(
    folder: Path, plan: RunPlan, story: Story, ports: FakePorts | None = None, *, attended: bool = False, **more: Any
) -> None:
    """A run of `plan` on fakes, in virtual time, while `story` goes on."""

    async def whole() -> None:
        async with fake_run(plan, folder, ports=ports, **more) as run:
            run.begin(attended=attended)
            await story(run)

    run_in_virtual_time(whole())
