"""Runs one rollback of one experiment: `python -m runner.actuators.shims.rollback FD`.

Parent to child, once: {"do": "rollback", "experiment": {…}, "index": n, "configuration": {…}, "withheld": […],
"secrets": {…} or null, "cwd": path or "", "env": {…}, "origin": ns, "redact": […], "controls": bool, "settings": {…},
"runs": […]}. Child to parent: hello, rollback-started, pausing, rollback-ended, failed, beats. Without `controls` none of
the experiment's controls is called.

`configuration` is used as it is: what a probe read before the fault must not be read again after it. A value that was
masked in it, because it held a secret, is read again from its source, unless it is one of the `withheld`: those were
changed while the method ran. Losing the parent does not stop a rollback, and neither do signals: half undone is worse
than late.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
import time
from contextlib import suppress
from copy import deepcopy
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

from runner.actuators.journal import plain
from runner.actuators.processes import start_time
from runner.actuators.shims.controls import BrokenControl, ControlWatch, check_controls
from runner.actuators.shims.experiment_changes import ExperimentChanges
from runner.actuators.shims.toolkit import (
    Control,
    InterruptExecution,
    InvalidControl,
    RunEventHandler,
    Runner,
    Strategy,
    activities,
    cache_activities,
    cleanup_controls,
    cleanup_global_controls,
    complete,
    control_module,
    execute_activity,
    initialize_controls,
    initialize_global_controls,
    load_configuration,
    load_global_controls,
    load_secrets,
    loaded_settings,
)
from runner.actuators.shims.toolkit_commands import take_commands
from runner.actuators.shims.wire import (
    BEAT,
    Message,
    Wire,
    gist,
    leaves,
    log_to_stderr,
    one_line,
    shown,
    take_environment,
    take_signals,
    work_in,
)
from runner.clock import Clock, SystemClock
from runner.engine.doubt import Accepted, doubt
from runner.gist import last_words
from runner.redact import MASK, Redaction, Redactor

#: Seconds without an order after which there is time to import what the order may need.
_IDLE = 1.0
# A rollback that finds nothing to undo has done its work.
_NOTHING_TO_UNDO = Accepted(empty=True)
_PLACEHOLDER = re.compile(r"\$\{?(\w+)")

logger = logging.getLogger("chaostoolkit")


def main() -> None:
    """One rollback, then the end."""
    take_signals(_carry_on)
    take_commands()
    wire = Wire(int(sys.argv[1]))
    wire.send({"kind": "hello", "pid": os.getpid(), "started": start_time(os.getpid())})
    try:
        order = wire.receive(_IDLE) or _received_at_leisure(wire)
    except (EOFError, OSError):
        return
    threading.Thread(target=_beat, args=(wire,), name="beats", daemon=True).start()
    redaction = Redaction(Redactor(order.get("redact", ())))
    try:
        message = _Rollback(wire, order, redaction).play()
    except Exception as error:
        message = {"kind": "failed", "why": one_line(error, redaction)}
    with suppress(OSError):
        wire.send(message)


def _received_at_leisure(wire: Wire) -> Message:
    complete()
    return wire.receive() or {}


def _carry_on(_number: int, _frame: Any) -> None:
    logger.warning("a signal came; the rollback goes on")


def _beat(wire: Wire) -> None:
    pause = threading.Event()
    with suppress(OSError):
        while not pause.wait(BEAT):
            wire.send({"kind": "beat"})


class _RollbackStamps(RunEventHandler):  # type: ignore[misc]  # the toolkit has no types
    """Notes when the rollback itself starts and ends, its pauses left out."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire = wire
        self._clock = clock
        self.started: float | None = None
        self.ended: float | None = None

    def start_activity(self, _activity: Any) -> None:
        self.started = self._clock.now()
        with suppress(OSError):
            self._wire.send({"kind": "rollback-started", "t": self.started})

    def activity_completed(self, _activity: Any, _run: Any) -> None:
        self.ended = self._clock.now()


