"""The load child: `python -m runner.actuators.shims.load FD`, Locust behind a socket.

FD is one end of a unix stream socket; JSON objects, one a line, go both ways. Times are seconds of the run's clock.

    owner → child   {"do": "start", "locustfiles", "conf", "host", "users", "spawn_rate", "processes", "env", "origin", "watch",
                     "folder", "redact"}, {"do": "beat"}, {"do": "where"}, {"do": "stop"}
    child → owner   {"kind": "ready"}
                    {"kind": "started", "t", "users", "classes"}
                    {"kind": "sample", "t0", "t1", "users", "requests"}     every 0.5 s, silent ones too
                    {"kind": "spawned", "t", "users"}
                    {"kind": "where", "at"}     at once, also when the load hangs: file:line:column, or ""
                    {"kind": "ended", "t", "why", "exit_code", "cut", "exceptions"}, or
                    {"kind": "failed", "why", "locustfile"}, once, last

The child is spawned early, imports Locust and waits. It ends with its owner; see `load_lifeline`.
"""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from runner.actuators.shims.load_lifeline import Lifeline


class Owner:
    """The line to whoever owns this process: orders come in by the lifeline's thread, reports go out."""

    def __init__(self, fd: int, *, leased: bool = False) -> None:
        self.fd = fd
        self.orders: deque[dict[str, Any]] = deque()
        #: Called, in the lifeline's thread, when an order has come.
        self.wake: Callable[[], None] = lambda: None
        #: Where the load stands, asked in the lifeline's thread.
        self.place: Callable[[], str] = lambda: ""
        self.lifeline = Lifeline(fd, self._obey, leased=leased)

    def tell(self, report: Mapping[str, Any]) -> None:
        """Send one report; an owner that is gone is the lifeline's business."""
        data = json.dumps(report, separators=(",", ":")).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self.fd, data) :]
        except OSError:
            pass

    def _obey(self, order: dict[str, Any]) -> None:
        if order["do"] == "where":
            self.tell({"kind": "where", "at": self.place()})
            return
        self.orders.append(order)
        self.wake()


def main() -> None:
    """Run the child; never returns."""
    fd = int(sys.argv[1])
    os.set_inheritable(fd, False)
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)  # the lifeline kills a group: it must be ours alone
    owner = Owner(fd)
    owner.lifeline.start()
    try:
        # Importing Locust changes the interpreter and takes 0.4 s: the lifeline has to be there before.
        from runner.actuators.shims import load_run
    except ImportError as error:
        owner.tell({"kind": "failed", "why": f"Locust cannot be imported: {error}; reinstall gameday-runner"})
        os._exit(1)
    owner.tell({"kind": "ready"})
    load_run.run(owner)


if __name__ == "__main__":
    main()
