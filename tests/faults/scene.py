"""One trial while it goes on: what runs in which cage, what is drawn by lot, and what can be done to it."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cage import Cage
from faults import Fault
from subjects import Subject

_LOOK = 0.02
#: Seconds a subject gets to come to a mark before the trial is given up.
_PATIENCE = 20.0


class NeverThere(Exception):
    """It did not come so far; the trial does not count."""


@dataclass(frozen=True, kw_only=True)
class Hit:
    """What was done, and when. `must_end`: the end is due now; else it may go on knowingly. `frozen`: the process that was
    stopped; 0 for none.
    """

    role: str
    what: str
    must_end: bool = True
    frozen: int = 0
    at: float = field(default_factory=time.monotonic)


@dataclass
class Scene:
    """`log` keeps what happened, with seconds since the start; `root` is the trial's own folder."""

    cage: Cage
    subject: Subject
    fault: Fault
    rng: random.Random
    root: Path
    began: float = field(default_factory=time.monotonic)
    log: list[str] = field(default_factory=list)

    def note(self, words: str) -> None:
        self.log.append(f"{time.monotonic() - self.began:7.3f}  {words}")

    # -- starting and waiting ------------------------------------------------------------------------------------------

    def start(self, *, wrapped: bool, tty: bool) -> None:
        """Start the subject; `wrapped`: as the child of a shell that waits for it."""
        argv = self.subject.argv()
        if wrapped:
            argv = ["sh", "-c", '"$@"; exit $?', "sh", *argv]
        self.began = time.monotonic()
        self.cage.run(argv, cwd=self.root, out=self.root / "printed", env=self.subject.env(), tty=tty)
        self.note("started")

    def await_mark(self, mark: str) -> None:
        """Until it has come so far. Raises NeverThere."""
        self.until(lambda: mark in self.subject.marks(), mark)
        self.note(mark)

    def until(self, true: Callable[[], bool], what: str) -> None:
        """Until something is so. Raises NeverThere when it ends before, or takes too long."""
        deadline = time.monotonic() + _PATIENCE
        while not true():
            if time.monotonic() > deadline or self.cage.empty():
                if true():
                    return
                raise NeverThere(what)
            time.sleep(_LOOK)

    def pause(self, seconds: float) -> None:
        time.sleep(max(seconds, 0.0))

    # -- hitting -------------------------------------------------------------------------------------------------------

    def cast(self) -> dict[str, list[int]]:
        """Who lives now: role → pids."""
        processes = self.cage.processes()
        roles = self.subject.roles(processes)
        cast: dict[str, list[int]] = {}
        for process in sorted(processes, key=lambda each: each.pid):
            cast.setdefault(roles[process.pid], []).append(process.pid)
        cast.pop("parent", None)
        return dict(sorted(cast.items()))

    def draw_victim(self, cast: Mapping[str, Sequence[int]]) -> tuple[str, int]:
        """A role by lot, then one of its processes: else the many small ones would hide the few that matter."""
        if not cast:
            raise NeverThere("nobody lives any more")
        role = self.rng.choice(list(cast))
        return role, self.rng.choice(list(cast[role]))

    def mount(self, *words: str) -> None:
        """Seen in the cage only."""
        log = self.root / "mount.log"
        if self.cage.call(["mount", *words], cwd=self.root, out=log, env=self.subject.env()):
            raise RuntimeError(f"mount {' '.join(words)}: {log.read_text()}")

    def send(self, pids: Sequence[int], number: int) -> list[int]:
        hit = self.cage.kill(pids, number)
        self.note(f"signal {number} to {list(pids)}, there were {hit}")
        return hit

    # -- looking -------------------------------------------------------------------------------------------------------

    def reached(self) -> bool:
        """Whether the fault was intended at all."""
        return "intent" in self.subject.marks() or "began" in self.fault.told()

    def between(self) -> bool:
        """Whether now lies between intent and undone."""
        marks = self.subject.marks()
        return "intent" in marks and "undone" not in marks

    def picture_note(self, when: str) -> None:
        """Put this moment down for whoever looks into it."""
        self.note(json.dumps(self._picture(when), indent=1, ensure_ascii=False))

    def _picture(self, when: str) -> dict[str, Any]:
        processes = self.cage.processes()
        roles = self.subject.roles(processes)
        return {
            "when": when,
            "t": round(time.monotonic() - self.began, 3),
            "fault": self.fault.present(self.cage),
            "marks": self.subject.marks(),
            "trace": self.fault.told(),
            "processes": [f"{roles[process.pid]}: {process}" for process in processes],
        }


def fill(folder: Path) -> int:
    """Write until the disk is full, to the last byte; how many were written."""
    size, piece = 0, 1 << 16
    with (folder / "ballast").open("wb", buffering=0) as file:
        while piece:
            try:
                size += os.write(file.fileno(), b"\0" * piece)
            except OSError:
                piece //= 2
    return size
