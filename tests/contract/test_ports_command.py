"""What every command runner keeps to: the real shell, and the fake that stands in for it in tests."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ports_kit import Side, both

from runner.actuators.command import CommandPlan, CommandResult, minimal_env
from runner.clock import Stamp
from runner.conductor.ports import CommandRunner, Ports
from runner.redact import MASK, Redaction, Redactor
from runner.testing import CommandOutcome, FakePorts

SAYS = "printf 'one\\nthe token is hunter2-secret\\n'"
OUTCOMES = {
    "exit 3": CommandOutcome(exit_code=3),
    "kill -TERM $$": CommandOutcome(exit_code=-15),
    "sleep 60": CommandOutcome(lasts=60.0),
    SAYS: CommandOutcome(printed="one\nthe token is hunter2-secret\n"),
}
GONE = {text: CommandOutcome(cannot_start="No such file or directory") for text in ("true",)}


@dataclass
class Ran:
    """How a command went, and what its runner said of its start."""

    result: CommandResult
    started: list[tuple[int, Stamp]] = field(default_factory=list)


def run(
    ports: Ports, side: Side, folder: Path, text: str, during: Callable[[CommandRunner], Any] | None = None, **more: Any
) -> Ran:
    """Run `text`; `during` is called, and awaited, once it has started."""
    plan = {
        "directory": folder,
        "env": minimal_env(),
        "mark": os.urandom(6).hex(),
        "output": folder / "out.log",
        **more,
    }

    async def story() -> Ran:
        runner = ports.command_runner(
            CommandPlan(text=text, **plan), side.clock(), Redaction(Redactor(("hunter2-secret",)))
        )
        started: list[tuple[int, Stamp]] = []
        begun = asyncio.Event()

        def note(pid: int, stamp: Stamp) -> None:
            started.append((pid, stamp))
            begun.set()

        running = asyncio.create_task(runner.run(note))
        if during is not None:
            await begun.wait()
            await during(runner)
        return Ran(await running, started)

    return side.play(story())


@both
@pytest.mark.parametrize(("text", "code"), [("true", 0), ("exit 3", 3), ("kill -TERM $$", -15)])
def test_its_exit_code_comes_back_and_its_start_is_told_once(side: Side, tmp_path: Path, text: str, code: int) -> None:
    ran = run(side.ports(FakePorts(outcomes=OUTCOMES)), side, tmp_path, text)
    assert (ran.result.exit_code, ran.result.timed_out, ran.result.why) == (code, False, "")
    ((pid, began),) = ran.started
    assert pid > 0
    assert began.t <= ran.result.ended.t
    assert ran.result.duration == pytest.approx(ran.result.ended.t - began.t, abs=1e-5)


@both
def test_what_cannot_be_started_ends_with_127_and_was_never_started(side: Side, tmp_path: Path) -> None:
    ran = run(side.ports(FakePorts(outcomes=GONE)), side, tmp_path, "true", directory=tmp_path / "nowhere")
    assert (ran.result.exit_code, ran.started) == (127, [])
    assert ran.result.why.startswith("cannot start: No such file")


@both
def test_a_time_out_kills_it(side: Side, tmp_path: Path) -> None:
    result = run(side.ports(FakePorts(outcomes=OUTCOMES)), side, tmp_path, "sleep 60", timeout=0.2).result
    assert (result.exit_code, result.timed_out, result.why) == (-9, True, "timed out after 0.2 s")
    assert 0.2 <= result.duration < 60


@both
def test_killed_it_ends_at_once_by_a_signal(side: Side, tmp_path: Path) -> None:
    result = run(
        side.ports(FakePorts(outcomes=OUTCOMES)), side, tmp_path, "sleep 60", lambda runner: runner.kill()
    ).result
    assert (result.exit_code, result.timed_out) == (-9, False)
    assert result.duration < 60


@both
@pytest.mark.parametrize("reads", [True, False])
def test_its_tail_is_redacted_and_what_it_printed_is_not(side: Side, tmp_path: Path, reads: bool) -> None:
    result = run(side.ports(FakePorts(outcomes=OUTCOMES)), side, tmp_path, SAYS, reads=reads).result
    assert result.tail == f"one\nthe token is {MASK}"
    assert result.printed == ("one\nthe token is hunter2-secret\n" if reads else "")


@both
def test_a_kill_before_its_start_and_after_its_end_does_nothing(side: Side, tmp_path: Path) -> None:
    async def story() -> int:
        plan = CommandPlan(text="exit 3", directory=tmp_path, env=minimal_env(), output=tmp_path / "out.log")
        runner = side.ports(FakePorts(outcomes=OUTCOMES)).command_runner(plan, side.clock(), Redaction(Redactor()))
        await runner.kill()
        result = await runner.run(lambda _pid, _stamp: None)
        await runner.kill()
        return result.exit_code

    assert side.play(story()) == 3
