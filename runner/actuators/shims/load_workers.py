"""The workers of a load on several processes: forked, leased, reporting to their master over a socket of their own.

Locust's own protocol (a port on loopback) spreads the users and carries Locust's statistics. The windows take the
socket, which is also the workers' lifeline:

    master → worker  {"do": "serve", "port"}, {"do": "beat"}, {"do": "bye"}
    worker → master  a share (see `load_windows`), {"failed": why}, {"done": true, "exceptions", "at_start"}
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import gevent
from gevent.event import Event

from runner.actuators.shims.load_exceptions import RaisedException, hear_of_ends
from runner.actuators.shims.load_lifeline import die_with_parent
from runner.actuators.shims.load_locustfile import Unusable, initialise, spawn_failure
from runner.actuators.shims.load_windows import WINDOW, Merger, Recorder, Share
from runner.clock import SystemClock

if TYPE_CHECKING:
    from runner.actuators.shims.load_owner import Owner

LOOPBACK = "127.0.0.1"

_HERE = "master"
_CONNECT = 15.0
_BYE = 2.0
#: Seconds after a boundary at which a window is taken, so that a timer that fires early does not miss it.
_JUST_AFTER = 0.001


class Inbox:
    """An owner's orders, for greenlets to wait for."""

    def __init__(self, owner: Owner) -> None:
        self._orders = owner.orders
        self._come = Event()
        # The one gevent call that another thread may make is this watcher's `send`.
        self._watcher = gevent.get_hub().loop.async_()
        self._watcher.start(self._come.set)
        owner.wake = self._watcher.send

    def get(self, timeout: float | None = None) -> dict[str, Any] | None:
        """The next order; None when none came within `timeout` seconds."""
        while not self._orders:
            self._come.clear()
            if not self._orders and not self._come.wait(timeout):
                return None
        return self._orders.popleft()


def until_next(clock: SystemClock, step: float) -> float:
    """Seconds until the run's clock shows a multiple of `step`."""
    return step - clock.now() % step + _JUST_AFTER


class Workers:
    """The worker processes as their master sees them."""

    def __init__(self, count: int, owner: Owner, environment: Any, recorder: Recorder, clock: SystemClock) -> None:
        self._recorder = recorder
        self._environment = environment
        self._merger = Merger(clock.origin, [_HERE, *range(count)])
        self._failure: str | None = None
        #: What the users of all workers raised, as far as these have finished.
        self.raised = RaisedException(environment.parsed_locustfiles)
        self._sockets: list[socket.socket] = []
        me = os.getpid()
        for _ in range(count):
            ours, theirs = socket.socketpair()
            if gevent.fork() == 0:
                die_with_parent(me)
                _leave_behind(owner, [*self._sockets, ours])
                work(theirs, type(owner), environment, recorder, clock)
            theirs.close()
            self._sockets.append(ours)
        owner.lifeline.relay = [ours.fileno() for ours in self._sockets]

    def connect(self, runner: Any) -> None:
        """Tell the workers the master's port and wait for them. Raises Unusable."""
        self._readers = [gevent.spawn(self._read, index, ours) for index, ours in enumerate(self._sockets)]
        self._order({"do": "serve", "port": runner.server.port})
        with gevent.Timeout(_CONNECT, False):
            while len(runner.clients.ready) < len(self._sockets) and not self._failure and not self.ended():
                gevent.sleep(0.01)
        connected = len(runner.clients.ready)
        if self._failure or connected < len(self._sockets):
            raise Unusable(self._failure or f"{connected} of {len(self._sockets)} workers came up; see load.log")

    def due(self, *, last: bool = False) -> list[Share]:
        """The windows that can be reported now."""
        for share in self._recorder.take(0, unfinished=last):
            self._merger.add(_HERE, share)
        return self._merger.due(all_of_it=last)

    def failure(self) -> str | None:
        return self._failure

    def ended(self) -> bool:
        """True when every worker vanished; those that finished said so."""
        return all(reader.ready() and not reader.value for reader in self._readers)

    def last_words(self, timeout: float) -> bool:
        """Wait until every worker has said all it knows, and let it go. Whether all of them did."""
        gevent.joinall(self._readers, timeout=timeout)
        self._order({"do": "bye"})
        return all(reader.ready() for reader in self._readers)

    def _order(self, order: dict[str, Any]) -> None:
        for ours in self._sockets:
            # A worker that is gone is noticed by its reader.
            with suppress(OSError):
                ours.sendall(json.dumps(order).encode() + b"\n")

    def _read(self, index: int, ours: socket.socket) -> bool:
        """Take in what a worker tells; True when it finished, False when it vanished."""
        finished = False
        # A worker that is killed may be cut off in the middle of a line.
        with suppress(OSError, ValueError):
            for line in ours.makefile("rb"):
                message = json.loads(line)
                if finished := "done" in message:
                    self.raised.take(message["exceptions"], message["at_start"])
                    break
                if "raised" in message:
                    self.raised.take(message["raised"], "")
                elif "failed" in message:
                    self._failure = message["failed"]
                else:
                    self._merger.add(index, message)
        self._merger.drop(index)
        return finished


def _leave_behind(owner: Owner, masters_ends: list[socket.socket]) -> None:
    """Close what a forked worker must not hold open: its siblings would not see their master go."""
    os.close(owner.fd)
    for ours in masters_ends:
        ours.close()


def work(
    line: socket.socket, owner_type: type[Owner], environment: Any, recorder: Recorder, clock: SystemClock
) -> NoReturn:
    """A worker's whole life."""
    master = _lease(line, owner_type)
    try:
        _generate(master, environment, recorder, clock)
    except Unusable as error:
        master.tell({"failed": str(error)})
    except Exception as error:
        master.tell({"failed": f"a worker failed: {type(error).__name__}: {error}; see load.log"})
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _lease(line: socket.socket, owner_type: type[Owner]) -> Owner:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    fd = line.detach()
    os.set_blocking(fd, True)
    master = owner_type(fd, leased=True)
    master.lifeline.start()
    return master


def _generate(master: Owner, environment: Any, recorder: Recorder, clock: SystemClock) -> None:
    inbox = Inbox(master)
    order = inbox.get(_CONNECT)
    if order is None:
        return
    runner = environment.create_worker_runner(LOOPBACK, order["port"])
    recorder.follow(environment)
    raised = RaisedException(environment.parsed_locustfiles)
    raised.follow(environment)
    initialise(environment)
    reporter = gevent.spawn(_report, master, runner, recorder, clock)
    broken_off = Event()
    hear_of_ends(raised, lambda _why: broken_off.set())
    gevent.wait([broken_off, gevent.spawn(runner.greenlet.join)], count=1)
    reporter.kill()
    if broken_off.is_set():
        master.tell({"raised": raised.rows})
        return
    if why := spawn_failure(runner):
        master.tell({"failed": why})
    for share in recorder.take(runner.user_count, unfinished=True):
        master.tell(share)
    environment.events.quitting.fire(environment=environment, reverse=True)
    environment.events.quit.fire(exit_code=0)
    master.tell({"done": True, "exceptions": raised.rows, "at_start": raised.at_start})
    # Locust's last report is still on its way; the master says when it has it.
    inbox.get(_BYE)


def _report(master: Owner, runner: Any, recorder: Recorder, clock: SystemClock) -> None:
    while True:
        gevent.sleep(until_next(clock, WINDOW))
        for share in recorder.take(runner.user_count):
            master.tell(share)
        if why := spawn_failure(runner):
            master.tell({"failed": why})
            return
