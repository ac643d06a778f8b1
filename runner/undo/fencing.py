"""Ending every process of a run but those that undo and those that are the target."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Mapping

from runner.actuators.processes import Origin, carriers, descendants, fence, marks, start_time

#: Environment variable that names the run to whatever it starts.
RUN = "GAMEDAY_RUN"

_ROUNDS = 5


class Spared:
    """Whom a fence leaves alone, with all below them: known by pid and start time, for a number may become a stranger's."""

    def __init__(self) -> None:
        self._started: dict[int, int] = {}

    def add(self, pid: int) -> None:
        """One that lives now."""
        self._started[pid] = start_time(pid) or 0

    def living(self) -> set[int]:
        """The pids of those that still live."""
        return {pid for pid, started in self._started.items() if start_time(pid) == started}


def fence_all(spare: Collection[int], *, reap: bool = True, grace: float = 2.0) -> tuple[int, ...]:
    """Kill every descendant of this process but `spare` and what is below it, until none is left; who was found.

    `reap` collects the dead; without it that is left to whoever started them and waits for their exit codes. `grace` is
    how many seconds those that do not die are waited for.
    """
    here = Origin.of(os.getpid())
    found = tuple(descendants(here, spare))
    if found:
        fence(here, grace, spare)
    if reap:
        _collect(found)
    return found


def fence_strays(run: str, running: Collection[str] | None) -> tuple[int, ...]:
    """Kill what a run left that nobody tends any more, and that could still apply its fault; who was found.

    What its steps left running is the team's mitigation, and what its undo started carries no name of the run: both
    stay. What the steps in `running` (None: any may) were still doing ends with the run.
    """
    found: dict[int, None] = {}
    # Again, for one of them may have started another while they were listed.
    for _ in range(_ROUNDS):
        living = carriers(RUN, run)
        spared = _left_by_steps(of_steps(run, [process.pid for process in living]), running)
        strays = [process for process in living if process.pid not in spared]
        for process in strays:
            fence(Origin(process.pid, process.started))
        found |= dict.fromkeys(process.pid for process in strays)
        if not strays:
            break
    return tuple(found)


def of_steps(run: str, pids: Collection[int]) -> dict[int, str]:
    """Those of them that a step of the run's runbook started, or what that started; by pid, the step's id."""
    prefix = f"{run}/"
    return {pid: mark.split("/")[1] for pid, mark in marks(pids).items() if mark.startswith(prefix)}


def brought_back(run: str, undo_began: int) -> set[int]:
    """The processes below this one that are the target's by now, not the run's.

    A rollback may start the very service that the fault ended: whatever began at `undo_began` (clock ticks since boot; 0:
    there was no undo) or after it. So may a step: that is the team's mitigation.
    """
    below = descendants(Origin.of(os.getpid()))
    return _began_since(undo_began, below) | of_steps(run, below).keys()


def outlives(run: str, undo_began: int, running: Collection[str] | None) -> set[int]:
    """The same where the conductor is dead, without what the steps in `running` (None: any may) are still doing: nobody tends that."""
    below = descendants(Origin.of(os.getpid()))
    steps = of_steps(run, below)
    return _began_since(undo_began, below) - steps.keys() | _left_by_steps(steps, running)


def _left_by_steps(steps: Mapping[int, str], running: Collection[str] | None) -> set[int]:
    """Of the processes that steps started (pid, the step's id), those whose step is over."""
    return {pid for pid, step in steps.items() if running is not None and step not in running}


def ticks_now() -> int:
    """Now, as the kernel counts the start of processes: clock ticks since boot."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def _began_since(ticks: int, pids: Collection[int]) -> set[int]:
    return {pid for pid in pids if ticks and (start_time(pid) or 0) >= ticks}


def _collect(pids: Collection[int]) -> None:
    """Reap the dead that were ours, so that they do not count as left over."""
    deadline = time.monotonic() + 1
    left = set(pids)
    while left and time.monotonic() < deadline:
        for pid in list(left):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG)[0] == 0:
                    continue
            left.discard(pid)
        time.sleep(0.005 if left else 0)