class _Rollback:
    def __init__(self, wire: Wire, order: Message, redaction: Redaction) -> None:
        work_in(order.get("cwd", ""))
        take_environment(order.get("env", {}))
        self._redaction = redaction
        log_to_stderr(redaction)
        self._experiment: dict[str, Any] = order["experiment"]
        self._settings: dict[str, Any] = order.get("settings") or {}
        self._before: list[Any] = order.get("runs") or []
        if not order.get("controls", True):
            self._experiment, self._settings = _without_controls(self._experiment), {}
        complete(self._experiment, self._settings)
        self._index: int = order["index"]
        self._clock = SystemClock(order["origin"])
        withheld = set(order.get("withheld", ()))
        self._configuration, lacking = _restored(order.get("configuration") or {}, self._experiment, withheld)
        self._secrets, missing = _secrets(order.get("secrets"), self._experiment, self._configuration)
        self._lacking = sorted(lacking | missing | withheld)
        self._wire = wire
        self._hide(list(leaves(self._secrets)))
        self._stamps = _RollbackStamps(wire, self._clock)
        self._runner = Runner(Strategy.SKIP)
        self._runner.register_event_handler(self._stamps)
        self._broken: list[BrokenControl] = []
        # Nothing that a control does keeps an undo from happening.
        ControlWatch(self._broken.append, redaction).install()
        # A pause is no part of the deadline, and only here it can be told from the work.
        activities.time = SimpleNamespace(sleep=self._pause)

    @property
    def _activity(self) -> dict[str, Any]:
        activity: dict[str, Any] = self._experiment["rollbacks"][self._index]
        return activity

    def _hide(self, own: list[str]) -> None:
        self._redaction.learn(own)
        # Without anybody to tell it goes on all the same.
        with suppress(OSError):
            self._wire.send({"kind": "hide", "secrets": own})

    def _pause(self, seconds: float) -> None:
        with suppress(OSError):
            self._wire.send({"kind": "pausing", "seconds": seconds})
        time.sleep(seconds)

    def play(self) -> Message:
        """The message that tells how it went."""
        used = {
            *_PLACEHOLDER.findall(json.dumps(self._activity)),
            *self._activity.get("provider", {}).get("secrets", ()),
        }
        needed = used & set(self._lacking)
        if needed:
            names = ", ".join(sorted(needed))
            raise RuntimeError(f"this rollback needs {names}, which held a secret and cannot be read again")
        self._configure_controls()
        cache_activities(self._experiment)
        changes = ExperimentChanges(self._experiment, self._configuration, self._secrets, self._redaction)
        changes.news(self._hide)
        self._around("begin", at=0, runs=[])
        run = self._played()
        runs = [*self._before, run]
        self._around("end", at=len(self._experiment["rollbacks"]) - 1, runs=runs)
        told = self._told(run)
        # Chaos Toolkit keeps what a control adds to the runs that it is shown.
        told["added"] = self._redaction.value(plain(runs[len(self._before) + 1 :]))
        if learned := changes.news(self._hide):
            told["learned"] = learned
        with suppress(Exception):
            cleanup_controls(self._experiment)
            cleanup_global_controls()
        return told

    def _configure_controls(self) -> None:
        """They are configured in each process, and must not begin again with what they learned in the method."""
        document, configuration = deepcopy(self._experiment), dict(self._configuration)
        self._configure_global_controls()
        initialize_controls(
            self._experiment, self._configuration, self._secrets, event_registry=self._runner.event_registry
        )
        self._experiment.clear()
        self._experiment.update(document)
        for name, value in configuration.items():
            current = self._configuration.get(name)
            # What JSON could not carry here is only what they just made.
            if plain(current) == current:
                self._configuration[name] = value

    def _configure_global_controls(self) -> None:
        """Those of the settings, as far as they can be there."""
        found = {}
        for name, control in (self._settings.get("controls") or {}).items():
            try:
                check_controls([{"name": name, **control}], self._redaction)
                found[name] = control
            except InvalidControl as error:
                why = one_line(error, self._redaction)
                self._broken.append(BrokenControl(control=name, when="configuring", activity="", why=why, stops=False))
        if found:
            loaded_settings.set(self._settings)
            load_global_controls({"controls": found})
            initialize_global_controls(
                self._experiment,
                self._configuration,
                self._secrets,
                self._settings,
                event_registry=self._runner.event_registry,
            )

    def _around(self, edge: str, at: int, runs: list[dict[str, Any]]) -> None:
        """The experiment's own controls around its rollbacks: before the first one, after the last one."""
        if self._index != at:
            return
        control = Control()
        control.with_state(runs)
        try:
            getattr(control, edge)("rollback", self._experiment, self._experiment, self._configuration, self._secrets)
        except InterruptExecution as error:
            logger.warning("a control wanted the rollbacks not to run; they run all the same: %s", error)

    def _played(self) -> dict[str, Any]:
        run = self._executed(self._experiment, self._activity)
        if self._stamps.started is None and run.get("status") != "succeeded":
            logger.warning("the rollback did not start; once more without the experiment's controls")
            bare = _without_controls(self._experiment)
            control_module.reset_global_controls()
            run = self._executed(bare, bare["rollbacks"][self._index])
        return run

    def _executed(self, experiment: dict[str, Any], activity: dict[str, Any]) -> dict[str, Any]:
        runs: list[dict[str, Any]] = []
        try:
            execute_activity(
                experiment,
                activity,
                self._configuration,
                self._secrets,
                None,
                event_registry=self._runner.event_registry,
                runs=runs,
            )
        # A missing binary, or a function that ends its process, raises from within, past the toolkit's own handling of failures.
        except (Exception, SystemExit) as error:
            why = one_line(error, self._redaction)
            logger.error("the rollback failed: %s", why)  # noqa: TRY400  no traceback in a user's log
            run = runs[-1] if runs else {"activity": dict(activity), "output": None}
            return {**run, "status": "failed", "exception": [why]}
        return runs[-1]

    def _told(self, run: dict[str, Any]) -> Message:
        now = self._clock.now()
        started = now if self._stamps.started is None else self._stamps.started
        ended = now if self._stamps.ended is None else self._stamps.ended
        message: Message = {
            "kind": "rollback-ended",
            "status": run["status"],
            "output": shown(run.get("output"), self._redaction),
            "failure": self._failure(run.get("output")),
            "killed": self._was_killed(run.get("output")),
            "t": ended,
            "duration": round(ended - started, 6),
            "lacking": self._lacking,
            "activity": self._redaction.value(plain(run)),
            "broken_controls": [self._redaction.value(asdict(control)) for control in self._broken],
        }
        if reason := gist(run.get("exception"), self._redaction):
            message["exception"] = shown(reason, self._redaction)
        return message

    def _failure(self, output: Any) -> str:
        """Judged here, on the whole output: what is passed on of a long one is cut."""
        why = doubt(self._kind, output, _NOTHING_TO_UNDO)
        said = last_words(self._redaction.text(str(output.get("stderr") or ""))) if isinstance(output, dict) else ""
        return ": ".join(filter(None, [why, said])) if why else ""

    def _was_killed(self, output: Any) -> bool:
        code = output.get("status") if isinstance(output, dict) and self._kind == "process" else None
        return isinstance(code, int) and code < 0

    @property
    def _kind(self) -> str:
        kind: str = self._activity.get("provider", {}).get("type", "")
        return kind


