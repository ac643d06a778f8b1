"""Fakes of what ends a run: the undo, and what keeps the machine awake until it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from pathlib import Path

from runner.errors import ExitCode


class FakeUndo:
    """An `UndoStarter` that ends with each of `codes` in turn, the last of them again and again, after `lasts` seconds.

    `why` is what a fault that stays is recorded with.
    """

    def __init__(self, *codes: int, lasts: float = 0.0, why: str = "its rollback failed") -> None:
        self.codes = list(codes) or [int(ExitCode.PASSED)]
        self.lasts = lasts
        self.why = why
        #: How often it was started.
        self.started = 0
        #: Its last exit code; None while it has none.
        self.ended_with: int | None = None

    async def undo(self, folder: Path, secrets: Mapping[str, str], hidden: Collection[str]) -> int:  # noqa: ARG002
        self.started += 1
        await asyncio.sleep(self.lasts)
        self.ended_with = self.codes.pop(0) if len(self.codes) > 1 else self.codes[0]
        return self.ended_with


class FakeSleepInhibitor:
    """A `SleepInhibitor` on a machine that has none (`pid` 0), or whose tool has that pid."""

    def __init__(self, pid: int = 0) -> None:
        self.pid = pid
        #: Why the machine is kept awake; '' while it may sleep.
        self.why = ""

    def begin(self, why: str) -> int:
        self.why = why
        return self.pid

    def end(self) -> None:
        self.why = ""
