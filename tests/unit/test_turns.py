"""Asking for the processor sooner changes nothing else about a process, nor anything about what it starts."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_ASK = "from runner.actuators.turns import ask_for_short_turns as ask; ask(); ask()\n"
_TELL = "import os; print(os.sched_getscheduler(0) & 0xff, os.getpriority(os.PRIO_PROCESS, 0), sorted(os.sched_getaffinity(0)))"


def _told(program: str, nice: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        preexec_fn=lambda: os.nice(nice),
    )
    return done.stdout


@pytest.mark.parametrize("nice", [0, 5])
def test_it_stays_an_ordinary_process_with_its_priority(nice: int) -> None:
    assert _told(_ASK + _TELL, nice) == _told(_TELL, nice)


@pytest.mark.parametrize("nice", [0, 5])
def test_what_it_starts_is_as_ever(nice: int) -> None:
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_TELL!r}], check=True)"
    assert _told(_ASK + start, nice) == _told(start, nice)
