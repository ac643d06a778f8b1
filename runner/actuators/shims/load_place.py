"""Where in the locustfile a load stands that hangs: looked at from the lifeline's thread, for nothing else runs then."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any

from gevent.monkey import get_original


class LoadPosition:
    """Made on the main thread, by the greenlet that will import the `locustfiles`."""

    def __init__(self, locustfiles: Iterable[str], importer: Any) -> None:
        self._shown = {os.path.realpath(path): path for path in locustfiles}
        self._importer = importer
        # The one that Python knows: gevent's own names the greenlet.
        self._thread = get_original("_thread", "get_ident")()

    def now(self) -> str:
        """`file:line:column` of the call that does not come back; '' when it is not the locustfile's."""
        # A greenlet that waits is on no stack but its own.
        for frame in (sys._current_frames().get(self._thread), self._importer.gr_frame):
            if found := self._innermost(frame):
                return found
        return ""

    def _innermost(self, frame: FrameType | None) -> str:
        while frame is not None:
            if shown := self._shown.get(os.path.realpath(frame.f_code.co_filename)):
                return f"{shown}:{frame.f_lineno}:{_column(frame)}"
            frame = frame.f_back
        return ""


def _column(frame: FrameType) -> int:
    positions = list(frame.f_code.co_positions())
    *_, column, _ = positions[frame.f_lasti // 2]
    return 0 if column is None else column + 1
