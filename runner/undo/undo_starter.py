"""Starting a run's undo from its conductor: through the guardian while there is one, else directly."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from pathlib import Path

from runner.control.peer_socket import PeerSocket
from runner.undo.undo_process import UndoProcess

#: Seconds between two looks at whether the guardian still lives.
_LOOK = 0.2


class GuardedUndo:
    """`link` leads to the guardian, which has an undo worker waiting; `undone` receives that worker's exit code."""

    def __init__(self, link: PeerSocket, undone: asyncio.Queue[int]) -> None:
        self._link = link
        self._undone = undone

    async def undo(self, folder: Path, secrets: Mapping[str, str], hidden: Collection[str]) -> int:
        if self._link.closed:
            return await self._without_guardian(folder, secrets, hidden)
        self._link.send({"undo": 1})
        waiting = asyncio.ensure_future(self._undone.get())
        while not waiting.done():
            await asyncio.wait({waiting}, timeout=_LOOK)
            if self._link.closed and not waiting.done():
                waiting.cancel()
                return await self._without_guardian(folder, secrets, hidden)
        return waiting.result()

    async def _without_guardian(self, folder: Path, secrets: Mapping[str, str], hidden: Collection[str]) -> int:
        """The guardian is dead. Its worker, if it had started one, holds the lock, and this one waits behind it."""
        worker = UndoProcess.stand_by(folder)
        worker.go(secrets, hidden)
        return await asyncio.to_thread(worker.wait)
