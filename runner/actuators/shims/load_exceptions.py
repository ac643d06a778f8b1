"""What users raised outside their requests: which error, how often, and at which line of the locustfile."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import gevent

#: Kinds of exceptions that are reported, the most frequent first; those that are counted; characters of each.
_MOST = 20
_KEPT = 1000
_LONGEST = 300

Row = tuple[str, str, int]


class RaisedException:
    """Counts them in one process, and takes in what others counted. Locust's own table has neither type nor column."""

    def __init__(self, locustfiles: Sequence[str]) -> None:
        self._locustfiles = locustfiles
        self._counts: Counter[tuple[str, str]] = Counter()
        #: The first that came out of a user's `on_start`: that user never began.
        self.at_start = ""

    def follow(self, environment: Any) -> None:
        """Count what the users of this environment raise from here on."""
        environment.events.user_error.add_listener(self._count)

    def take(self, rows: Iterable[Sequence[Any]], at_start: str) -> None:
        """What another process counted."""
        for where, what, count in rows:
            self._counts[str(where), str(what)] += int(count)
        self.at_start = self.at_start or at_start

    @property
    def rows(self) -> list[Row]:
        """Where (file:line:column, '' when it is in no file of the locustfile's), what, how often."""
        return [(*key, count) for key, count in self._counts.most_common(_MOST)]

    def add(self, exception: BaseException) -> None:
        """Count one that no user raised."""
        self._count(exception, exception.__traceback__)

    def told(self, exception: BaseException) -> str:
        """Where and what."""
        return ": ".join(filter(None, self._key(exception, traceback.extract_tb(exception.__traceback__))))

    def _key(self, exception: BaseException, frames: traceback.StackSummary) -> tuple[str, str]:
        what = " ".join(f"{type(exception).__name__}: {exception}".split()).rstrip(":")[:_LONGEST]
        return self._where(frames), what

    def _count(self, exception: BaseException, tb: TracebackType | None, **_others: object) -> None:
        frames = traceback.extract_tb(tb)
        key = self._key(exception, frames)
        if key in self._counts or len(self._counts) < _KEPT:
            self._counts[key] += 1
        if not self.at_start and [frame.name for frame in frames[:2]] == ["run", "on_start"]:
            self.at_start = ": ".join(filter(None, key))

    def _where(self, frames: traceback.StackSummary) -> str:
        """The deepest place in a locustfile, else in a file below its folder, else of all."""
        folders = tuple(f"{Path(path).parent}/" for path in self._locustfiles)
        own = [frame for frame in frames if frame.filename in self._locustfiles]
        beside = [
            frame for frame in frames if frame.filename.startswith(folders) and "/site-packages/" not in frame.filename
        ]
        chosen = own or beside or list(frames)
        if not chosen:
            return ""
        column = chosen[-1].colno
        return f"{chosen[-1].filename}:{chosen[-1].lineno}:{0 if column is None else column + 1}"


def hear_of_ends(raised: RaisedException, end: Callable[[str], object]) -> None:
    """From here on a task that ends its process is counted among what was raised, and `end` is called with a reason.

    gevent would raise it wherever the main greenlet happens to be, for each user again.
    """
    hub = gevent.get_hub()
    otherwise = hub.handle_system_error

    def heard(kind: Any, error: BaseException, tb: Any = None) -> None:
        if not isinstance(error, SystemExit | KeyboardInterrupt):
            otherwise(kind, error, tb)
            return
        raised.add(error)
        end(f"the locustfile ended its own process, with {type(error).__name__}")

    hub.handle_system_error = heard
