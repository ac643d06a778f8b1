"""What every injector keeps to: Chaos Toolkit in its child, and the fake that stands in for it in tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chaos_driver import experiment, probe, process
from ports_kit import Side, both

from runner.actuators.chaos import (
    ActivityEndedReport,
    ActivityStartedReport,
    Armed,
    Asking,
    ChaosReport,
    ChildFailed,
    ChildGone,
    Configured,
    ExperimentEndedReport,
    ExperimentLoadedReport,
    ExperimentPlan,
    HypothesisCheckedReport,
    MethodEndedReport,
)
from runner.actuators.command import minimal_env
from runner.conductor.ports import Injector
from runner.redact import Redaction, Redactor
from runner.testing import ExperimentLife, FakeAction, FakePorts

#: What every life is made of, in this order; a real one reports more between.
MILESTONES = (
    ExperimentLoadedReport,
    HypothesisCheckedReport,
    Armed,
    Asking,
    ActivityStartedReport,
    ActivityEndedReport,
    MethodEndedReport,
    ExperimentEndedReport,
    ChildFailed,
    ChildGone,
)

Heard = Callable[[Injector, ChaosReport], None]


def obedient(injector: Injector, report: ChaosReport) -> None:
    """A conductor that agrees to everything."""
    match report:
        case ExperimentLoadedReport():
            injector.arm()
        case Armed():
            injector.inject()
        case Asking():
            injector.go()
        case MethodEndedReport():
            injector.release()


def document(folder: Path, *, steady: bool = True) -> dict[str, Any]:
    """Two actions that leave a file each, and a hypothesis."""
    actions = [process(name, "touch", [str(folder / name)]) for name in ("one", "two")]
    return experiment(
        actions, probes=[probe(process("steady", "test", ["-e", str(folder / ("steady" if steady else "gone"))]), 0)]
    )


def life_of(
    side: Side,
    folder: Path,
    heard: Heard = obedient,
    *,
    until: type[ChaosReport] = ExperimentEndedReport,
    hold: bool = True,
    **fake: Any,
) -> list[ChaosReport]:
    """What an experiment of two actions reports until `until`, and then until it is stopped."""
    actions = (FakeAction(name="one"), FakeAction(name="two"))

    async def story() -> list[ChaosReport]:
        reports: list[ChaosReport] = []
        ports = side.ports(FakePorts(lives=[ExperimentLife(actions=actions, **fake)]))
        injector = ports.injector()
        news = asyncio.Event()

        def take(report: ChaosReport) -> None:
            reports.append(report)
            heard(injector, report)
            news.set()

        assert injector.alive
        assert injector.pid > 0
        (folder / "steady").touch()
        try:
            await injector.attach(take, Redaction(Redactor()), log=folder / "chaos.log")
            given = document(folder, steady=fake.get("steady", True))
            injector.load(
                ExperimentPlan(
                    experiment={} if "cannot_load" in fake else given,
                    origin=side.clock().origin,
                    journal=folder / "journal.json",
                    hold=hold,
                    env=minimal_env(),
                )
            )
            async with asyncio.timeout(60):
                while not any(isinstance(report, until) for report in reports):
                    news.clear()
                    await news.wait()
        finally:
            assert await injector.stop() == []
        assert not injector.alive
        return reports

    return side.play(story())


def milestones(reports: list[ChaosReport]) -> list[str]:
    return [type(report).__name__ for report in reports if isinstance(report, MILESTONES)]


def of(reports: list[ChaosReport], kind: type[ChaosReport]) -> list[Any]:
    return [report for report in reports if isinstance(report, kind)]


ACTION = ["Asking", "ActivityStartedReport", "ActivityEndedReport"]


def actions_only(reports: list[ChaosReport]) -> list[ChaosReport]:
    """Without what the hypothesis's own probes report as activities."""
    return [report for report in reports if getattr(report, "type", "action") == "action"]


