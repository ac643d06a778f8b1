"""Runs one experiment's hypothesis and method, never its rollbacks: `python -m runner.actuators.shims.chaos FD [PREFORKED]`.

PREFORKED, three words, is what a rollback's process is left behind with; see `preforked`. FD is one end of a private socket. Parent to child, one JSON object a line:

    {"do": "load", "experiment": {…}, "origin": ns, "env": {…}, "secrets": […], "journal": path, "hold": bool,
     "cwd": path or "", "settings": {…}, "control_deadline": s}
    {"do": "arm"}   {"do": "inject"}   {"do": "go"} or {"do": "refuse", "why": …}   {"do": "release"}

Child to parent, `kind`: hello, loaded, configured, hypothesis, armed, learned, asking, activity-started, activity-ended,
control-broke, method-ended, ended, failed, and a beat every 200 ms. The process is started before the experiment is known,
so that importing the toolkit
costs nobody time.
"""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from runner.actuators.journal import write_journal
from runner.actuators.processes import Origin, adopt_orphans, fence, has_children
from runner.actuators.shims.controls import BrokenControl, ControlWatch, check_controls
from runner.actuators.shims.gate import Gate
from runner.actuators.shims.prefork import leave_preforked
from runner.actuators.shims.raising import take_raising
from runner.actuators.shims.toolkit import (
    Runner,
    Schedule,
    Strategy,
    cache_activities,
    complete,
    ensure_experiment_is_valid,
    get_controls,
    load_global_controls,
    loaded_settings,
)
from runner.actuators.shims.toolkit_commands import take_commands
from runner.actuators.shims.wire import (
    Message,
    Orders,
    Wire,
    log_to_stderr,
    one_line,
    take_environment,
    take_signals,
    work_in,
)
from runner.actuators.turns import ask_for_short_turns
from runner.clock import SystemClock
from runner.redact import Redaction, Redactor

_FENCE_WITHIN = 0.2
_KINDS = ("load", "arm", "inject", "go", "release")


def main() -> None:
    """One experiment, then the end. Exit code 0 if its end was reported, 70 if the parent was lost."""
    descriptor, *preforked = sys.argv[1:]
    hello: Message = {"kind": "hello"}
    if preforked:
        socket, printing, mark = preforked
        hello["preforked"] = leave_preforked(int(descriptor), int(socket), int(printing), mark)
    take_signals(_leave)
    take_commands()
    take_raising()
    adopt_orphans()
    ask_for_short_turns()
    wire = Wire(int(descriptor))
    orders = Orders(wire, _KINDS)
    wire.send(hello)
    orders.start()
    order = orders.wait("load")
    redaction = Redaction(Redactor(order.get("secrets", ())))
    orders.hide(redaction.learn)
    try:
        _Run(wire, orders, order, redaction).play()
    except SystemExit:
        wire.send({"kind": "failed", "why": "stopped before the experiment could end"})
    except Exception as error:
        wire.send({"kind": "failed", "why": one_line(error, redaction)})


def _leave(_number: int, _frame: Any) -> None:
    raise SystemExit(0)


def _finish(_number: int, _frame: Any) -> None:
    """What remains is to keep the journal; that is quicker than being stopped."""


