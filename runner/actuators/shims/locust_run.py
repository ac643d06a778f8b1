"""Locust in one process, or as a master with its workers on loopback, reporting in windows.

Importing this module imports Locust, which changes the interpreter: child processes only.
"""

from __future__ import annotations

import locust  # noqa: F401  # isort: skip  (first: it replaces the blocking parts of everything imported after it)

import gc
import logging
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import gevent
from gevent.event import AsyncResult
from locust import log, runners, stats
from locust.event import EventHook

from runner.actuators.shims.load_exceptions import RaisedException, hear_of_ends
from runner.actuators.shims.load_files import Keeper, LoadLog
from runner.actuators.shims.load_locustfile import Unusable, initialise, prepare, spawn_failure
from runner.actuators.shims.load_place import LoadPosition
from runner.actuators.shims.load_windows import WINDOW, Recorder, Share, sample
from runner.actuators.shims.load_workers import LOOPBACK, Inbox, Workers, until_next
from runner.clock import SystemClock
from runner.redact import Redactor

if TYPE_CHECKING:
    from runner.actuators.shims.load_owner import Owner

#: Seconds for the listeners of Locust's `quitting` event, for the workers' last shares.
_QUITTING = 0.8
_LAST_WORDS = 0.3

#: Seconds without any user, once they had come, after which they are not awaited back. A load shape may bring them back.
_DESERTED = 1.0

_EVERYBODY_LEFT = "every user stopped"
_LOCUSTFILE = "the locustfile ended it"
#: States of Locust's runner in which somebody has asked it to end.
_ENDING = (runners.STATE_CLEANUP, runners.STATE_STOPPING, runners.STATE_STOPPED)

#: Seconds between two looks at whether the workers' shares make a window complete.
_LOOK = 0.1

logger = logging.getLogger(__name__)


class Source(Protocol):
    """Where the windows come from: this process, or the workers."""

    def due(self, *, last: bool = False) -> list[Share]: ...
    def failure(self) -> str | None: ...
    def ended(self) -> bool: ...
    def last_words(self, timeout: float) -> bool: ...

    @property
    def raised(self) -> RaisedException: ...


def run(owner: Owner) -> NoReturn:
    """Wait for the order to start, generate load until asked to stop, report, exit."""
    inbox = Inbox(owner)
    order = inbox.get()
    if order is None or order["do"] != "start":
        os._exit(0)
    redactor = Redactor(order.get("redact", ()))
    owner.place = LoadPosition(order["locustfiles"], gevent.getcurrent()).now
    try:
        logs = _settle(order, redactor)
    except Unusable as error:
        owner.tell({"kind": "failed", "why": str(error), "locustfile": error.locustfile})
        os._exit(0)
    try:
        _generate(owner, inbox, order, redactor)
    except Unusable as error:
        owner.tell({"kind": "failed", "why": redactor.text(str(error)), "locustfile": error.locustfile})
    except BaseException as error:  # the owner waits for a last word, whatever happens
        logger.exception("the load failed")
        owner.tell({"kind": "failed", "why": redactor.text(f"{type(error).__name__}: {error}; see load.log")})
    finally:
        logs.close()
        os._exit(0)


def _settle(order: Mapping[str, Any], redactor: Redactor) -> LoadLog:
    folder = Path(order["folder"])
    try:
        logs = LoadLog(folder / "load.log", redactor)
    except OSError as error:
        raise Unusable(f"{folder}: the load's files cannot be written: {error.strerror}") from error
    os.environ.update(order["env"])
    log.setup_logging("INFO")
    runners.WORKER_REPORT_INTERVAL = WINDOW
    return logs


def _generate(owner: Owner, inbox: Inbox, order: Mapping[str, Any], redactor: Redactor) -> None:
    clock = SystemClock(order["origin"])
    recorder = Recorder(clock.origin, order["watch"], stats.bucket_response_time)
    environment = prepare(order)
    source = _source(owner, order["processes"], environment, recorder, clock)
    keeper = Keeper(environment, Path(order["folder"]), redactor)
    load = _Load(owner, inbox, environment, source, keeper, clock, redactor, order["stop_within"])
    load.run(order["users"], order["spawn_rate"])


def _source(owner: Owner, processes: int, environment: Any, recorder: Recorder, clock: SystemClock) -> Source:
    """Make the environment's runner, and whatever processes it needs."""
    if processes <= 1:
        here = _Here(environment.create_local_runner(), recorder, RaisedException(environment.parsed_locustfiles))
        recorder.follow(environment)
        here.raised.follow(environment)
        initialise(environment)
        return here
    gc.collect()
    gc.freeze()  # the workers share these pages with their master
    workers = Workers(processes, owner, environment, recorder, clock)
    master = environment.create_master_runner(LOOPBACK, 0)
    recorder.follow(environment)
    initialise(environment)
    workers.connect(master)
    return workers


class _Here:
    """This process generates the load itself."""

    def __init__(self, runner: Any, recorder: Recorder, raised: RaisedException) -> None:
        self._runner = runner
        self._recorder = recorder
        self.raised = raised

    def due(self, *, last: bool = False) -> list[Share]:
        return self._recorder.take(self._runner.user_count, unfinished=last)

    def failure(self) -> str | None:
        return spawn_failure(self._runner)

    def ended(self) -> bool:
        return False

    def last_words(self, timeout: float) -> bool:  # noqa: ARG002 - as the workers have it
        """There is nobody to wait for."""
        return True


