"""What every load source keeps to: Locust in its child, and the fake that stands in for it in tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from load_target import Target
from ports_kit import Side, both

from runner.actuators.load_reports import (
    LoadEndedReport,
    LoadFailedReport,
    LoadPlan,
    LoadReport,
    LoadSampledReport,
    LoadSpawnedReport,
    LoadStartedReport,
)
from runner.conductor.ports import LoadSource, Ports
from runner.engine.plan import Load
from runner.testing import FakeLoad, FakePorts

GOOD = """
from locust import FastHttpUser, constant, task

class Shopper(FastHttpUser):
    wait_time = constant(0.02)

    @task
    def shop(self):
        self.client.get("/")
"""
BROKEN = "raise RuntimeError('no such shop')\n"


def ports(side: Side, *, breaks: bool = False) -> Ports:
    """With a load that cannot start when `breaks`."""
    fails = "locustfile.py:1:1: no such shop" if breaks else ""
    return side.ports(FakePorts(load=FakeLoad(fails=fails)))


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with Target() as target:
        yield target


Story = Callable[[LoadSource, list[LoadReport]], Coroutine[Any, Any, None]]


def reports_of(side: Side, folder: Path, target: Target, story: Story, *, breaks: bool = False) -> list[LoadReport]:
    """What a load of four users reports while `story` goes on, and is stopped after it."""
    locustfile = folder / "locustfile.py"
    locustfile.write_text(BROKEN if breaks else GOOD)

    async def whole() -> list[LoadReport]:
        reports: list[LoadReport] = []
        source = ports(side, breaks=breaks).load_source(Load(locustfile="locustfile.py", users=4, spawn_rate=100))
        assert source.pid > 0
        try:
            await source.attach(reports.append)
            source.start(
                LoadPlan(
                    locustfiles=(locustfile,),
                    host=target.url,
                    users=4,
                    spawn_rate=100,
                    folder=folder,
                    origin=side.clock().origin,
                )
            )
            await story(source, reports)
        finally:
            await source.stop(grace=3.0)
        return reports

    return side.play(whole())


def until(kind: type[LoadReport], times: int = 1) -> Story:
    async def wait(_source: LoadSource, reports: list[LoadReport]) -> None:
        async with asyncio.timeout(60):
            while sum(isinstance(report, kind) for report in reports) < times:
                await asyncio.sleep(0.02)

    return wait


def of(reports: list[LoadReport], kind: type[LoadReport]) -> list[Any]:
    return [report for report in reports if isinstance(report, kind)]


@both
def test_it_starts_ramps_samples_and_ends_once(side: Side, tmp_path: Path, target: Target) -> None:
    reports = reports_of(side, tmp_path, target, until(LoadSampledReport, 4))
    assert isinstance(reports[0], LoadStartedReport)
    assert isinstance(reports[-1], LoadEndedReport)
    assert len(of(reports, LoadStartedReport)) == len(of(reports, LoadEndedReport)) == 1
    (spawned,) = of(reports, LoadSpawnedReport)
    assert spawned.users == 4
    samples = of(reports, LoadSampledReport)
    # The last one is cut where the load was stopped.
    assert all(sample.t0 % 0.5 == 0 and sample.t1 - sample.t0 == pytest.approx(0.5) for sample in samples[:-1])
    assert [one.t1 for one in samples[:-1]] == [other.t0 for other in samples[1:]]
    for sample in samples:
        for window in sample.requests.values():
            assert 0 <= window.failures <= window.n
            assert sample.t0 <= window.first <= window.last < sample.t1
    assert any(sample.requests for sample in samples)


@both
def test_one_that_cannot_start_fails_and_says_where(side: Side, tmp_path: Path, target: Target) -> None:
    reports = reports_of(side, tmp_path, target, until(LoadFailedReport), breaks=True)
    (failed,) = reports
    assert "locustfile.py:1:1" in failed.why
    assert "no such shop" in failed.why


@both
def test_stopped_twice_it_ends_once(side: Side, tmp_path: Path, target: Target) -> None:
    async def story(source: LoadSource, reports: list[LoadReport]) -> None:
        await until(LoadStartedReport)(source, reports)
        await source.stop(grace=3.0)

    reports = reports_of(side, tmp_path, target, story)
    assert len(of(reports, LoadEndedReport)) == 1
    assert isinstance(reports[-1], LoadEndedReport)


@both
def test_stopped_before_its_plan_it_never_was(side: Side) -> None:
    async def story() -> list[LoadReport]:
        reports: list[LoadReport] = []
        source = ports(side).load_source(Load(locustfile="locustfile.py"))
        await source.attach(reports.append)
        await source.stop(grace=3.0)
        return reports

    (failed,) = side.play(story())
    assert isinstance(failed, LoadFailedReport)
