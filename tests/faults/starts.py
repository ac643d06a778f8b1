"""Whether a fence misses a process that has only just started: `python tests/faults/starts.py [--n N] [--busy B]`.

Each trial starts one and fences it at once, beside processes that keep every core busy. Exit code 1 when one lived on.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from runner.actuators.chaos import ChaosChild
from runner.actuators.processes import MARK, Origin, alive, fence

#: Seconds in which whoever was killed has to die: it needs the processor for that.
_GRACE = 30.0
# Its parent is gone at once and its session is its own, so nothing but its mark tells whose it is.
_ORPHAN = "setsid sleep 60 >/dev/null 2>&1 & echo $!"


def own_child(_mark: str) -> bool:
    """A child of ours, ended before it came to anything; whether it is gone."""
    child = ChaosChild.spawn()
    child.discard()
    deadline = time.monotonic() + _GRACE
    while child.alive and time.monotonic() < deadline:
        time.sleep(0.01)
    return not child.alive


def command(mark: str) -> bool:
    """A command, of which nothing but pid and start time may be known yet; whether it is gone."""
    process = subprocess.Popen(["sleep", "60"], env=_environment(mark), start_new_session=True)
    left = fence(Origin.of(process.pid, mark), _GRACE)
    gone = not alive(process.pid)
    process.kill()
    process.wait()
    return gone and not left


def orphan(mark: str) -> bool:
    """What a command left behind in the background; whether it is gone."""
    parent = subprocess.Popen(
        ["sh", "-c", _ORPHAN], env=_environment(mark), start_new_session=True, stdout=subprocess.PIPE
    )
    origin = Origin.of(parent.pid, mark)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.stdout.close()
    parent.wait()
    left = fence(origin, _GRACE)
    gone = not alive(pid)
    if not gone:
        fence(Origin.of(pid))
    return gone and not left


KINDS: tuple[Callable[[str], bool], ...] = (own_child, command, orphan)


def _environment(mark: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], MARK: mark}


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that want a core all the time, and end by themselves should nobody end them."""
    code = "import time\nend = time.monotonic() + 3600\nwhile time.monotonic() < end: pass"
    hogs = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(count)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def missed(kind: Callable[[str], bool], starts: int) -> tuple[int, float]:
    """How many of so many starts lived on, and the seconds that the slowest took from start to end."""
    lived, slowest = 0, 0.0
    for _ in range(starts):
        began = time.monotonic()
        lived += not kind(uuid.uuid4().hex)
        slowest = max(slowest, time.monotonic() - began)
    return lived, slowest


def main() -> int:
    """Say for each kind of process how many were missed."""
    parser = argparse.ArgumentParser(prog="python tests/faults/starts.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--n", type=int, default=2000, help="starts of each kind (2000)")
    parser.add_argument("--busy", type=int, default=os.cpu_count() or 1, help="processes that keep the cores busy")
    wanted = parser.parse_args()
    found = {}
    with busy(wanted.busy):
        for kind in KINDS:
            found[kind.__name__], slowest = missed(kind, wanted.n)
            print(
                f"{kind.__name__}: {found[kind.__name__]} of {wanted.n} lived on; slowest {slowest:.2f} s", flush=True
            )
    return int(any(found.values()))


if __name__ == "__main__":
    sys.exit(main())
