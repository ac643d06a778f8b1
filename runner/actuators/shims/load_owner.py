"""A load process's end of the line to whoever owns it."""

from __future__ import annotations

import json
import os
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
