"""A control that breaks keeps shut what it stands before, is told wherever it breaks, and never holds up an undo."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from chaos_driver import Stage, Story, experiment, obedient, probe, process, run_rollback, workshop

from runner.actuators.chaos import (
    ActivityStartedReport,
    Armed,
    Asking,
    ChildFailed,
    ControlBrokeReport,
    ExperimentEndedReport,
)
from runner.actuators.rollback import RollbackOrder
from runner.clock import boottime_ns

BROKEN = """
import os, sys, time
from chaoslib.exceptions import InterruptExecution


def _do(what):
    if what == "raise":
        raise ValueError("no answer")
    if what == "exit":
        sys.exit("gone")
    if what == "ask":
        input("May it begin? ")
    if what == "interrupt":
        raise InterruptExecution("not today")
    if what == "hang":
        time.sleep(60)


def _made(name):
    def control(context=None, **arguments):
        if name == arguments.get("at") and arguments.get("on") in (None, context.get("name")):
            _do(arguments.get("what"))
    return control


for name in ("experiment", "hypothesis", "method", "activity", "rollback"):
    for edge in ("before", "after"):
        globals()[f"{edge}_{name}_control"] = _made(f"{edge}_{name}")


def configure_control(at=None, what=None, **_):
    if at == "configure":
        _do(what)
