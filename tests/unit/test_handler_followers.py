"""Who follows the transcript gets every line once, and cannot harm the run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
from transcript_samples import STORY, create, entries, notes

from runner.conductor.handlers.followers import FollowerOf, FollowersHandler
from runner.engine.events import Event, Recorded
from runner.testing import FakeRun, fake_run, run_in_virtual_time, sample_plan


class _Exporter:
    """Keeps what it is given; fails at the event with this number, or when it is closed."""

    def __init__(self, *, fails_at: int = 0, fails_to_close: bool = False) -> None:
        self.taken: list[Recorded] = []
        self.closed = 0
        self._fails_at = fails_at
        self._fails_to_close = fails_to_close

    def take(self, recorded: Recorded) -> None:
        if recorded.seq == self._fails_at:
            raise ValueError("the secret hunter22 is not accepted")
        self.taken.append(recorded)

    def close(self) -> None:
        self.closed += 1
        if self._fails_to_close:
            raise OSError("gone")

    @property
    def events(self) -> list[Event]:
        return [recorded.event for recorded in self.taken]


def _play(folder: Path, makers: Sequence[FollowerOf], story: Callable[[FakeRun], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        wired = fake_run(
            sample_plan(), folder, lambda run: [FollowersHandler(run, makers)], secrets={"KEY": "hunter22"}
        )
        async with wired as run:
            run.begin()
            await story(run)

    run_in_virtual_time(whole())


async def _nothing_more(_run: FakeRun) -> None:
    await asyncio.sleep(1)


def test_every_line_comes_once_and_in_order_whoever_wrote_it(tmp_path: Path) -> None:
    exporter = _Exporter()
    transcript = create(tmp_path / "run")

    async def story(_run: FakeRun) -> None:
        transcript.append(*entries(STORY))
        await asyncio.sleep(1)
        assert exporter.events == [*STORY]
        # As the undo worker does: another writer, and then the last lines, right before the end.
        transcript.append(*entries(notes(3)))
        await asyncio.sleep(1)
        assert exporter.events == [*STORY, *notes(3)]
        transcript.append(*entries(notes(1)))

    _play(tmp_path / "run", [lambda _: exporter], story)
    assert exporter.events == [*STORY, *notes(3), *notes(1)]
    assert exporter.closed == 1


def test_one_that_fails_is_left_out_and_the_others_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad, good = _Exporter(fails_at=2), _Exporter()
    create(tmp_path / "run").append(*entries(STORY))

    async def story(run: FakeRun) -> None:
        await asyncio.sleep(1)
        assert not run.conductor.state.ending

    _play(tmp_path / "run", [lambda _: bad, lambda _: good], story)
    assert (len(bad.taken), len(good.taken)) == (1, len(STORY))
    said = capsys.readouterr().err
    assert "_Exporter failed: ValueError" in said
    assert "hunter22" not in said


def test_one_that_cannot_begin_or_close_harms_nobody(tmp_path: Path) -> None:
    def broken(_run: object) -> _Exporter:
        raise OSError("no such host")

    bad, good = _Exporter(fails_to_close=True), _Exporter()
    create(tmp_path / "run").append(*entries(STORY))
    _play(tmp_path / "run", [broken, lambda _: None, lambda _: bad, lambda _: good], _nothing_more)
    assert good.events == [*STORY]
    assert (bad.closed, good.closed) == (1, 1)


def test_a_transcript_that_is_damaged_harms_nobody(tmp_path: Path) -> None:
    exporter = _Exporter()
    create(tmp_path / "run").append(*entries(STORY))
    with (tmp_path / "run/transcript.jsonl").open("ab") as file:
        file.write(b"nonsense\n" * 3)

    async def story(run: FakeRun) -> None:
        await asyncio.sleep(1)
        assert not run.conductor.state.ending

    _play(tmp_path / "run", [lambda _: exporter], story)


def test_where_nobody_follows_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.transcript.reader.Follower.poll", lambda _: pytest.fail("it was read"))
    _play(tmp_path / "run", [], _nothing_more)