def _without_controls(experiment: dict[str, Any]) -> dict[str, Any]:
    """The same experiment, of which no control is called around a rollback."""
    rollbacks = [{key: value for key, value in each.items() if key != "controls"} for each in experiment["rollbacks"]]
    return {key: value for key, value in experiment.items() if key != "controls"} | {"rollbacks": rollbacks}


def _restored(
    configuration: dict[str, Any], experiment: dict[str, Any], withheld: set[str]
) -> tuple[dict[str, Any], set[str]]:
    """The configuration with its masked values read again where their source is not a probe, and what is lacking."""
    masked = {key for key, value in configuration.items() if MASK in json.dumps(value, ensure_ascii=False)}
    known = {key: value for key, value in configuration.items() if key not in masked}
    declared = experiment.get("configuration") or {}
    lacking = set()
    for key in masked - withheld:
        source = declared.get(key)
        dynamic = isinstance(source, dict) and source.get("type") == "probe"
        try:
            if source is None or dynamic:
                raise LookupError(key)
            known |= load_configuration({key: source})
        except Exception:
            lacking.add(key)
    return known, lacking


def _secrets(given: Any, experiment: dict[str, Any], configuration: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """As given, else read again from their source; one that cannot be read does not keep the others away."""
    if given is not None:
        return given, set()
    found: dict[str, Any] = {}
    lacking = set()
    for group, source in (experiment.get("secrets") or {}).items():
        try:
            found |= load_secrets({group: source}, configuration)
        except Exception:
            lacking |= {group} | set(source if isinstance(source, dict) else ())
    return found, lacking


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)
