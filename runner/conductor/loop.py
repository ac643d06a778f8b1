"""The conductor: the one place where a command becomes events, events reach the disk, and then things are done.

decide → append → publish → act. Outcomes come back as commands. Nothing acts on an event that is not on disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.actuators.processes import frozen
from runner.clock import Clock, Stamp, suspended_ns
from runner.conductor.context import Handler
from runner.control.peer_socket import BEAT, MOST_LEARNT, PeerSocket
from runner.engine.apply import apply
from runner.engine.command_lookup import spec_of
from runner.engine.commands import Abort, Command, IllegalCommand, Observed, Order, Role, Stop, Tick
from runner.engine.decide import decide
from runner.engine.events import (
    CommandGiven,
    CommandRefused,
    Event,
    Fenced,
    Recorded,
    SuspendSeen,
)
from runner.engine.rules.schedule import next_deadline
from runner.engine.state import State
from runner.errors import TranscriptError
from runner.host.tool_log import note
from runner.transcript.writer import Entry

if TYPE_CHECKING:
    from runner.conductor.ports import TranscriptSink

#: Seconds between two syncs of what was batched.
_SYNC_EVERY = 0.5
#: What changes the state wakes the loop; this is for the deadlines that a suspend brought near.
_LONGEST_SLEEP = 0.5
#: Bytes on the run folder's disk with less than which a run does not go on: step output and journals have no reserve.
_LEAST_ROOM = 1 << 20
_SUSPENDED = 1.0
#: Own beats without one of the guardian's after which it is looked at, and those after which it counts as hung. One that
#: was stopped is told from one that merely gets no processor: that one may take longer where everybody else computes.
_UNHEARD, _HUNG = 5, 15


@dataclass(frozen=True)
class _Waiting:
    order: Order
    stamp: Stamp | None


@dataclass
class Conductor:
    """One run's loop. `handlers` act; `link` leads to the guardian."""

    writer: TranscriptSink
    clock: Clock
    link: PeerSocket
    handlers: list[Handler] = field(default_factory=list)
    state: State = field(default_factory=State.empty)
    #: The guardian's pid; 0 when there is none.
    guardian: int = 0
    #: Takes secrets out of what is written to the log.
    redact: Callable[[str], str] = str
    #: Why the conductor itself cannot go on; set once.
    fatal: str = ""
    _queue: deque[_Waiting] = field(default_factory=deque)
    _draining: bool = False
    _unsynced: bool = False
    _space_told: bool = False
    #: Bytes of what became secret since the run began, as JSON.
    _learnt: int = 0
    #: What was recorded last, for whoever reads the transcript meanwhile.
    recent: deque[Recorded] = field(default_factory=lambda: deque(maxlen=1000))
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    undone: asyncio.Queue[int] = field(default_factory=asyncio.Queue)

    # -- deciding ------------------------------------------------------------------------------------------------------

    def submit(
        self,
        command: Command,
        *,
        by: str = "conductor",
        uid: int = -1,
        role: Role = "system",
        stamp: Stamp | None = None,
    ) -> str | None:
        """Ask something of the run. Returns why not, or None when it was accepted (or waits its turn)."""
        order = Order(command=command, t=stamp.t if stamp else self.clock.now(), by=by, uid=uid, role=role)
        waiting = _Waiting(order, stamp)
        if self._draining:
            self._queue.append(waiting)
            return None
        self._draining = True
        try:
            refusal = self._decide(waiting)
            while self._queue:
                self._decide(self._queue.popleft())
        finally:
            self._draining = False
        self._wake.set()
        return refusal

    def observe(self, event: Event, *, by: str = "conductor", stamp: Stamp | None = None) -> None:
        """This happened, at `stamp` if somebody nearer to it stamped it."""
        self.submit(Observed(event=event), by=by, stamp=stamp)

    def _decide(self, waiting: _Waiting) -> str | None:
        order = waiting.order
        try:
            events = decide(self.state, order)
        except IllegalCommand as why:
            if order.role != "system":
                refused = CommandRefused(
                    command=spec_of(order.command).word, why=str(why), uid=order.uid, role=order.role
                )
                self._record([Entry(event=refused, by=order.by, stamp=None)])
            return str(why)
        if order.role != "system":
            events = (CommandGiven(command=spec_of(order.command).word, uid=order.uid, role=order.role), *events)
        if not events:
            return None
        if order.command.reported:
            self._record([Entry(events[0], order.by, waiting.stamp), *(Entry(e, "conductor") for e in events[1:])])
        else:
            self._record(Entry(event, order.by) for event in events)
        return None

    def _record(self, given: Iterable[Entry]) -> None:
        entries = list(given)
        durable = not all(entry.event.batched for entry in entries)
        written = self._append(entries, durable)
        self._unsynced = not durable
        self._mind_space()
        for recorded in written:
            self.state = apply(self.state, recorded)
        self.recent.extend(written)
        for recorded in written:
            self._act(recorded)

    def _append(self, entries: list[Entry], durable: bool) -> list[Recorded]:
        if not self.fatal:
            try:
                return self.writer.append(*entries, durable=durable)
            except (TranscriptError, OSError) as error:
                self.fatal = f"the transcript cannot be written: {error}"
                note(self.fatal)
                self._queue.append(_Waiting(self._order(Stop(cause="broken", why=self.fatal)), None))
        # The disk no longer takes the transcript, but the run must still be ended and undone; no fault passes the gate now.
        return [self._unwritten(entry) for entry in entries]

    def _mind_space(self) -> None:
        """End while the end can still be told: what was reserved on the disk is all that is left."""
        if self.writer.space_low and not self._space_told:
            self._space_told = True
            why = "the disk is full: nothing but the end of the run fits on it"
            self._queue.append(_Waiting(self._order(Stop(cause="broken", why=why)), None))

    def _mind_room(self) -> None:
        with contextlib.suppress(OSError):
            if not self.state.ending and self.writer.room < _LEAST_ROOM:
                why = f"the run folder fills up: less than {_LEAST_ROOM >> 20} MB is left on its disk"
                self.submit(Stop(cause="stopped", why=why))

    def _unwritten(self, entry: Entry) -> Recorded:
        stamp = entry.stamp or self.clock.stamp()
        return Recorded(seq=self.state.seq + 1, at=stamp.at, t=stamp.t, by=entry.by, event=entry.event)

    def _order(self, command: Command) -> Order:
        return Order(command=command, t=self.clock.now(), by="conductor")

    def _act(self, recorded: Recorded) -> None:
        for handler in self.handlers:
            try:
                handler.act(recorded)
            except Exception as error:
                self.broke(f"{type(handler).__name__} failed on {recorded.event.kind}: {error}", error)

    # -- the loop ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until `finish` is called."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self.link.fileno(), self._on_guardian)
        tasks = [loop.create_task(self._ticks()), loop.create_task(self._syncs())]
        for task in tasks:
            task.add_done_callback(self._stopped_ticking)
        try:
            await self._over.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            loop.remove_reader(self.link.fileno())

    def _stopped_ticking(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.broke(f"the loop broke: {error}", error)
            if self.state.ending:
                self.finish()

    def resume(self, state: State) -> None:
        """Go on from a state that took in what others wrote; what follows from it is due now, not at the next tick."""
        self.state = state
        self._wake.set()

    def finish(self) -> None:
        """Everything is said and done."""
        self._over.set()

    def broke(self, why: str, error: BaseException) -> None:
        """The tool itself failed: end the run as broken, with undo; keep the details for whoever looks."""
        note(self.redact("".join(traceback.format_exception(error))))
        self.submit(Stop(cause="broken", why=why))

    async def beat(self) -> None:
        """Renew the lease, for as long as this process lives: also while the last things are put away."""
        unheard = 0
        while True:
            self.link.send({"beat": 1})
            heard = self._heard
            await asyncio.sleep(BEAT)
            # Counted in beats of one's own, not in time: while this machine slept nobody could be heard.
            unheard = 0 if self._heard != heard else unheard + 1
            if not self.link.closed and (unheard == _HUNG or (unheard >= _UNHEARD and frozen(self.guardian))):
                self._give_up_guardian(unheard * BEAT)

    def _give_up_guardian(self, silent: float) -> None:
        """Frozen, it would neither start the undo nor let its terminal go; dead, it leaves both to others."""
        self.submit(Stop(cause="broken", why=f"the guardian did not answer for {silent:g} s"))
        if self.guardian and os.getppid() == self.guardian:
            os.kill(self.guardian, signal.SIGKILL)

    def leave_guardian(self) -> None:
        """The run is over. A guardian that is frozen now would stay for ever: nobody is left who could notice."""
        if self.guardian and os.getppid() == self.guardian and frozen(self.guardian):
            os.kill(self.guardian, signal.SIGKILL)

    async def _ticks(self) -> None:
        asleep = suspended_ns()
        while True:
            self._wake.clear()
            due = next_deadline(self.state)
            now = self.clock.now()
            wait = _LONGEST_SLEEP if due is None else min(max(due - now, 0.001), _LONGEST_SLEEP)
            # Not wait_for: in Python 3.11 it can lose a cancellation when its future is done at the same time.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            due = next_deadline(self.state)
            if due is not None and due <= self.clock.now():
                self.submit(Tick())
                await asyncio.sleep(0)
            if (slept := (suspended_ns() - asleep) / 1e9) > _SUSPENDED:
                asleep = suspended_ns()
                self.observe(SuspendSeen(seconds=round(slept, 3)))

    async def _syncs(self) -> None:
        while True:
            await asyncio.sleep(_SYNC_EVERY)
            self._mind_room()
            if self._unsynced and not self.fatal:
                self._unsynced = False
                try:
                    self.writer.sync()
                except (TranscriptError, OSError) as error:
                    self.fatal = f"the transcript cannot be written: {error}"
                    self.broke(self.fatal, error)

    def tell_guardian(self, message: dict[str, Any]) -> bool:
        """Send a word up; whether it went out. A guardian that is gone is noticed elsewhere."""
        return self.link.send(message)

    def hide(self, secrets: list[str]) -> None:
        """The undo must write these nowhere either. Where nobody can tell it, there shall be nothing to undo."""
        self._learnt += len(json.dumps(secrets))
        if self._learnt > MOST_LEARNT:
            why = f"the secrets learnt while the run went on take more than {MOST_LEARNT:,} bytes"
        elif self.tell_guardian({"hide": secrets}) or self.link.closed:
            return
        else:
            why = "the guardian does not take in what became secret"
        self.submit(Stop(cause="broken", why=why))

    # -- the guardian --------------------------------------------------------------------------------------------------

    _heard: int = 0

    def _on_guardian(self) -> None:
        for message in self.link.receive():
            self._heard += 1
            match message:
                case {"abort": why}:
                    self.submit(
                        Abort(reason="logistics", why=str(why)), by="terminal", uid=os.getuid(), role="facilitator"
                    )
                case {"undone": code}:
                    self.undone.put_nowait(int(code))
                case {"fenced": pids}:
                    self.observe(Fenced(pids=tuple(pids)), by="guardian")
        if self.link.closed:
            asyncio.get_running_loop().remove_reader(self.link.fileno())
            self.submit(Stop(cause="broken", why="the guardian died"))