@both
@pytest.mark.parametrize("hold", [True, False])
def test_a_life_goes_from_loaded_to_ended_and_gone(side: Side, tmp_path: Path, hold: bool) -> None:
    reports = actions_only(life_of(side, tmp_path, hold=hold))
    before = ["ExperimentLoadedReport", "HypothesisCheckedReport", "Armed"]
    after = ["MethodEndedReport", "HypothesisCheckedReport", "ExperimentEndedReport", "ChildGone"]
    assert milestones(reports) == [*before, *ACTION, *ACTION, *after]
    assert [asking.name for asking in of(reports, Asking)] == ["one", "two"]
    assert [asking.index for asking in of(reports, Asking)] == [0, 1]
    assert [check.when for check in of(reports, HypothesisCheckedReport)] == ["before", "after"]
    (ended,) = of(reports, ExperimentEndedReport)
    assert (ended.status, ended.deviated) == ("completed", False)


@both
def test_it_waits_for_its_answer_and_refused_it_never_acts(side: Side, tmp_path: Path) -> None:
    def refuse(injector: Injector, report: ChaosReport) -> None:
        if isinstance(report, Asking):
            injector.refuse("not now")
        else:
            obedient(injector, report)

    reports = actions_only(life_of(side, tmp_path, refuse))
    assert len(of(reports, Asking)) == 1
    assert not [each for each in of(reports, ActivityEndedReport) if each.status == "succeeded"]
    assert of(reports, ExperimentEndedReport)[0].status == "interrupted"
    assert not (tmp_path / "one").exists()


@both
def test_armed_it_waits_until_it_is_told_to_inject(side: Side, tmp_path: Path) -> None:
    def wait(injector: Injector, report: ChaosReport) -> None:
        if isinstance(report, ExperimentLoadedReport):
            injector.arm()

    reports = life_of(side, tmp_path, wait, until=Armed)
    assert not of(reports, Asking)


@both
def test_held_it_keeps_its_fault_in_until_it_is_released(side: Side, tmp_path: Path) -> None:
    def hold(injector: Injector, report: ChaosReport) -> None:
        if not isinstance(report, MethodEndedReport):
            obedient(injector, report)

    reports = life_of(side, tmp_path, hold, until=MethodEndedReport)
    assert not [check for check in of(reports, HypothesisCheckedReport) if check.when == "after"]
    assert not [each for each in of(reports, ExperimentEndedReport) if each.status == "completed"]


@both
def test_one_that_does_not_stand_steady_is_never_armed(side: Side, tmp_path: Path) -> None:
    reports = life_of(side, tmp_path, steady=False)
    assert [check.met for check in of(reports, HypothesisCheckedReport)] == [False]
    assert not of(reports, Armed)
    assert not of(reports, Asking)
    (ended,) = of(reports, ExperimentEndedReport)
    assert (ended.status, ended.deviated) == ("completed", False)


@both
def test_a_document_that_cannot_be_loaded_says_why(side: Side, tmp_path: Path) -> None:
    reports = life_of(side, tmp_path, until=ChildFailed, cannot_load="it has no title")
    assert of(reports, ChildFailed)[0].why
    assert not of(reports, ExperimentLoadedReport)


@both
def test_what_it_was_configured_with_is_told_before_it_is_armed(side: Side, tmp_path: Path) -> None:
    reports = life_of(side, tmp_path, until=Armed)
    kinds = [type(report) for report in reports if isinstance(report, Configured | Armed)]
    assert kinds[:2] == [Configured, Armed]


@both
def test_gone_is_said_once_and_last(side: Side, tmp_path: Path) -> None:
    reports = life_of(side, tmp_path, until=Asking)
    assert len(of(reports, ChildGone)) == 1
    assert isinstance(reports[-1], ChildGone)


@both
def test_a_hypothesis_that_does_not_hold_afterwards_is_a_deviation(side: Side, tmp_path: Path) -> None:
    def spoil(injector: Injector, report: ChaosReport) -> None:
        if isinstance(report, MethodEndedReport):
            (tmp_path / "steady").unlink()
        obedient(injector, report)

    reports = life_of(side, tmp_path, spoil, steady_after=False)
    assert [check.met for check in of(reports, HypothesisCheckedReport)] == [True, False]
    (ended,) = of(reports, ExperimentEndedReport)
    assert (ended.status, ended.deviated) == ("completed", True)
