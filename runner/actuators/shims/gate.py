"""Stands between an experiment and its actions, and tells what happens, as it happens.

It listens to the run's events rather than being one of its controls. The toolkit leaves a control out without a word
when it fails to load, leaves global controls out around the method of any experiment that declares its own, and calls
them before pauses and before an activity's own controls, which may still change it. An event handler is called last of
all, directly before the activity; the exceptions it raises are swallowed, so a gate that fails ends the process.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from copy import deepcopy
from functools import wraps
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar, cast

from runner.actuators.journal import plain, write_journal
from runner.actuators.shims.experiment_changes import ExperimentChanges, after_controls
from runner.actuators.shims.toolkit import Dry, RunEventHandler, substitute
from runner.actuators.shims.wire import (
    UNCONTROLLED,
    Message,
    Orders,
    Wire,
    gist,
    leaves,
    shown,
)
from runner.clock import Clock
from runner.engine.doubt import Accepted, doubt
from runner.redact import Redaction

_STOPPED = 20
#: Seconds until a stop that was swallowed is tried again.
_AGAIN = 0.02
_NOT_IN_METHOD = -1

# What the toolkit substitutes of each provider; the rest it uses as it is written.
_SUBSTITUTED = {"python": ("arguments",), "process": ("arguments",), "http": ("url", "headers", "timeout", "arguments")}

logger = logging.getLogger("chaostoolkit")

_Hook = TypeVar("_Hook", bound=Callable[..., Any])


def _vital(hook: _Hook) -> _Hook:
    @wraps(hook)
    def guarded(*args: Any) -> Any:
        try:
            return hook(*args)
        except Exception as error:
            logger.critical("the gate failed, ending at once: %r", error)
            os._exit(UNCONTROLLED)

    return cast("_Hook", guarded)


class Gate(RunEventHandler):  # type: ignore[misc]  # the toolkit has no types
    """Announces each action with its resolved arguments and lets it through on the parent's word alone.

    `shut` says whether something else that stands before the actions keeps them all out.
    """

    def __init__(
        self,
        *,
        wire: Wire,
        orders: Orders,
        clock: Clock,
        experiment: dict[str, Any],
        redaction: Redaction,
        journal_path: Path,
        hold: bool,
        shut: Callable[[], bool] = lambda: False,
    ) -> None:
        self._wire = wire
        self._orders = orders
        self._clock = clock
        self._redaction = redaction
        self._journal_path = journal_path
        self._hold = hold
        self._experiment = experiment
        # As the parent knows it: the toolkit hands the one that runs to whoever may change it.
        self._given = deepcopy(experiment)
        self._changes: ExperimentChanges | None = None
        self._shut = shut
        self._positions = _positions(experiment)
        self._accepted = Accepted.of(experiment)
        self._configuration: dict[str, Any] = {}
        self._secrets: dict[str, Any] = {}
        self.journal: dict[str, Any] | None = None
        self._method_runs = False
        self._refused = False
        self._stopping = False
        self._stop: SystemExit | None = None
        self._one_question = threading.Lock()
        self._indexing = threading.Lock()
        # A queue, because a signal handler may put into it whatever its thread was doing.
        self._injected: SimpleQueue[None] = SimpleQueue()
        self._hypothesis_thread: int | None = None
        self._open = threading.local()
        self._proof = object()
        self._proven = False

    def proven(self, registry: Any) -> bool:
        """True if an activity started through `registry` really comes past this gate."""
        registry.start_activity(self._proof)
        return self._proven

    # -- what the toolkit calls

    @_vital
    def started(self, _experiment: Any, journal: dict[str, Any]) -> None:
        self.journal = journal

    @_vital
    def running(
        self,
        experiment: dict[str, Any],
        _journal: Any,
        configuration: dict[str, Any],
        secrets: dict[str, Any],
        *_: Any,
    ) -> None:
        self._configuration = configuration
        self._secrets = secrets
        own = list(leaves(secrets))
        self._redaction.learn(own)
        self._hide(own)
        self._wire.send({"kind": "configured", **_lacking(experiment, configuration, secrets)})
        self._changes = ExperimentChanges(
            self._experiment, configuration, secrets, self._redaction, document=self._given
        )
        after_controls(self.look)
        # Not before: the toolkit has just put its own handlers in place, and its SIGTERM lets the method go on.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, self.stop)
        self._take_what_is_swallowed()

    @_vital
    def look(self) -> None:
        """Tell what became of the configuration and of the experiment, if anything did."""
        if self._changes is not None and (news := self._changes.news(self._hide)):
            self._wire.send({"kind": "learned", **news})

    def _hide(self, own: list[str]) -> None:
        self._wire.send({"kind": "hide", "secrets": own})

    @_vital
    def hypothesis_before_completed(self, _experiment: Any, state: dict[str, Any] | None, _journal: Any) -> None:
        self._tell_hypothesis("before", state)

    @_vital
    def start_continuous_hypothesis(self, _frequency: float) -> None:
        self._hypothesis_thread = threading.get_ident()
        # Armed may last minutes, and only what happens from the injection on belongs to "during".
        self._injected.get()

    @_vital
    def continuous_hypothesis_iteration(self, _iteration: int, state: dict[str, Any] | None) -> None:
        self._tell_hypothesis("during", state)

    @_vital
    def hypothesis_after_completed(self, _experiment: Any, state: dict[str, Any] | None, _journal: Any) -> None:
        self._tell_hypothesis("after", state)

    @_vital
    def start_method(self, _experiment: Any) -> None:
        self.look()
        self._wire.send({"kind": "armed", "t": self._clock.now()})
        self._orders.wait("inject")
        self._method_runs = True
        self._injected.put(None)

    @_vital
    def method_completed(self, _experiment: Any, state: Any = None) -> None:
        self._method_runs = False
        self._wire.send({"kind": "method-ended", "t": self._clock.now()})
        went_through = state is not None
        if self._hold and went_through:
            self._orders.wait("release")

    @_vital
    def start_activity(self, activity: Any) -> None:
        if activity is self._proof:
            self._proven = True
            return
        self._open.activity = None
        in_method = self._method_runs and threading.get_ident() != self._hypothesis_thread
        is_action = activity["type"] == "action"
        if not in_method and not is_action:
            return
        index = self._index(activity) if in_method else _NOT_IN_METHOD
        if is_action:
            self._ask(index, activity)
        started = self._clock.now()
        self._open.activity = (index, started)
        self._wire.send({"kind": "activity-started", **_named(index, activity), "t": started})

    @_vital
    def activity_completed(self, activity: Any, run: dict[str, Any]) -> None:
        ended = self._clock.now()
        opened = getattr(self._open, "activity", None)
        self._open.activity = None
        if opened is None:
            return
        index, started = opened
        # A Python activity may have changed it.
        self.look()
        message: Message = {
            "kind": "activity-ended",
            **_named(index, activity),
            "status": run.get("status") or ("interrupted" if self._stopping else "aborted"),
            "output": shown(run.get("output"), self._redaction),
            "t": ended,
            "duration": round(ended - started, 6),
        }
        if reason := gist(run.get("exception") or self._what_passes(), self._redaction):
            message["exception"] = shown(reason, self._redaction)
        if message["status"] == "succeeded" and (why := self._doubt(activity, run)):
            message["doubt"] = shown(why, self._redaction)
        self._wire.send(message)

    def _what_passes(self) -> list[str]:
        """The exception that is on its way through the toolkit, which notes only those that it expects of an activity:
        not that a program is none, nor that a function ends its process.
        """
        error = sys.exc_info()[1]
        return [] if error is None or self._stopping else traceback.format_exception(error)

    def _doubt(self, activity: dict[str, Any], run: dict[str, Any]) -> str:
        """Why an action that the toolkit calls a success may have done nothing."""
        if activity["type"] != "action":
            return ""
        # A control may still make an activity dry directly before it runs.
        if activity.get("dry") in (Dry.ACTIONS, Dry.ACTIVITIES):
            return "was left out: it is dry"
        return doubt(activity["provider"].get("type", ""), run.get("output"), self._accepted)

    # -- stopping

    def stop(self, _number: int, _frame: Any) -> None:
        """The signal handler: keep what is known so far, then end the experiment as interrupted, once."""
        if self._stopping:
            return
        self._stopping = True
        self._keep_interrupted()
        self._injected.put(None)
        self._stop = SystemExit(_STOPPED)
        raise self._stop

    def _take_what_is_swallowed(self) -> None:
        """A signal may come while a finalizer or a callback of the garbage collector runs, which an import has many of.
        Python reports what is raised there and goes on: the stop is raised again a moment later, elsewhere.
        """
        report = sys.unraisablehook

        def hook(unraisable: sys.UnraisableHookArgs) -> None:
            if self._stop is None or unraisable.exc_value is not self._stop:
                report(unraisable)
                return
            self._stop = None
            self._stopping = False
            # From another thread, and later: what is raised in here is swallowed as well.
            threading.Timer(_AGAIN, os.kill, (os.getpid(), signal.SIGUSR1)).start()

        sys.unraisablehook = hook

    def _keep_interrupted(self) -> None:
        """The toolkit waits for a hanging activity before it lets the journal be written; the parent does not."""
        if self.journal is None:
            return
        try:
            snapshot = {**self.journal, "status": "interrupted", "end": self._clock.stamp().at}
            write_journal(self._journal_path, snapshot, self._redaction, durable=False)
        # Another thread may be writing to the journal: without the snapshot the stop must still go on.
        except Exception as error:
            logger.warning("no journal of the interrupted experiment: %r", error)

    # -- the question

    def _ask(self, index: int, activity: dict[str, Any]) -> None:
        with self._one_question:
            if not self._refused and not self._shut():
                self._wire.send(
                    {
                        "kind": "asking",
                        **_named(index, activity),
                        "provider": self._redaction.value(plain(self._resolved(activity["provider"]))),
                        "background": bool(activity.get("background")),
                        "configuration": self._redaction.value(plain(self._configuration)),
                        "t": self._clock.now(),
                    }
                )
                verdict = self._orders.wait("go")
                if verdict["do"] == "go":
                    return
                self._refused = True
                logger.warning("not let through: %s: %s", activity.get("name"), verdict.get("why", ""))
        self.turn_back()

    @property
    def stopping(self) -> bool:
        """Whether the experiment is being ended."""
        return self._stopping

    def turn_back(self) -> None:
        """End the experiment as interrupted, from any thread; does not return."""
        if threading.current_thread() is threading.main_thread():
            self._stopping = True
            self._injected.put(None)
        else:
            # What a background thread raises ends in its own future and the method goes on.
            os.kill(os.getpid(), signal.SIGUSR1)
        raise SystemExit(_STOPPED)

    def _resolved(self, provider: dict[str, Any]) -> dict[str, Any]:
        resolved = dict(provider)
        for key in _SUBSTITUTED.get(provider.get("type", ""), ()):
            # Without anything to put in, the toolkit leaves arguments alone, `$$` included.
            if key in provider and (key != "arguments" or self._configuration or self._secrets):
                resolved[key] = substitute(provider[key], self._configuration, self._secrets)
        return resolved

    def _index(self, activity: dict[str, Any]) -> int:
        with self._indexing:
            positions = self._positions.get(id(activity), [])
            return positions.pop(0) if positions else _NOT_IN_METHOD

    def _tell_hypothesis(self, when: str, state: dict[str, Any] | None) -> None:
        if state is None:
            return
        self._wire.send(
            {
                "kind": "hypothesis",
                "when": when,
                "met": bool(state["steady_state_met"]),
                "probes": [self._probe(run) for run in state["probes"]],
                "t": self._clock.now(),
            }
        )

    def _probe(self, run: dict[str, Any]) -> dict[str, Any]:
        told = {
            "name": run["activity"].get("name", ""),
            "met": bool(run.get("tolerance_met")),
            "value": shown(run.get("output"), self._redaction),
        }
        if reason := gist(run.get("exception"), self._redaction):
            told["error"] = shown(reason, self._redaction)
        return told


def _lacking(experiment: dict[str, Any], configuration: dict[str, Any], secrets: dict[str, Any]) -> Message:
    """What the toolkit goes on without when its source gave nothing: entries that a probe should give, and secrets."""
    groups = (experiment.get("secrets") or {}).items()
    return {
        "configuration": [name for name in experiment.get("configuration") or {} if name not in configuration],
        "secrets": [
            name
            for group, entries in groups
            for name in entries
            if (secrets.get(group) or {}).get(name) in (None, "", {})
        ],
    }


def _named(index: int, activity: dict[str, Any]) -> Message:
    return {"index": index, "name": activity.get("name", ""), "type": activity["type"]}


def _positions(experiment: dict[str, Any]) -> dict[int, list[int]]:
    """Where in the method each activity stands, references followed as the toolkit follows them: by identity."""
    probes = (experiment.get("steady-state-hypothesis") or {}).get("probes", [])
    named = {activity["name"]: activity for activity in [*experiment["method"], *probes] if activity.get("name")}
    positions: dict[int, list[int]] = {}
    for index, entry in enumerate(experiment["method"]):
        activity = named.get(entry["ref"]) if entry.get("ref") else entry
        positions.setdefault(id(activity), []).append(index)
    return positions
