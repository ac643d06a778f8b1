"""A trial of the load: who owns it dies or freezes, and a server outside the cage counts what still arrives."""

from __future__ import annotations

import random
import shutil
import signal
import socket
import time
from dataclasses import dataclass

from cage import Cage
from faults import Fault, Shape
from load_target import Target
from outcome import Outcome, Ticket, keep
from scene import Hit, NeverThere, Scene
from subjects import Gameday, Load, Locust

_LOOK = 0.05
_GRACE = 3.0
#: Seconds after the grace in which nothing may arrive.
_WATCH = 1.0
_FLOWING = 20
_USERS = 6
_DEADLY = (signal.SIGKILL, signal.SIGTERM)


@dataclass(frozen=True, kw_only=True)
class LoadCell:
    """One row."""

    name: str
    title: str
    processes: int
    peer: str = "locust"


LOAD_CELLS = (
    LoadCell(name="load", title="load still sent, one Locust process", processes=1),
    LoadCell(name="load-workers", title="load still sent, several Locust processes", processes=2),
)


def play_load(ticket: Ticket) -> Outcome:
    """One whole trial."""
    assert isinstance(ticket.cell, LoadCell)
    rng = random.Random(f"{ticket.seed}:{ticket.name}")
    root = ticket.where / ticket.name
    root.mkdir(mode=0o700)
    fault = Fault(kind="file", root=root, shape=Shape.draw(rng, undo=(0.0, 0.3)))
    outcome = Outcome(cell=ticket.cell.name, subject=ticket.subject, index=ticket.index, kind="load")
    try:
        with Target() as target, Cage() as cage:
            load = Load(url=target.url, users=_USERS, processes=ticket.cell.processes)
            gameday = ticket.subject == "gameday"
            subject = Gameday(fault, cage, load=load) if gameday else Locust(fault, cage, load, _free_port())
            scene = Scene(cage, subject, fault, rng, root)
            try:
                _LoadTrial(ticket.cell, scene, outcome, target).play()
            finally:
                keep(ticket, scene, outcome)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return outcome


class _LoadTrial:
    def __init__(self, cell: LoadCell, scene: Scene, outcome: Outcome, target: Target) -> None:
        self._cell = cell
        self._scene = scene
        self._outcome = outcome
        self._target = target

    def play(self) -> None:
        scene = self._scene
        scene.fault.lay_out()
        scene.subject.lay_out()
        # A peer whose starter goes is what happens in a pipeline; a run has its front for that.
        scene.start(wrapped=scene.subject.name == "locust", tty=False)
        try:
            scene.until(lambda: len(self._target.arrivals) > _FLOWING, "no load")
            scene.pause(scene.rng.uniform(0.0, 2.0))
            scene.picture_note("before the hit")
            self._judge(self._hit())
        except NeverThere as why:
            self._outcome.thrown = f"never there: {why}"

    def _hit(self) -> Hit:
        """Kill or freeze an owner of the load: somebody above what sends it."""
        scene = self._scene
        kill = scene.rng.random() < 0.6
        owners = self._owners(kill)
        role, pid = scene.draw_victim({role: pids for role, pids in self._cast().items() if role in owners})
        number = scene.rng.choice(_DEADLY) if kill else signal.SIGSTOP
        scene.send([pid], number)
        hit = Hit(role=role, what=f"{number.name} to {role} {pid}")
        scene.note(f"hit: {hit.what}")
        self._outcome.role, self._outcome.what, self._outcome.counted = role, hit.what, True
        return hit

    def _cast(self) -> dict[str, list[int]]:
        processes = self._scene.cage.processes()
        cast: dict[str, list[int]] = {}
        for pid, role in sorted(self._scene.subject.roles(processes).items()):
            cast.setdefault(role, []).append(pid)
        return dict(sorted(cast.items()))

    def _owners(self, kill: bool) -> set[str]:
        """What freezes with its own sending is no owner of it."""
        several = {"load"} if self._cell.processes > 1 else set()
        if self._scene.subject.name == "locust":
            return {"parent", *several}
        return {"front", "guardian", "conductor", "load"} if kill else {"conductor", *several}

    def _judge(self, hit: Hit) -> None:
        scene, outcome = self._scene, self._outcome
        self._wait(hit.at + _GRACE)
        scene.picture_note("after the grace")
        if scene.cage.empty():
            return
        self._wait(hit.at + _GRACE + _WATCH)
        late = self._target.came_after(hit.at + _GRACE)
        outcome.left = late > 0
        scene.note(f"{late} requests arrived in the second after the grace")

    def _wait(self, deadline: float) -> None:
        while time.monotonic() < deadline and not self._scene.cage.empty():
            time.sleep(_LOOK)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
