"""What the target is asked while faults may go in: one behaviour for all kinds, by what their drivers say."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from runner.conductor.handlers.target import TargetHandler
from runner.engine import events as ev
from runner.engine.plan import Target
from runner.testing import FakePorts, FakeRun, ProbeAnswer, fake_run, run_in_virtual_time, sample_plan

_WHO = "https://shop.example.com/who"
_UID = "runner.actuators.shims.kube.cluster_uid"
_IDENTITY = {"type": "probe", "name": "who", "provider": {"type": "http", "url": _WHO}, "tolerance": 200}
_ADDRESS = {"url": "https://shop.example.com", "context": "", "cluster_uid": ""}
_CLUSTER = {"url": "", "context": "eu", "cluster_uid": "5b9c"}

#: What the target is → what it is asked before the first fault, and while one is in.
_ASKED: dict[str, tuple[Target, list[str], list[str]]] = {
    "sandbox": (Target(name="shop", kind="sandbox", environment="sandbox"), [], []),
    "local": (Target(name="shop", kind="local", environment="test"), [], []),
    "local, declared": (Target(name="shop", kind="local", environment="test", identity=_IDENTITY), [_WHO], []),
    "http": (Target(name="shop", kind="http", environment="test", **_ADDRESS), [], []),
    "http, declared": (
        Target(name="shop", kind="http", environment="test", identity=_IDENTITY, **_ADDRESS),
        [_WHO],
        [],
    ),
    "cluster": (Target(name="shop", kind="kubernetes", environment="test", **_CLUSTER), [_UID], [_UID]),
    "cluster, declared": (
        Target(name="shop", kind="kubernetes", environment="test", identity=_IDENTITY, **_CLUSTER),
        [_WHO, _UID],
        [_UID],
    ),
}
_ANOTHER = ProbeAnswer(ok=False, value="666", why="it is another one")
_LOST = ProbeAnswer(ok=False, why="no answer")


def play(folder: Path, target: Target, story: Callable[[FakeRun, TargetHandler], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        made: list[TargetHandler] = []

        def handlers(run: Any) -> list[TargetHandler]:
            made.append(TargetHandler(run))
            return made

        async with fake_run(sample_plan(target=target), folder, handlers, ports=FakePorts()) as run:
            run.begin()
            await run.until_seen(ev.RunStarted)
            run.context.found = True
            await story(run, made[0])

    run_in_virtual_time(whole())


async def inject(run: FakeRun) -> None:
    run.context.observe(ev.ActivityStarted(experiment="gateway-errors", index=0, name="errors", type="action"))
    await run.until(lambda: run.context.state.last_injection is not None)


def asked(run: FakeRun) -> list[str]:
    return [each for prober in run.ports.probers for each in prober.asked]


@pytest.mark.parametrize(("target", "before", "while_in"), _ASKED.values(), ids=_ASKED)
def test_what_no_fault_can_change_is_asked_at_every_gate_the_rest_before_the_first(
    target: Target, before: list[str], while_in: list[str], tmp_path: Path
) -> None:
    async def story(run: FakeRun, handler: TargetHandler) -> None:
        assert handler.silent is not bool(before)
        assert await handler.refusal() == ""
        assert asked(run) == before
        await inject(run)
        assert handler.silent is not bool(while_in)
        assert await handler.refusal() == ""
        assert asked(run) == before + while_in

    play(tmp_path, target, story)


@pytest.mark.parametrize(("target", "before", "while_in"), _ASKED.values(), ids=_ASKED)
def test_another_target_is_refused_wherever_it_is_asked(
    target: Target, before: list[str], while_in: list[str], tmp_path: Path
) -> None:
    async def story(run: FakeRun, handler: TargetHandler) -> None:
        run.ports.answers |= {_WHO: _ANOTHER, _UID: _ANOTHER}
        assert ("it is another one" in await handler.refusal()) is bool(before)
        await inject(run)
        assert ("it is another one" in await handler.refusal()) is bool(while_in)

    play(tmp_path, target, story)


@pytest.mark.parametrize(("target", "before", "while_in"), _ASKED.values(), ids=_ASKED)
def test_a_lost_answer_is_no_reason_once_a_fault_is_in(
    target: Target, before: list[str], while_in: list[str], tmp_path: Path
) -> None:
    del before, while_in

    async def story(run: FakeRun, handler: TargetHandler) -> None:
        await inject(run)
        run.ports.answers |= {_WHO: _LOST, _UID: _LOST}
        assert await handler.refusal() == ""

    play(tmp_path, target, story)
