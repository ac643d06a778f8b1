"""The rows of the table: in which way each trial is hit, and how long the fault may stay after that."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from scene import Hit, Scene, fill
from subjects import GAMEDAY

from runner.control.client import ask
from runner.errors import InputError

#: Where in a run the moment lies, and how often: before the injection, from the intent on, just after somebody ended
#: the run, while it is being undone.
ANYWHERE: Mapping[str, float] = {"start": 0.15, "fault": 0.5, "end": 0.1, "undo": 0.25}
UNDOING: Mapping[str, float] = {"undo": 1.0}
QUICK, SLOW = (0.0, 0.3), (1.0, 1.4)

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
#: One word of a talkative person, in bytes; and how many such words are more than what a run reserves.
_WORD, _WORDS = 20_000, 80


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One row. `grace` s after the hit the fault must be gone; `peer` is who has this row too, if any."""

    name: str
    title: str
    hit: Callable[[Scene], Hit]
    grace: float = 3.0
    peer: str = "chaos"
    tty: bool = False
    wrapped: bool = False
    small_disk: bool = False
    moments: Mapping[str, float] = field(default_factory=lambda: ANYWHERE)
    undo: tuple[float, float] = QUICK
    #: Done after the hit and before the judgement; a text when something was wrong with it.
    after: Callable[[Scene], str] | None = None


# -- signals -----------------------------------------------------------------------------------------------------------


def _signal(scene: Scene, number: signal.Signals, *, times: int = 1) -> Hit:
    """To the process its user knows in half of the trials, and in the others to any."""
    cast = scene.cast()
    main = scene.subject.main(scene.cage.processes())
    if number is not signal.SIGKILL and main is not None and scene.rng.random() < 0.5:
        role, pid = next((role for role, pids in cast.items() if main in pids), "front"), main
    else:
        role, pid = scene.draw_victim(cast)
    gap = scene.rng.uniform(0.0, 0.5)
    for turn in range(times):
        if turn:
            scene.pause(gap)
        scene.send([pid], number)
    must_end = scene.subject.must_end(role, number)
    return Hit(role=role, what=f"{number.name} × {times} to {role} {pid}", must_end=must_end)


def _any_signal(scene: Scene) -> Hit:
    return _signal(scene, scene.rng.choice(_SIGNALS))


def _freeze(scene: Scene, *wanted: str) -> Hit:
    """One of these roles; without a name any but those that have rows of their own."""
    cast = scene.cast()
    if wanted:
        cast = {role: pids for role, pids in cast.items() if role in wanted}
    else:
        cast = {role: pids for role, pids in cast.items() if role not in ("conductor", "chaos")}
    role, pid = scene.draw_victim(cast)
    scene.send([pid], signal.SIGSTOP)
    must_end = scene.subject.must_end(role, signal.SIGSTOP)
    return Hit(role=role, what=f"SIGSTOP to {role} {pid}", must_end=must_end, frozen=pid)


# -- terminals and parents ---------------------------------------------------------------------------------------------


def _ctrl_c(scene: Scene) -> Hit:
    scene.cage.type(b"\x03")
    return Hit(role="foreground group", what="Ctrl-C")


def _hang_up(scene: Scene) -> Hit:
    scene.cage.hang_up()
    return Hit(role="terminal", what="the terminal closed")


def _kill_parent(scene: Scene) -> Hit:
    processes = scene.cage.processes()
    roles = scene.subject.roles(processes)
    scene.send([pid for pid, role in roles.items() if role == "parent"], signal.SIGKILL)
    return Hit(role="parent", what="SIGKILL to the shell that waited for it")


# -- everything, and the disk ------------------------------------------------------------------------------------------


def _kill_all(scene: Scene) -> Hit:
    scene.cage.kill_all()
    return Hit(role="everything", what="SIGKILL to all at once")


def _recover(scene: Scene) -> str:
    """In half of the trials after what looks like a reboot; the second time there is nothing left to do."""
    scene.until(scene.cage.empty, "all are dead")
    if scene.rng.random() < 0.5:
        _reboot(scene)
    wrong = []
    for turn in range(2):
        code = _gameday(scene, "recover")
        if code:
            wrong.append(f"recover {turn + 1} ended with {code}")
    return "; ".join(wrong)


