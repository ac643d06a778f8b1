"""Starting the undo: through the guardian, without it, and as the fake does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from runner.conductor.ports import UndoStarter
from runner.control.peer_socket import PeerSocket
from runner.testing import FakeUndo, run_in_virtual_time
from runner.undo import undo_starter
from runner.undo.undo_starter import GuardedUndo


class Worker:
    """An undo process that ends with `code` and starts none."""

    code = 0
    told: ClassVar[list[tuple[dict[str, str], list[str]]]] = []

    @classmethod
    def stand_by(cls, _folder: Path) -> Worker:
        return cls()

    def go(self, secrets: dict[str, str], hidden: list[str]) -> None:
        self.told.append((dict(secrets), list(hidden)))

    def wait(self) -> int:
        return self.code


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> type[Worker]:
    kind = type("Worker", (Worker,), {"told": []})
    monkeypatch.setattr(undo_starter, "UndoProcess", kind)
    return kind


def through_guardian(code: int) -> UndoStarter:
    ours, theirs = PeerSocket.pair()
    undone: asyncio.Queue[int] = asyncio.Queue()

    async def guardian() -> None:
        while not theirs.receive():
            await asyncio.sleep(0.01)
        undone.put_nowait(code)

    starter = GuardedUndo(ours, undone)
    starter.guardian = asyncio.get_running_loop().create_task(guardian())  # type: ignore[attr-defined]
    return starter


def without_guardian(code: int) -> UndoStarter:
    ours, theirs = PeerSocket.pair()
    theirs.close()
    ours.receive()
    undo_starter.UndoProcess.code = code  # type: ignore[attr-defined]
    return GuardedUndo(ours, asyncio.Queue())


STARTERS: dict[str, Callable[[int], UndoStarter]] = {
    "through the guardian": through_guardian,
    "without it": without_guardian,
    "fake": FakeUndo,
}


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("make", STARTERS.values(), ids=STARTERS)
@pytest.mark.parametrize("code", [0, 6, 4])
def test_the_exit_code_of_the_undo_comes_back(make: Callable[[int], UndoStarter], code: int, tmp_path: Path) -> None:
    async def scenario() -> int:
        return await make(code).undo(tmp_path, {"TOKEN": "hunter2"}, ["hunter2"])

    assert run_in_virtual_time(scenario()) == code


def test_a_guardian_that_dies_meanwhile_is_replaced(worker: type[Worker], tmp_path: Path) -> None:
    async def scenario() -> int:
        ours, theirs = PeerSocket.pair()
        undoing = asyncio.create_task(
            GuardedUndo(ours, asyncio.Queue()).undo(tmp_path, {"TOKEN": "hunter2"}, ["hunter2", "learnt"])
        )
        await asyncio.sleep(1.0)
        assert not undoing.done()
        assert theirs.receive() == [{"undo": 1}]
        theirs.close()
        ours.receive()
        return await undoing

    assert run_in_virtual_time(scenario()) == 0
    assert worker.told == [({"TOKEN": "hunter2"}, ["hunter2", "learnt"])]