"""
CLEANING = "def cleanup_control():\n    raise ValueError('cannot clean up')\n"
NARROW = "def before_activity_control(context):\n    pass\n"


def ours(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "broken.py").write_text(BROKEN)
    (tmp_path / "cleaning.py").write_text(CLEANING)
    (tmp_path / "narrow.py").write_text(NARROW)
    return workshop(tmp_path, "ours")


def control(module: str = "broken", **arguments: Any) -> list[dict[str, Any]]:
    return [{"name": "ask first", "provider": {"type": "python", "module": module, "arguments": arguments}}]


def touching(tmp_path: Path, **more: Any) -> dict[str, Any]:
    return process("touch", "touch", [str(tmp_path / "touched")], **more)


def around(tmp_path: Path, controls: list[dict[str, Any]], place: str) -> dict[str, Any]:
    """The controls of the whole experiment, of its hypothesis, or of one activity, in the background too."""
    calm = probe(process("calm", "true"), 0)
    if place == "hypothesis":
        document = experiment([touching(tmp_path)], probes=[calm])
        document["steady-state-hypothesis"]["controls"] = controls
        return document
    if place == "probe":
        return experiment([touching(tmp_path)], probes=[{**calm, "controls": controls}])
    if place == "experiment":
        return experiment([touching(tmp_path)], probes=[calm], controls=controls)
    action = touching(tmp_path, controls=controls, background=place == "background")
    return experiment([action, process("last", "touch", [str(tmp_path / "last")])])


def played(tmp_path: Path, document: dict[str, Any], **load: Any) -> Story:
    async def scene() -> Story:
        stage = Stage(tmp_path, obedient)
        try:
            await stage.load(document, env=ours(tmp_path), **load)
            await stage.until(ExperimentEndedReport, ChildFailed)
        finally:
            story = await stage.close()
        return story

    return asyncio.run(scene())


@pytest.mark.parametrize(
    ("at", "place", "what"),
    [
        ("configure", "experiment", "raise"),
        ("before_experiment", "experiment", "raise"),
        ("before_hypothesis", "hypothesis", "raise"),
        ("before_activity", "probe", "raise"),
        ("before_method", "experiment", "raise"),
        ("before_activity", "activity", "raise"),
        ("before_activity", "background", "raise"),
        ("before_activity", "activity", "exit"),
        ("before_activity", "activity", "ask"),
        ("before_activity", "background", "interrupt"),
        ("configure", "experiment", "interrupt"),
    ],
)
def test_what_it_stands_before_does_not_happen(tmp_path: Path, at: str, place: str, what: str) -> None:
    story = played(tmp_path, around(tmp_path, control(at=at, what=what), place))

    assert not (tmp_path / "touched").exists()
    assert not (tmp_path / "last").exists()
    assert not [started for started in story.all(ActivityStartedReport) if started.type == "action"]
    told = story.all(ControlBrokeReport)[0]
    assert (told.control, told.stops) == ("ask first", True)
    says = {"raise": "no answer", "exit": "gone", "ask": "waits for input", "interrupt": "not today"}
    assert says[what] in told.why
    assert story.one(ExperimentEndedReport).status == "interrupted"


def test_one_with_another_signature_keeps_shut_too(tmp_path: Path) -> None:
    story = played(tmp_path, around(tmp_path, control("narrow", word=1), "activity"))

    assert "unexpected keyword argument 'word'" in story.one(ControlBrokeReport).why
    assert not story.all(Asking)


def test_it_stops_the_action_it_stands_before_and_not_the_one_that_went_before(tmp_path: Path) -> None:
    first = process("first", "touch", [str(tmp_path / "first")])
    document = experiment([first, touching(tmp_path)], controls=control(at="before_activity", what="raise", on="touch"))

    story = played(tmp_path, document)

    assert (tmp_path / "first").exists()
    assert not (tmp_path / "touched").exists()
    assert [told.activity for told in story.all(ControlBrokeReport)] == ["touch"]


def test_one_that_does_not_come_back_is_told_and_stopped(tmp_path: Path) -> None:
    async def scene() -> Story:
        stage = Stage(tmp_path, obedient)
        document = around(tmp_path, control(at="before_activity", what="hang"), "activity")
        await stage.load(document, env=ours(tmp_path), control_deadline=0.3)
        await stage.until(ControlBrokeReport)
        return await stage.close()

    story = asyncio.run(scene())

    assert story.one(ControlBrokeReport).why == "it did not come back within 0.3 s"
    assert not story.all(Asking)
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    ("controls", "when"),
    [
        (control(at="after_activity", what="raise", on="touch"), "after activity"),
        (control(at="after_method", what="raise"), "after method"),
        (control(at="after_experiment", what="raise"), "after experiment"),
        (control("cleaning"), "cleaning up"),
    ],
)
def test_one_that_breaks_afterwards_is_told_and_stops_nothing(
    tmp_path: Path, controls: list[dict[str, Any]], when: str
) -> None:
    story = played(tmp_path, around(tmp_path, controls, "experiment"))

    assert (tmp_path / "touched").exists()
    told = story.one(ControlBrokeReport)
    assert (told.when, told.stops) == (when, False)
    assert story.one(ExperimentEndedReport).status == "completed"


@pytest.mark.parametrize(
    ("where", "source", "says"),
    [
        ("experiment", None, "No module named 'own_gate'"),
        ("activity", None, "No module named 'own_gate'"),
        ("settings", None, "No module named 'own_gate'"),
        ("experiment", "raise ValueError('half installed')\n", "half installed"),
        ("experiment", "def broken(:\n", "SyntaxError"),
        ("experiment", "import sys\nsys.exit(3)\n", "SystemExit"),
        ("experiment", "def before_activity(context=None, **_):\n    pass\n", "has no function of a control"),
    ],
)
def test_one_that_cannot_be_there_keeps_the_experiment_from_beginning(
    tmp_path: Path, where: str, source: str | None, says: str
) -> None:
    if source is not None:
        (tmp_path / "own_gate.py").write_text(source)
    if where == "settings":
        provider = {"type": "python", "module": "own_gate"}
        settings = {"controls": {"ask first": {"provider": provider}}}
        story = played(tmp_path, experiment([touching(tmp_path)]), settings=settings)
    else:
        story = played(tmp_path, around(tmp_path, control("own_gate"), where))

    why = story.one(ChildFailed).why
    assert says in why
    assert "control 'ask first'" in why
    assert not story.all(Armed)


@pytest.mark.parametrize(
    ("at", "what"),
    [
        ("configure", "raise"),
        ("before_rollback", "interrupt"),
        ("before_activity", "raise"),
        ("before_activity", "exit"),
        ("before_activity", "interrupt"),
        ("after_activity", "raise"),
        ("after_rollback", "raise"),
    ],
)
def test_no_undo_is_left_out_for_it_and_it_is_told(tmp_path: Path, at: str, what: str) -> None:
    env = ours(tmp_path)
    document = experiment([], [touching(tmp_path)], controls=control(at=at, what=what))
    order = RollbackOrder(experiment=document, index=0, configuration={}, origin=boottime_ns(), env=env)

    result = asyncio.run(run_rollback(order, deadline=20, log=tmp_path / "undo.log"))

    assert (tmp_path / "touched").exists()
    assert result.ok
    assert result.broken_controls[0]["control"] == "ask first"
    assert not any(each["stops"] for each in result.broken_controls)


def test_an_undo_may_leave_out_the_controls(tmp_path: Path) -> None:
    document = experiment([], [touching(tmp_path, controls=control(at="before_activity", what="hang"))])
    order = RollbackOrder(
        experiment=document, index=0, configuration={}, origin=boottime_ns(), env=ours(tmp_path), controls=False
    )

    assert asyncio.run(run_rollback(order, deadline=20, log=tmp_path / "undo.log")).ok
    assert (tmp_path / "touched").exists()


@pytest.mark.parametrize("module", ["ctrl", "broken", "not_installed_here"])
def test_controls_of_the_settings_are_called_around_an_undo_and_keep_none_from_happening(
    tmp_path: Path, module: str
) -> None:
    env = ours(tmp_path)
    arguments = {"at": "before_activity", "what": "raise"} if module == "broken" else {}
    provider = {"type": "python", "module": module, "arguments": arguments}
    order = RollbackOrder(
        experiment=experiment([], [touching(tmp_path)]),
        index=0,
        configuration={},
        origin=boottime_ns(),
        env=env,
        settings={"controls": {"ask first": {"provider": provider}}},
    )

    result = asyncio.run(run_rollback(order, deadline=20, log=tmp_path / "undo.log"))

    assert result.ok
    assert (tmp_path / "touched").exists()
    notes = Path(env["NOTES"])
    if module == "ctrl":
        called = ["configured", "before rollbacks", "before touch", "after touch", "after rollbacks"]
        assert notes.read_text().splitlines() == called
    else:
        assert result.broken_controls[0]["control"] == "ask first"
