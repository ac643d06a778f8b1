"""Python probes are called in a child; one that hangs, dies or lies harms no other."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from chaos_driver import workshop

from runner.actuators.processes import Origin, descendants
from runner.actuators.python_probe import ProbeChild
from runner.clock import SystemClock
from runner.redact import Redaction, Redactor

SECRET = "the-probe-secret"


def asked(func: str, tolerance: Any = None, **arguments: Any) -> dict[str, Any]:
    probe: dict[str, Any] = {
        "name": func,
        "provider": {"type": "python", "module": "acts", "func": func, "arguments": arguments},
    }
    return {"probe": probe if tolerance is None else {**probe, "tolerance": tolerance}}


def served(tmp_path: Path, scene: Callable[[ProbeChild], Awaitable[None]]) -> None:
    async def play() -> None:
        child = ProbeChild.spawn()
        try:
            await child.attach(
                origin=SystemClock().origin,
                env=workshop(tmp_path, "p"),
                redaction=Redaction(Redactor([SECRET])),
                log=tmp_path / "log",
            )
            async with asyncio.timeout(60):
                await scene(child)
        finally:
            await child.stop()
        assert descendants(Origin.of(child.pid)) == []

    asyncio.run(play())


@pytest.mark.parametrize(
    ("request_", "ok", "value", "error"),
    [
        (asked("answer", True, value=True), True, True, None),
        (asked("answer", [1, 5], value=3), True, 3, None),
        (asked("answer", 4, value=3), False, 3, "out of tolerance"),
        (asked("answer", {"type": "range", "range": [0, 2]}, value=3), False, 3, "out of tolerance"),
        (asked("answer", value="anything"), True, "anything", None),
        (asked("answer", [1, 5], value=None), False, None, "TypeError"),
        (asked("fail", True), False, None, "it broke"),
        (asked("answer", "${a}", value="${a}") | {"configuration": {"a": "x"}}, False, "x", "out of tolerance"),
        ({"probe": {"name": "x", "provider": {"type": "python", "module": "nowhere", "func": "f"}}}, False, None, "nowhere"),
        ({"probe": {"name": "x"}}, False, None, "provider"),
        (asked("answer", True, value=f"it is {SECRET}"), False, "it is [redacted]", "out of tolerance"),
    ],
)  # fmt: skip
def test_a_probe_is_answered(request_: dict[str, Any], ok: bool, value: Any, error: str | None, tmp_path: Path) -> None:
    async def scene(child: ProbeChild) -> None:
        answer = await child.call(request_)
        assert (answer["ok"], answer["value"]) == (ok, value)
        assert (answer["error"] is None) == (error is None)
        assert (error or "") in (answer["error"] or "")
        assert answer["t"] >= 0
        assert answer["duration"] >= 0

    served(tmp_path, scene)


def test_secrets_reach_the_probe_and_stay_there(tmp_path: Path) -> None:
    async def scene(child: ProbeChild) -> None:
        request = asked("told", True, expect="other-secret")
        request["probe"]["provider"]["secrets"] = ["api"]
        answer = await child.call({**request, "secrets": {"api": {"token": "other-secret"}}})
        assert answer["ok"]
        leak = await child.call({**asked("fail", why="no other-secret"), "secrets": {"api": {"token": "other-secret"}}})
        assert "other-secret" not in leak["error"]

    served(tmp_path, scene)


def test_a_probe_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    async def scene(child: ProbeChild) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(child.call(asked("wait", seconds=60)), 0.2)
        answer = await child.call(asked("answer", True))
        assert answer["ok"]

    served(tmp_path, scene)


def test_a_dead_child_answers_that_it_is_dead(tmp_path: Path) -> None:
    async def scene(child: ProbeChild) -> None:
        waiting = asyncio.create_task(child.call(asked("wait", seconds=60)))
        await child.call(asked("answer", True))
        os.kill(child.pid, signal.SIGKILL)
        answer = await waiting
        assert (answer["ok"], answer["error"]) == (False, "the probe child ended with -9")
        again = await child.call(asked("answer", True))
        assert (again["ok"], again["error"]) == (False, "the probe child is gone")

    served(tmp_path, scene)
