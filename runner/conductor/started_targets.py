"""Starting what a run starts as its target: one function a kind whose driver says that it is started."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from runner import sandbox
from runner.actuators.processes import alive, start_time
from runner.lazy_dataclass import lazy_dataclass


@lazy_dataclass(frozen=True, kw_only=True)
class StartedTarget:
    """A target that answers. `pid` and `pid_start` (clock ticks since boot) name its process; `stop` ends it, and blocks."""

    url: str
    vars: Mapping[str, str]
    pid: int
    pid_start: int
    stop: Callable[[], None]

    @property
    def ended(self) -> bool:
        """Whether its process is gone."""
        return not (alive(self.pid) and start_time(self.pid) == self.pid_start)


async def start_target(kind: str, folder: Path, lifeline: int) -> StartedTarget:
    """Start a target of this kind, with the run's folder for its files. It ends at the latest when `lifeline` closes.

    Raises Broken when it does not come up.
    """
    return await STARTS[kind](folder, lifeline)


async def _start_sandbox(folder: Path, lifeline: int) -> StartedTarget:
    info = await sandbox.start_async(folder / "sandbox", lifeline=lifeline)
    addresses = {"admin": info.admin, "proxy": info.proxy, "monitor": info.monitor}
    return StartedTarget(
        url=info.url, vars=addresses, pid=info.pid, pid_start=info.pid_start, stop=lambda: sandbox.stop(info)
    )


#: Kind → how it is started.
STARTS: dict[str, Callable[[Path, int], Awaitable[StartedTarget]]] = {"sandbox": _start_sandbox}