class _Load:
    """A load under way."""

    def __init__(
        self,
        owner: Owner,
        inbox: Inbox,
        environment: Any,
        source: Source,
        keeper: Keeper,
        clock: SystemClock,
        redactor: Redactor,
        stop_within: float,
    ) -> None:
        self._stop_within = stop_within
        self._owner = owner
        self._inbox = inbox
        self._environment = environment
        self._runner = environment.runner
        self._source = source
        self._keeper = keeper
        self._clock = clock
        self._redactor = redactor
        self._end: AsyncResult = AsyncResult()
        self._first = 0
        self._starter: Any = None
        self._shape: Any = None
        self._peopled = False
        self._deserted = 0.0

    def run(self, users: int, spawn_rate: float) -> None:
        """Generate load until an order, Locust or a failure ends it."""
        gevent.signal_handler(signal.SIGTERM, self._end.set, "asked to stop by SIGTERM")
        hear_of_ends(self._source.raised, self._end.set)
        self._environment.events.spawning_complete.add_listener(self._spawned)
        self._keeper.start()
        self._start(users, spawn_rate)
        reporter = gevent.spawn(self._report)
        gevent.spawn(self._heed)
        gevent.spawn(self._locust_ends)
        why = self._end.get()
        logger.info("Stopping: %s", why)
        # A worker's late word that its users are there would set Locust's master going again, to be stopped once more.
        self._environment.events.spawning_complete = EventHook()
        began = self._clock.now()
        stopped = _within(self._stop_within, self._runner.quit)
        left = max(self._stop_within - (self._clock.now() - began), _LAST_WORDS)
        stopped = self._source.last_words(left) and stopped
        reporter.kill()
        self._finish(why, 0.0 if stopped else self._stop_within)

    def _start(self, users: int, spawn_rate: float) -> None:
        now = self._clock.now()
        self._first = int(now // WINDOW)
        classes = [user.__name__ for user in self._environment.user_classes]
        self._owner.tell({"kind": "started", "t": now, "users": self._runner.user_count, "classes": classes})
        if self._environment.shape_class:
            self._runner.start_shape()
            self._shape = self._runner.shape_greenlet
            self._shape.link_exception(lambda shape: self._source.raised.add(shape.exception))
        else:
            self._starter = gevent.spawn(self._runner.start, users, spawn_rate)

    def _spawned(self, user_count: int, **_others: object) -> None:
        self._peopled = self._peopled or user_count > 0
        self._owner.tell({"kind": "spawned", "t": self._clock.now(), "users": user_count})

    def _report(self) -> None:
        step = WINDOW if isinstance(self._source, _Here) else _LOOK
        while True:
            gevent.sleep(until_next(self._clock, step))
            self._tell(self._source.due())
            if self._failure():
                self._end.set("it failed")
            elif self._source.ended():
                self._end.set("every worker process ended")
            elif self._everybody_left(step):
                # A user who ends the load is stopped with the others, perhaps before Locust has come to its own end.
                ended = self._runner.state in _ENDING
                self._end.set(_LOCUSTFILE if ended else _EVERYBODY_LEFT)

    def _everybody_left(self, passed: float) -> bool:
        """Locust itself would wait for ever for users who stopped by themselves."""
        empty = self._peopled and not self._environment.shape_class and self._runner.user_count == 0
        self._deserted = self._deserted + passed if empty else 0.0
        return self._deserted >= _DESERTED

    def _failure(self) -> str | None:
        error = self._starter.exception if self._starter is not None else None
        why = None if error is None else f"the load could not start: {type(error).__name__}: {error}"
        return self._source.failure() or self._shape_failure() or why

    def _shape_failure(self) -> str | None:
        """Of a shape that broke before anybody came: without it nobody will. Later the users who are there stay."""
        error = self._shape.exception if self._shape is not None and not self._peopled else None
        return None if error is None else f"{self._source.raised.told(error)}; its load shape brings no users"

    def _tell(self, shares: list[Share], until: float | None = None) -> None:
        for share in shares:
            # What was counted before the start is reported only if there is something to report.
            if share["k"] >= self._first or share["requests"]:
                self._owner.tell(sample(share, until))

    def _heed(self) -> None:
        self._inbox.get()
        self._end.set("asked to stop")

    def _locust_ends(self) -> None:
        self._runner.greenlet.join()
        self._end.set("the load shape ended" if self._environment.shape_class else _LOCUSTFILE)

    def _finish(self, why: str, cut: float) -> None:
        events = self._environment.events
        stopped = self._clock.now()
        self._tell(self._source.due(last=True), stopped)
        _within(_QUITTING, events.quitting.fire, environment=self._environment, reverse=True)
        self._keeper.finish()
        code = self._exit_code()
        events.quit.fire(exit_code=code)
        # Looked for again: Locust itself ends a load whose first user could not be made.
        if failure := self._failure():
            raise Unusable(failure, locustfile=bool(self._source.failure() or self._shape_failure()))
        raised = self._source.raised
        if why == _EVERYBODY_LEFT and raised.at_start:
            raise Unusable(f"{raised.at_start}; users do not get past their on_start", locustfile=True)
        self._owner.tell(
            {
                "kind": "ended",
                "t": stopped,
                "why": self._redactor.text(why),
                "exit_code": code,
                "cut": cut,
                "exceptions": self._redactor.value(raised.rows),
            }
        )

    def _exit_code(self) -> int:
        """What `locust --headless` would have ended with."""
        if self._environment.process_exit_code is not None:
            return int(self._environment.process_exit_code)
        if self._runner.errors or self._runner.exceptions:
            return 1
        return 2 if log.unhandled_greenlet_exception else 0


def _within(seconds: float, act: Any, *args: Any, **kwargs: Any) -> bool:
    """Run Locust's or the user's code, but no longer than `seconds`: what hangs is left behind. Whether it ended."""
    return bool(gevent.joinall([gevent.spawn(act, *args, **kwargs)], timeout=seconds))
