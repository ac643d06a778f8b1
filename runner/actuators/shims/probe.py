"""Answers probes, one after the other or many at once: `python -m runner.actuators.shims.probe FD`.

Parent to child, first {"do": "load", "origin": ns, "env": {…}, "redact": […]}, then any number of {"id": n,
"probe": {"name", "provider", "tolerance"}, "configuration": {…}, "secrets": {…}}; child to parent, for each, {"kind":
"answer", "id": n, "ok": bool, "value": …, "error": text or null, "judged": whether it gave a value, "t": when it was sent, "duration": seconds}. Each
probe has its own thread: one that hangs holds up no other. The process ends with its parent.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from runner.actuators.processes import adopt_orphans
from runner.actuators.shims.toolkit import (
    RunEventHandler,
    Runner,
    Strategy,
    complete,
    execute_activity,
    within_tolerance,
)
from runner.actuators.shims.wire import (
    UNCONTROLLED,
    Message,
    Wire,
    gist,
    leaves,
    log_to_stderr,
    one_line,
    shown,
    take_environment,
    take_signals,
)
from runner.clock import Clock, SystemClock
from runner.redact import Redaction, Redactor


def main() -> None:
    """Serve until the parent is gone."""
    take_signals(_leave)
    adopt_orphans()
    wire = Wire(int(sys.argv[1]))
    wire.send({"kind": "hello"})
    complete()
    order = wire.receive() or {}
    take_environment(order.get("env", {}))
    redaction = Redaction(Redactor(order.get("redact", ())))
    log_to_stderr(redaction)
    prober = _Prober(wire, SystemClock(order["origin"]), redaction)
    while True:
        request = wire.receive() or {}
        if request.get("do") == "hide":
            redaction.learn(request["secrets"])
            continue
        threading.Thread(target=prober.answer, args=(request,), daemon=True).start()


def _leave(_number: int, _frame: Any) -> None:
    os._exit(0)


#: Why a value was not accepted; any other error says that there is none.
_OUTSIDE = "out of tolerance"


class _ProbeStamps(RunEventHandler):  # type: ignore[misc]  # the toolkit has no types
    """Notes when the probe is really called and when it has answered."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.started = self.ended = clock.now()

    def start_activity(self, _activity: Any) -> None:
        self.started = self._clock.now()

    def activity_completed(self, _activity: Any, _run: Any) -> None:
        self.ended = self._clock.now()


class _Prober:
    def __init__(self, wire: Wire, clock: Clock, redaction: Redaction) -> None:
        self._wire = wire
        self._clock = clock
        self._redaction = redaction

    def answer(self, request: Message) -> None:
        """Call the probe and send what came of it; whatever fails is an answer too."""
        stamps = _ProbeStamps(self._clock)
        redactor = self._redaction.known.including(leaves(request.get("secrets")))
        try:
            ok, value, error = _called(request, stamps, redactor)
        except Exception as raised:
            ok, value, error = False, None, one_line(raised, redactor)
        answer = {
            "kind": "answer",
            "id": request["id"],
            "ok": ok,
            "value": shown(value, redactor),
            "error": shown(error, redactor),
            "judged": ok or error is _OUTSIDE,
            "t": stamps.started,
            "duration": round(max(0.0, stamps.ended - stamps.started), 6),
        }
        try:
            self._wire.send(answer)
        except OSError:
            os._exit(UNCONTROLLED)


def _called(request: Message, stamps: _ProbeStamps, redactor: Redactor) -> tuple[bool, Any, str | None]:
    probe = {"type": "probe", "name": "probe", **request["probe"]}
    configuration, secrets = request.get("configuration") or {}, request.get("secrets") or {}
    runner = Runner(Strategy.SKIP)
    runner.register_event_handler(stamps)
    run = execute_activity({}, probe, configuration, secrets, None, event_registry=runner.event_registry)
    value = run.get("output")
    if run["status"] != "succeeded":
        return False, value, gist(run.get("exception"), redactor)
    if "tolerance" not in probe:
        return True, value, None
    met = within_tolerance(probe["tolerance"], value, configuration=configuration, secrets=secrets)
    return bool(met), value, None if met else _OUTSIDE


if __name__ == "__main__":
    try:
        main()
    except (EOFError, OSError, ValueError):
        os._exit(UNCONTROLLED)
