"""What every prober keeps to: the real one, and the fake that stands in for it in tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ports_kit import Side, both

from runner.actuators.command import minimal_env
from runner.actuators.probe_calls import ProbePlan, ProbeResult, hold_until
from runner.redact import MASK, Redaction, Redactor
from runner.specs.probe_spec import ProbeSpec
from runner.testing import FakePorts, ProbeAnswer

SECRET = "hunter2-secret"
SAYS = "printf 'the token is hunter2-secret'"
ANSWERS = {
    "sh -c false": ProbeAnswer(ok=False, why="exit code 1"),
    "sh -c sleep 60": ProbeAnswer(lasts=60.0),
    f"sh -c {SAYS}": ProbeAnswer(value={"stdout": f"the token is {SECRET}"}),
    f"sh -c {SAYS}; false": ProbeAnswer(ok=False, value={"stdout": f"the token is {SECRET}"}, why=SECRET),
}


def probe(script: str) -> ProbeSpec:
    provider = {"type": "process", "path": "sh", "arguments": ["-c", script]}
    return ProbeSpec.model_validate({"provider": provider, "tolerance": 0})


def ask(side: Side, folder: Path, script: str, fake: FakePorts | None = None, **more: Any) -> ProbeResult:
    async def story() -> ProbeResult:
        plan = ProbePlan(
            clock=side.clock(),
            env=minimal_env(),
            variables={"target.word": "true"},
            secrets={"TOKEN": SECRET},
            redaction=Redaction(Redactor()),
            log=folder / "probes.log",
        )
        prober = side.ports(fake or FakePorts(answers=dict(ANSWERS))).prober(plan)
        try:
            assert prober.clock is plan.clock
            if "within" in more:
                return await hold_until(prober, probe(script), clock=prober.clock, **more)
            await prober.ready(probe(script))
            return await prober.call(probe(script), **more)
        finally:
            await prober.close()

    return side.play(story())


@both
def test_one_that_holds_has_no_reason(side: Side, tmp_path: Path) -> None:
    result = ask(side, tmp_path, "true")
    assert (result.ok, result.answered, result.why) == (True, True, "")
    assert result.duration >= 0


@both
def test_one_that_does_not_hold_was_answered_and_says_why(side: Side, tmp_path: Path) -> None:
    result = ask(side, tmp_path, "false")
    assert (result.ok, result.answered) == (False, True)
    assert result.why


@both
@pytest.mark.parametrize("limit", ["most", "default"])
def test_the_time_limit_is_kept(side: Side, tmp_path: Path, limit: str) -> None:
    result = ask(side, tmp_path, "sleep 60", **{limit: 0.2})
    assert (result.ok, result.answered, result.why) == (False, False, "no answer within 200ms")
    assert 0.2 <= result.duration < 60


@both
def test_a_variable_that_is_not_defined_is_a_result_too(side: Side, tmp_path: Path) -> None:
    result = ask(side, tmp_path, "echo ${target.nothing}")
    assert (result.ok, result.answered) == (False, False)
    assert "target.nothing" in result.why


@both
def test_variables_are_filled_in(side: Side, tmp_path: Path) -> None:
    assert ask(side, tmp_path, "${target.word}").ok


@both
@pytest.mark.parametrize("script", [SAYS, f"{SAYS}; false"])
def test_no_secret_comes_back(side: Side, tmp_path: Path, script: str) -> None:
    result = ask(side, tmp_path, script)
    assert SECRET not in f"{result.value} {result.why}"
    assert MASK in str(result.value)


@both
def test_it_is_asked_again_until_it_holds(side: Side, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    script = f"test -e {mark} || {{ touch {mark}; false; }}"
    calls: list[float] = []

    def second(t: float) -> ProbeAnswer:
        calls.append(t)
        return ProbeAnswer(ok=len(calls) > 1, why="not yet")

    fake = FakePorts(answers={f"sh -c {script}": second})
    assert ask(side, tmp_path, script, fake, within=10.0, every=0.1).ok
