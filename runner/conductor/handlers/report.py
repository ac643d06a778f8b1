"""What a run leaves for people to read when it closes. Who writes it stands above this layer, and is put in here before
the processes of a run are forked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from runner.host.tool_log import note

if TYPE_CHECKING:
    from pathlib import Path

#: Each takes the run folder and the project's folder.
writers: list[Callable[[Path, Path], None]] = []

#: Seconds. A report that takes longer is made by `gameday show --report`, whenever somebody wants it.
_PATIENCE = 10.0


async def leave_reports(folder: Path, root: Path) -> None:
    """Never a reason for a run to break, or to wait for long."""
    # Every command imports this module, few of them a loop.
    import asyncio

    for write in writers:
        attempt = asyncio.to_thread(_attempt, write, folder, root)
        try:
            await asyncio.wait_for(attempt, _PATIENCE)
        except TimeoutError:
            note(f"the report was not written within {_PATIENCE:g} s")


def _attempt(write: Callable[[Path, Path], None], folder: Path, root: Path) -> None:
    try:
        write(folder, root)
    except Exception as error:
        note(f"the report was not written: {type(error).__name__}: {error}")
