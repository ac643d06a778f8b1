"""What a step reads out of what its command printed, as later commands and the run's files see it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from conductor_kit import Play, conducting

from runner.engine import events as ev
from runner.engine.plan import Step
from runner.specs.failure_rule import ContinueRunbook

_SECRET = "hunter22-hunter22"


def _play(folder: Path, *steps: Step) -> Play:
    async def play() -> Play:
        async with conducting(folder, *steps) as play:
            play.run.protect(_SECRET)
            play.begin(attended=False)
            await play.over()
        return play

    return asyncio.run(play())


def test_an_output_is_a_variable_of_later_commands(tmp_path: Path) -> None:
    read = Step(id="read", name="Read", run="echo '{\"v\": [2]}'; echo noise >&2", output={"V": "$.v[0]"})
    use = Step(id="use", name="Use", run='echo "v$V"')
    never = Step(id="never", name="Never", run="true", condition="outputs.V == '3'")
    play = _play(tmp_path / "run", read, use, never)
    assert [ended.outputs for ended in play.of(ev.CommandEnded)] == [{"V": "2"}, {}]
    assert play.of(ev.CommandEnded)[1].tail == "v2"
    assert [ended.outcome for ended in play.of(ev.StepEnded)] == ["succeeded", "succeeded", "skipped"]


def test_an_output_that_is_a_secret_reaches_the_command_and_no_file(tmp_path: Path) -> None:
    word = tmp_path / "word"
    word.write_text(f"token: {_SECRET}!\n")
    read = Step(id="read", name="Read", run=f"cat {word}", output={"TOKEN": "/token: (.+)/"})
    use = Step(
        id="use", name="Use", run='test "$TOKEN" = "$(cut -c 8- WORD)" && echo "$TOKEN"'.replace("WORD", str(word))
    )
    play = _play(tmp_path / "run", read, use)
    assert [ended.exit_code for ended in play.of(ev.CommandEnded)] == [0, 0]
    assert play.of(ev.CommandEnded)[0].outputs == {"TOKEN": "[redacted]!"}
    for path in (tmp_path / "run").rglob("*"):
        assert path.is_dir() or _SECRET.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("run", "why"),
    [
        ("echo '{}'", 'output V: nothing is found at $.v; it printed "{}\\n"'),
        ("true", "output V: nothing is found at $.v: what was printed is not JSON; it printed nothing"),
        (f"echo {'x' * 115}{_SECRET}", "…"),
    ],
)
def test_an_output_that_is_not_there_fails_its_step(tmp_path: Path, run: str, why: str) -> None:
    read = Step(id="read", name="Read", run=run, output={"V": "$.v"}, on_failure=ContinueRunbook())
    play = _play(tmp_path / "run", read)
    assert why in play.of(ev.CommandEnded)[0].why
    assert _SECRET[:4] not in play.of(ev.CommandEnded)[0].why
    assert [(ended.outcome, ended.why) for ended in play.of(ev.StepEnded)] == [
        ("failed", play.of(ev.CommandEnded)[0].why)
    ]


def test_of_a_command_that_failed_nothing_is_read(tmp_path: Path) -> None:
    read = Step(id="read", name="Read", run="echo '{}'; exit 3", output={"V": "$.v"}, on_failure=ContinueRunbook())
    play = _play(tmp_path / "run", read)
    assert [ended.why for ended in play.of(ev.StepEnded)] == ["exit code 3"]
