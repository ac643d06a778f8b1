"""What a step's command leaves behind in the transcript, on a fake command runner and in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from runner.conductor.handlers.steps import StepsHandler
from runner.engine import events as ev
from runner.engine.commands import PassPreflight
from runner.engine.plan import RunPlan, Step, Target, Verify
from runner.testing import Answers, CommandOutcome, FakePorts, FakeRun, ProbeAnswer, fake_run, run_in_virtual_time


def plan(*steps: Step, **more: Any) -> RunPlan:
    target = Target(name="local", kind="local", environment="sandbox", secrets=("TOKEN",))
    return RunPlan(name="Files", slug="files", target=target, runbook="Files", steps=steps, reveal="always", **more)


class Preflight:
    """Passes it."""

    def __init__(self, run: Any) -> None:
        self._run = run

    def act(self, recorded: ev.Recorded) -> None:
        if isinstance(recorded.event, ev.PhaseEntered) and recorded.event.phase == "preflight":
            self._run.conductor.submit(PassPreflight())

    async def close(self) -> None:
        return


def play(
    folder: Path,
    steps: tuple[Step, ...],
    outcomes: dict[str, CommandOutcome],
    scenario: Callable[[FakeRun], Coroutine[Any, Any, None]],
    **more: Any,
) -> None:
    async def whole() -> None:
        undone = {ev.PhaseEntered: lambda event: [ev.UndoEnded()] if event.phase == "undoing" else []}
        async with fake_run(
            plan(*steps),
            folder,
            lambda run: [Preflight(run), Answers(run, undone), StepsHandler(run)],
            ports=FakePorts(outcomes=outcomes),
            **more,
        ) as run:
            run.begin(attended=False)
            await scenario(run)

    run_in_virtual_time(whole())


def step(name: str = "count", **more: Any) -> Step:
    return Step(id=name, name=name, **{"run": f"./{name}.sh", "unattended": "run", **more})


def test_a_command_is_intended_started_and_ended_in_that_order(tmp_path: Path) -> None:
    async def scenario(run: FakeRun) -> None:
        ended = await run.until_seen(ev.CommandEnded)
        assert (ended.exit_code, ended.duration, ended.output) == (3, 5.0, "steps/count-1.log")
        kinds = [kind for kind in run.kinds() if kind.startswith("command-") and kind != "command-given"]
        assert kinds == ["command-intended", "command-started", "command-ended"]

    play(tmp_path, (step(),), {"./count.sh": CommandOutcome(exit_code=3, lasts=5.0)}, scenario)


def test_a_command_gets_its_own_secrets_and_no_others(tmp_path: Path) -> None:
    async def scenario(run: FakeRun) -> None:
        await run.until_seen(ev.CommandEnded)
        (command,) = run.ports.commands
        assert command.plan.env["TOKEN"] == "hunter2-secret"
        assert "OTHER" not in command.plan.env
        assert command.plan.env["GAMEDAY_STEP"] == "count"
        assert command.plan.mark == "r1/count/1"

    secrets = {"TOKEN": "hunter2-secret", "OTHER": "another-secret"}
    play(tmp_path, (step(secrets=("TOKEN",)),), {}, scenario, secrets=secrets)


@pytest.mark.parametrize(
    ("outcome", "outputs", "why"),
    [
        (CommandOutcome(printed='{"rows": 7}'), {"rows": "7"}, ""),
        (CommandOutcome(printed="none"), {}, "output rows"),
        (CommandOutcome(printed=""), {}, "it printed nothing"),
        (CommandOutcome(printed='{"rows": 7}', exit_code=1), {}, ""),
    ],
)
def test_outputs_are_read_from_a_command_that_succeeded(
    tmp_path: Path, outcome: CommandOutcome, outputs: dict[str, str], why: str
) -> None:
    async def scenario(run: FakeRun) -> None:
        ended = await run.until_seen(ev.CommandEnded)
        assert ended.outputs == outputs
        assert why in ended.why
        assert run.context.outputs == outputs

    play(tmp_path, (step(output={"rows": "$.rows"}),), {"./count.sh": outcome}, scenario)


def test_the_next_step_has_the_outputs_in_its_environment(tmp_path: Path) -> None:
    async def scenario(run: FakeRun) -> None:
        await run.until(lambda: len(run.of(ev.CommandEnded)) == 2)
        assert run.ports.commands[1].plan.env["rows"] == "7"

    steps = (step(output={"rows": "$.rows"}), step("check"))
    play(tmp_path, steps, {"./count.sh": CommandOutcome(printed='{"rows": 7}')}, scenario)


def test_a_command_that_runs_is_killed_when_the_run_closes_its_handlers(tmp_path: Path) -> None:
    async def scenario(run: FakeRun) -> None:
        await run.until_seen(ev.CommandStarted)
        await run.conductor.handlers[-1].close()
        ended = await run.until_seen(ev.CommandEnded)
        assert (ended.exit_code, ended.timed_out) == (-9, False)

    play(tmp_path, (step(),), {"./count.sh": CommandOutcome(lasts=None)}, scenario)


PROBE = {"provider": {"type": "http", "url": "http://127.0.0.1:9/rows"}, "tolerance": 200}
ROWS = "http://127.0.0.1:9/rows"


class Found(Preflight):
    """Passes it, with the target found."""

    def act(self, recorded: ev.Recorded) -> None:
        self._run.found = True
        super().act(recorded)


def verify(folder: Path, answer: Any, story: Callable[[FakeRun], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        undone = {ev.PhaseEntered: lambda event: [ev.UndoEnded()] if event.phase == "undoing" else []}
        checked = step(verify=Verify(probe=PROBE, within=10.0, every=0.5))
        ports = FakePorts(answers={ROWS: answer})
        async with fake_run(
            plan(checked), folder, lambda run: [Found(run), Answers(run, undone), StepsHandler(run)], ports=ports
        ) as run:
            run.begin(attended=False)
            await story(run)

    run_in_virtual_time(whole())


@pytest.mark.parametrize(("after", "held"), [(0.0, True), (4.0, True), (60.0, False)])
def test_a_verify_is_asked_until_it_holds_or_its_time_is_over(tmp_path: Path, after: float, held: bool) -> None:
    async def story(run: FakeRun) -> None:
        ended = await run.until_seen(ev.VerifyEnded)
        assert ended.held is held
        assert ("not yet" in ended.why) is not held
        assert run.context.clock.now() <= 13

    verify(tmp_path, lambda t: ProbeAnswer(ok=t >= after, why="not yet"), story)


@pytest.mark.parametrize("before", [True, False])
def test_a_verify_that_held_before_the_step_is_known_to(tmp_path: Path, before: bool) -> None:
    async def story(run: FakeRun) -> None:
        assert (await run.until_seen(ev.VerifyPrimed)).held is before

    verify(tmp_path, ProbeAnswer(ok=before, why="not yet"), story)