def _reboot(scene: Scene) -> None:
    other = scene.root / "boot-id"
    other.write_text("00000000-0000-4000-8000-000000000000\n")
    scene.mount("--bind", str(other), "/proc/sys/kernel/random/boot_id")
    scene.note("the boot id is another one now")


def _gameday(scene: Scene, word: str) -> int | None:
    argv = [*GAMEDAY, word]
    code = scene.cage.call(argv, cwd=scene.root, out=scene.root / f"{word}.log", env=scene.subject.env())
    scene.note(f"gameday {word}: {code}")
    return code


def _halt(scene: Scene) -> Hit:
    """Somebody pulls the lever while any of those hang that could answer it, or undo."""
    cast = scene.cast()
    roles = [role for role in ("front", "guardian", "conductor", "chaos") if role in cast and scene.rng.random() < 0.6]
    for role in roles:
        scene.send(cast[role], signal.SIGSTOP)
    code = _gameday(scene, "halt")
    return Hit(role="+".join(roles) or "nobody", what=f"gameday halt, which ended with {code}, frozen: {roles}")


def _thaw(scene: Scene) -> str:
    """Whom the trial froze goes on: nothing may come of it any more."""
    frozen = [process.pid for process in scene.cage.processes() if process.state == "T"]
    scene.send(frozen, signal.SIGCONT)
    return ""


def _fill_disk(scene: Scene) -> Hit:
    """In half of the trials somebody talks until the last byte of what was reserved is used up."""
    size = fill(scene.cage.path(scene.root / "runs"))
    scene.note(f"the disk is full, after {size} bytes")
    if scene.rng.random() < 0.5 and scene.subject.name == "gameday":
        _talk(scene)
    return Hit(role="disk", what="the disk of the run folder is full", must_end=False)


def _talk(scene: Scene) -> None:
    sockets = list((scene.root / "rt").rglob("*.sock"))
    if not sockets:
        return
    said = 0
    for _ in range(_WORDS):
        try:
            answer = ask(sockets[0], {"command": "note", "text": "x" * _WORD, "by": "torture", "role": "facilitator"})
        except InputError:
            break
        said += bool(answer.get("ok"))
        if not answer.get("ok") or "ending" in scene.subject.marks():
            break
    scene.note(f"{said} long words were said")


CELLS: tuple[Cell, ...] = (
    Cell(name="sigint", title="SIGINT", hit=partial(_signal, number=signal.SIGINT)),
    Cell(name="sigterm", title="SIGTERM, once", hit=partial(_signal, number=signal.SIGTERM)),
    Cell(name="sigterm-twice", title="SIGTERM, twice", hit=partial(_signal, number=signal.SIGTERM, times=2)),
    Cell(name="sighup", title="SIGHUP", hit=partial(_signal, number=signal.SIGHUP)),
    Cell(name="sigquit", title="SIGQUIT", hit=partial(_signal, number=signal.SIGQUIT)),
    Cell(name="sigkill", title="SIGKILL of any one process", hit=partial(_signal, number=signal.SIGKILL)),
    Cell(name="ctrl-c", title="Ctrl-C to the foreground group", hit=_ctrl_c, tty=True),
    Cell(name="hang-up", title="terminal closed", hit=_hang_up, tty=True),
    Cell(name="parent", title="parent killed", hit=_kill_parent, wrapped=True),
    Cell(
        name="stop-conductor",
        title="SIGSTOP of the conductor (peer: of `chaos`)",
        hit=lambda scene: _freeze(scene, "conductor" if scene.subject.name == "gameday" else "chaos"),
        grace=5.0,
    ),
    Cell(
        name="stop-chaos",
        title="SIGSTOP of the chaos child",
        hit=lambda scene: _freeze(scene, "chaos"),
        grace=5.0,
        peer="",
        moments={"start": 0.1, "fault": 0.9},
    ),
    Cell(name="stop-other", title="SIGSTOP of any other process", hit=_freeze, grace=5.0, peer=""),
    Cell(name="slow-undo", title="a signal while a slow rollback runs", hit=_any_signal, moments=UNDOING, undo=SLOW),
    Cell(
        name="kill-all",
        title="everything killed at once, then `gameday recover`",
        hit=_kill_all,
        peer="",
        after=_recover,
    ),
    Cell(
        name="halt",
        title="`gameday halt` while any of those hang that could undo",
        hit=_halt,
        peer="",
        after=_thaw,
    ),
    Cell(name="disk-full", title="the run folder's disk full", hit=_fill_disk, small_disk=True),
)
