"""What the load of a run leaves in its transcript, on a fake load source and in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from runner.conductor.context import RunContext
from runner.conductor.handlers.indicators import IndicatorsHandler
from runner.conductor.handlers.load_run import LoadHandler
from runner.engine import events as ev
from runner.engine.commands import PassPreflight
from runner.engine.plan import Load, RunPlan
from runner.testing import FakeLoad, FakePorts, FakeRun, fake_run, run_in_virtual_time, sample_plan

PLAN = sample_plan(
    experiments=(), load=Load(locustfile="shop/locustfile.py", host="${target.url}/shop", users=4, warm_up=6.0)
)


def play(
    folder: Path,
    scenario: Callable[[FakeRun, LoadHandler], Coroutine[Any, Any, None]],
    load: FakeLoad,
    plan: RunPlan = PLAN,
) -> None:
    async def whole() -> None:
        handlers: list[Any] = []

        def wire(run: RunContext) -> list[Any]:
            watch = IndicatorsHandler(run)
            handlers.extend([LoadHandler(run, watch), watch])
            return handlers

        async with fake_run(plan, folder, wire, ports=FakePorts(load=load)) as run:
            run.context.url = "http://shop.test"
            handlers[0].prepare()
            run.begin()
            run.conductor.submit(PassPreflight())
            await scenario(run, handlers[0])

    run_in_virtual_time(whole())


def test_a_load_starts_at_the_warm_up_and_its_windows_are_judged(tmp_path: Path) -> None:
    load = FakeLoad()

    async def scenario(run: FakeRun, handler: LoadHandler) -> None:
        assert (await run.until_seen(ev.LoadStarted)).pid == load.pid == handler.pid
        assert (await run.until_seen(ev.LoadSpawned)).users == 4
        await run.until(lambda: run.conductor.state.phase == "live")
        judged = run.of(ev.IndicatorJudged)
        assert judged
        assert all(each.ok and each.value == 1.0 for each in judged if each.n)
        load.health["GET /"] = 5
        await run.until(lambda: not run.of(ev.IndicatorJudged)[-1].ok, within=5)
        assert run.of(ev.IndicatorJudged)[-1].value == 0.5

    play(tmp_path, scenario, load)


def test_the_tool_is_given_the_plan_with_its_host_resolved(tmp_path: Path) -> None:
    load = FakeLoad()

    async def scenario(run: FakeRun, _handler: LoadHandler) -> None:
        await run.until_seen(ev.LoadStarted)
        assert load.plan is not None
        assert load.plan.host == "http://shop.test/shop"
        assert load.plan.locustfiles == (tmp_path / "shop/locustfile.py",)
        assert load.plan.folder == tmp_path / "load"

    play(tmp_path, scenario, load)


def test_a_load_that_cannot_start_fails_by_its_relative_file(tmp_path: Path) -> None:
    async def scenario(run: FakeRun, _handler: LoadHandler) -> None:
        failed = await run.until_seen(ev.LoadFailed)
        assert failed.why == "shop/locustfile.py:3:1: no such module"

    play(tmp_path, scenario, FakeLoad(fails=f"{tmp_path}/shop/locustfile.py:3:1: no such module"))


def test_a_load_that_breaks_down_ends_the_run(tmp_path: Path) -> None:
    load = FakeLoad()

    async def scenario(run: FakeRun, _handler: LoadHandler) -> None:
        await run.until_seen(ev.LoadSpawned)
        load.break_down("its process was killed by SIGKILL")
        assert (await run.until_seen(ev.LoadFailed)).why == "its process was killed by SIGKILL"
        assert (await run.until_seen(ev.EndDecided)).cause

    play(tmp_path, scenario, load)


def test_closed_it_stops_and_what_fails_on_the_way_is_no_failure(tmp_path: Path) -> None:
    load = FakeLoad()

    async def scenario(run: FakeRun, handler: LoadHandler) -> None:
        await run.until_seen(ev.LoadSpawned)
        await handler.close()
        assert load.stopped
        assert run.kinds().count("load-ended") == 1
        assert not run.of(ev.LoadFailed)

    play(tmp_path, scenario, load)


def test_without_a_load_nothing_is_made(tmp_path: Path) -> None:
    load = FakeLoad()

    async def scenario(run: FakeRun, handler: LoadHandler) -> None:
        await run.until_seen(ev.EndDecided)
        assert handler.pid == 0
        assert load.plan is None

    play(tmp_path, scenario, load, replace(PLAN, load=None, indicators=()))