class _Run:
    """The experiment, from its document to its journal."""

    def __init__(self, wire: Wire, orders: Orders, order: Message, redaction: Redaction) -> None:
        self._wire = wire
        self._orders = orders
        self._experiment: dict[str, Any] = order["experiment"]
        self._settings: dict[str, Any] = order.get("settings") or {}
        self._clock = SystemClock(order["origin"])
        self._journal = Path(order["journal"])
        self._redaction = redaction
        work_in(order.get("cwd", ""))
        take_environment(order.get("env", {}))
        log_to_stderr(redaction)
        complete(self._experiment, self._settings)
        self._prepare()
        watch = ControlWatch(
            self._tell_broken,
            redaction,
            within=order.get("control_deadline"),
            leaving=lambda: self._gate.stopping,
            end=lambda: self._gate.turn_back(),
        )
        watch.install()
        self._gate = Gate(
            wire=wire,
            orders=orders,
            clock=self._clock,
            experiment=self._experiment,
            redaction=redaction,
            journal_path=self._journal,
            hold=bool(order.get("hold")),
            shut=lambda: watch.shut,
        )

    def _prepare(self) -> None:
        """What the toolkit's own command does before it runs an experiment. Raises what is wrong with it."""
        everywhere = ({"name": name, **each} for name, each in (self._settings.get("controls") or {}).items())
        check_controls(chain(everywhere, get_controls(self._experiment)), self._redaction)
        if self._settings:
            loaded_settings.set(self._settings)
        load_global_controls(self._settings)
        ensure_experiment_is_valid(self._experiment)
        self._experiment["dry"] = None
        self._strategy = _strategy(self._experiment, self._settings)
        self._settings.setdefault("runtime", {}).setdefault("rollbacks", {})["strategy"] = "never"

    def _asks(self) -> list[str]:
        """When, from the method's beginning on, the hypothesis will be asked: during, after, both, never."""
        if self._strategy is Strategy.SKIP or not (self._experiment.get("steady-state-hypothesis") or {}).get("probes"):
            return []
        during = self._strategy in (Strategy.DURING_METHOD, Strategy.CONTINUOUS)
        after = self._strategy in (Strategy.AFTER_METHOD, Strategy.DEFAULT, Strategy.CONTINUOUS)
        return [*(["during"] if during else []), *(["after"] if after else [])]

    def _tell_broken(self, control: BrokenControl) -> None:
        said = self._redaction.value(asdict(control))
        self._wire.send({"kind": "control-broke", **said, "t": self._clock.now()})

    def play(self) -> None:
        """Arm, inject, hold, and keep the journal. Raises what the toolkit lets through."""
        with Runner(self._strategy, Schedule()) as runner:
            runner.register_event_handler(self._gate)
            if not self._gate.proven(runner.event_registry):
                raise RuntimeError("the gate before the actions is not in place; nothing was started")
            self._wire.send({"kind": "loaded", "asks": self._asks()})
            self._orders.wait("arm")
            cache_activities(self._experiment)
            journal = self._played(runner)
        ended = {"status": journal["status"], "deviated": bool(journal["deviated"]), "t": self._clock.now()}
        self._wire.send({"kind": "ended", **ended, "journal_kept": self._keep(journal)})

    def _played(self, runner: Any) -> dict[str, Any]:
        try:
            journal: dict[str, Any] = runner.run(self._experiment, self._settings)
        except Exception:
            if self._gate.journal is not None:
                self._keep({**self._gate.journal, "status": "aborted"})
            raise
        return journal

    def _keep(self, journal: dict[str, Any]) -> bool:
        take_signals(_finish)
        try:
            write_journal(self._journal, journal, self._redaction)
        # A full disk must not hide how the experiment ended.
        except OSError as error:
            logging.getLogger("chaostoolkit").warning("the journal is not kept: %s", error)
            return False
        return True


def _strategy(experiment: dict[str, Any], settings: dict[str, Any]) -> Any:
    """When to test the hypothesis: as the experiment says, else as the settings say. Raises ValueError."""
    runtime = experiment.get("runtime") or settings.get("runtime") or {}
    name = (runtime.get("hypothesis") or {}).get("strategy", "default")
    # A spelling the toolkit still accepts.
    name = "continuously" if name == "continously" else name
    try:
        return Strategy.from_string(name)
    except ValueError as error:
        raise ValueError(f"no hypothesis strategy is called {name!r}") from error


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    # While this process lives, every stray is below it; afterwards one that hid well enough is found by nobody.
    if has_children():
        fence(Origin.of(os.getpid()), _FENCE_WITHIN)
    # Threads that an activity left behind must not keep the process.
    os._exit(0)
