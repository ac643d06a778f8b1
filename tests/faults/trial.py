"""One trial: start it in a cage, wait for a moment drawn by lot, hit it, and look whether the fault is still in."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Callable, Sequence

from cage import Cage, Process
from cells import Cell
from faults import Fault, Shape
from outcome import Outcome, Ticket, keep
from scene import Hit, NeverThere, Scene
from subjects import Chaos, Gameday, Load, Subject

from runner.transcript.reader import verify

_LOOK = 0.05
#: Between two questions about the fault, each of which is a command: one that is back stays.
_SELDOM = 0.25
#: Seconds after the judgement in which a fault must not come back, and everything should have gone.
_LATER = 5.0
_LOADED = 0.3
_NUDGES, _NUDGE = 3, 2.0
_SMALL_DISK = "4m"
#: Seconds that one rollback may take: more than a trial lasts, so that one that was frozen must be woken.
_DEADLINE = 30.0


def play(ticket: Ticket) -> Outcome:
    """One whole trial."""
    assert isinstance(ticket.cell, Cell)
    rng = random.Random(f"{ticket.seed}:{ticket.name}")
    root = ticket.where / ticket.name
    root.mkdir(mode=0o700)
    kind = ("file", "tc")[ticket.index % 2]
    fault = Fault(kind=kind, root=root, shape=Shape.draw(rng, undo=ticket.cell.undo))
    outcome = Outcome(cell=ticket.cell.name, subject=ticket.subject, index=ticket.index, kind=kind)
    try:
        with Cage(net=kind == "tc", tty=ticket.cell.tty) as cage:
            scene = Scene(cage, _subject(ticket, fault, cage, rng), fault, rng, root)
            try:
                _Trial(ticket.cell, scene, outcome).play()
            finally:
                keep(ticket, scene, outcome)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return outcome


def _subject(ticket: Ticket, fault: Fault, cage: Cage, rng: random.Random) -> Subject:
    if ticket.subject == "chaos":
        return Chaos(fault, cage)
    checked = rng.random() < 0.5
    loaded = rng.random() < _LOADED
    load = Load(url=ticket.shop, users=4, processes=rng.choice([1, 2])) if loaded and fault.kind == "file" else None
    return Gameday(fault, cage, checked=checked, deadline=_DEADLINE, load=load)


class _Trial:
    def __init__(self, cell: Cell, scene: Scene, outcome: Outcome) -> None:
        self._cell = cell
        self._scene = scene
        self._outcome = outcome
        self._must_end = True

    def play(self) -> None:
        scene = self._scene
        self._prepare()
        scene.start(wrapped=self._cell.wrapped, tty=self._cell.tty)
        try:
            self._await_moment()
            self._hit()
        except NeverThere as why:
            self._outcome.thrown = f"never there: {why}"
            return
        self._judge()

    def _prepare(self) -> None:
        scene = self._scene
        scene.fault.lay_out()
        scene.subject.lay_out()
        scene.fault.prepare(scene.cage, scene.subject.env())
        if self._cell.small_disk:
            scene.mount("-t", "tmpfs", "-o", f"size={_SMALL_DISK}", "torture", str(scene.root / "runs"))

    def _await_moment(self) -> None:
        scene, shape = self._scene, self._scene.fault.shape
        moments = self._cell.moments
        moment = scene.rng.choices(list(moments), list(moments.values()))[0]
        share = scene.rng.random()
        scene.note(f"moment: {moment}, {share:.3f}; {shape}")
        if moment == "start":
            scene.await_mark("ready")
            scene.pause(share * 0.5)
            return
        scene.await_mark("intent")
        if moment == "fault":
            scene.pause(share * (shape.before + shape.after + 0.6))
            return
        scene.pause(scene.rng.uniform(0, shape.before + shape.after + 0.2))
        if moment == "end":
            self._end()
            scene.pause(share * 0.3)
            return
        self._end_until_undoing()
        scene.pause(share * (shape.undo + 0.1))

    def _end_until_undoing(self) -> None:
        """Once should do; `chaos run` swallows a Ctrl-C that comes while a command of its method runs."""
        for _ in range(_NUDGES):
            self._end()
            deadline = time.monotonic() + _NUDGE
            self._until(lambda: "undoing" in self._scene.subject.marks() or self._scene.cage.empty(), deadline)
            if "undoing" in self._scene.subject.marks():
                break
        self._scene.await_mark("undoing")

    def _end(self) -> None:
        """As a person ends it."""
        scene = self._scene
        main = scene.subject.main(scene.cage.processes())
        if main is not None:
            scene.send([main], signal.SIGCONT)
            scene.send([main], signal.SIGINT)

    def _hit(self) -> None:
        scene, outcome = self._scene, self._outcome
        self._scene.picture_note("before the hit")
        outcome.between = scene.between()
        hit = self._cell.hit(scene)
        scene.note(f"hit: {hit.what}")
        outcome.role, outcome.what = hit.role, hit.what
        self._must_end = hit.must_end
        self._settle(hit)

    def _settle(self, hit: Hit) -> None:
        scene = self._scene
        if self._cell.after is not None:
            if wrong := self._cell.after(scene):
                self._outcome.blemishes.append(wrong)
            return
        self._until(scene.cage.empty, hit.at + self._cell.grace)
        processes = scene.cage.processes()
        # Whoever woke it: a process that works again gives no reason to end.
        self._must_end = hit.must_end and not _awake(hit.frozen, processes)
        if not self._must_end and scene.subject.goes_on(processes):
            # It holds the fault as it should; so it is ended as it should be, and the same is asked again.
            self._outcome.went_on = True
            self._scene.picture_note("it goes on")
            self._end()
            self._until(scene.cage.empty, time.monotonic() + self._cell.grace)

    def _until(self, true: Callable[[], bool], deadline: float) -> None:
        while time.monotonic() < deadline and not true():
            time.sleep(_LOOK)

    # -- judging -------------------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        scene, outcome = self._scene, self._outcome
        outcome.counted = scene.reached()
        if not outcome.counted:
            outcome.thrown = "not injected"
        self._scene.picture_note("judged")
        outcome.left = scene.fault.present(scene.cage)
        self._wake()
        self._look_later()
        if scene.subject.name == "gameday":
            self._tidy()

    def _wake(self) -> None:
        """Whom only the trial froze may go on now, and has to be gone with the others."""
        frozen = [process.pid for process in self._scene.cage.processes() if process.state == "T"]
        if frozen and not self._must_end:
            self._scene.send(frozen, signal.SIGCONT)

    def _look_later(self) -> None:
        """What comes back after the judgement was not gone."""
        scene, outcome = self._scene, self._outcome
        patience = _LATER if scene.subject.name == "gameday" else 1.0
        deadline = time.monotonic() + patience
        while not scene.cage.empty() and time.monotonic() < deadline:
            if scene.fault.present(scene.cage) and not outcome.left:
                outcome.left = True
                outcome.blemishes.append("the fault came back after the judgement")
            time.sleep(_SELDOM)
        outcome.left = outcome.left or scene.fault.present(scene.cage)

    def _tidy(self) -> None:
        """What a run should leave: nothing but a whole story."""
        scene, outcome = self._scene, self._outcome
        subject = scene.subject
        assert isinstance(subject, Gameday)
        if not scene.cage.empty():
            scene.picture_note("not all gone")
            roles = sorted(set(subject.roles(scene.cage.processes()).values()))
            outcome.blemishes.append(f"still running after {_LATER:g} s more: {', '.join(roles)}")
        if list((scene.root / "state" / "gameday" / "open").glob("*.json")) and not outcome.left:
            outcome.blemishes.append("undone, and still recorded as open")
        if subject.folder is None:
            return
        if subject.marks()[-1:] != ["closed"]:
            outcome.blemishes.append("the story has no end")
        problems = [str(problem) for problem in verify(subject.folder)]
        outcome.invalid = bool(problems)
        outcome.blemishes += (f"verify: {problem}" for problem in problems)


def _awake(pid: int, processes: Sequence[Process]) -> bool:
    """Whether this process, which was stopped, lives and is not stopped any more."""
    return any(process.pid == pid and process.state != "T" for process in processes)
