"""The load of a run: Locust in a child process of its own, and what it reports.

The child (`runner.actuators.shims.load`) is spawned early and waits; `start` gives it the plan. It lives as long as it
hears from us: a beat every 200 ms from the event loop. Without one for 2 s, or when our end of the socket closes, the
child and its workers kill themselves.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from runner.actuators.load_reports import (
    LoadEndedReport,
    LoadFailedReport,
    LoadPlan,
    LoadReport,
    LoadSampledReport,
    LoadSpawnedReport,
    LoadStartedReport,
    RequestWindow,
    UserException,
)
from runner.actuators.processes import MARK, Origin, fence, frozen
from runner.clock import SystemClock
from runner.lazy_dataclass import lazy_dataclass

#: Seconds between two beats.
BEAT = 0.2

#: Seconds a load gets to start: Locust and the locustfile imported, the workers connected.
START_WITHIN = 55.0
#: Seconds without a word after which a load under way is over: it tells a window every half second, empty ones too.
SILENCE = 5.0
#: The same of one that the kernel says is stopped.
_STOPPED = 1.5

#: Seconds between two looks at that.
_LOOK = 0.25
#: Seconds before it is given up in which a load that hangs is asked where it stands.
_WHERE = 1.0
_LINE_LIMIT = 64 * 1024 * 1024
_KILL = 2.0
_KEPT_ENVIRONMENT = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")


@lazy_dataclass(frozen=True, kw_only=True)
class Patience:
    """How long, in seconds, a load may take to start, and be silent once it has."""

    start: float = START_WITHIN
    silence: float = SILENCE


class LoadChild:
    """The child. `attach` and `stop` belong to the event loop; `spawn` works before there is one."""

    def __init__(self, process: subprocess.Popen[bytes], line: socket.socket, mark: str, patience: Patience) -> None:
        self._process = process
        self._line = line
        #: What tells the child and all below it; see `processes.fence`.
        self.origin = Origin.of(process.pid, mark)
        self._patience = patience
        self._started = False
        self._words = 0
        #: Where a load that hangs says it stands; None while it has not answered.
        self._place: str | None = None
        self._silent = 0.0
        self._report: Callable[[LoadReport], None] = lambda _report: None
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._unsent: list[dict[str, Any]] = []
        self._plan: LoadPlan | None = None
        self._told_end = False
        self._stopping = False
        self._gone = asyncio.Event()

    @classmethod
    def spawn(cls, patience: Patience | None = None) -> LoadChild:
        """Start a child that imports Locust and waits. It ends when this process does."""
        ours, theirs = socket.socketpair()
        mark = uuid.uuid4().hex
        environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
        with theirs:
            process = subprocess.Popen(
                # -P: a folder named like one of our packages, where the user stands, must not be imported for it.
                [sys.executable, "-P", "-m", "runner.actuators.shims.load", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**environment, "PYTHONUNBUFFERED": "1", MARK: mark},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        return cls(process, ours, mark, patience or Patience())

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    async def attach(self, report: Callable[[LoadReport], None]) -> None:
        """Begin to renew the child's lease and to pass on, in this event loop, what it reports."""
        self._report = report
        reader, self._writer = await asyncio.open_unix_connection(sock=self._line, limit=_LINE_LIMIT)
        self._tasks = [asyncio.create_task(part) for part in (self._beat(), self._listen(reader), self._watch())]
        for order in self._unsent:
            self._send(order)

    def start(self, plan: LoadPlan) -> None:
        """Send the plan; `LoadStartedReport` or `LoadFailedReport` answers it."""
        self._plan = plan
        self._send(
            {
                "do": "start",
                "locustfiles": [str(path.absolute()) for path in plan.locustfiles],
                "conf": None if plan.conf is None else str(plan.conf.absolute()),
                "host": plan.host,
                "users": plan.users,
                "spawn_rate": plan.spawn_rate,
                "processes": plan.processes,
                "env": dict(plan.env),
                "origin": plan.origin,
                "watch": {request: list(limits) for request, limits in plan.watch.items()},
                "folder": str(plan.folder.absolute()),
                "redact": list(plan.secrets),
                "tags": list(plan.tags) or None,
                "user_classes": list(plan.user_classes) or None,
                "stop_within": plan.stop_within,
            }
        )

    async def stop(self, grace: float = 3.0) -> None:
        """End the load: users stopped, files written, `LoadEndedReport` reported.

        Killed when it takes `grace` seconds longer than its plan lets the users take.
        """
        self._stopping = True
        if self._writer is not None:
            self._send({"do": "stop"})
            with suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), grace + (self._plan.stop_within if self._plan else 0.0))
        await self._kill()
        if self._tasks:
            await self._gone.wait()  # what the child said last is still in the socket
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._close()

    def _send(self, order: dict[str, Any]) -> None:
        if self._writer is None:
            self._unsent.append(order)
        elif not self._writer.is_closing():
            self._writer.write(json.dumps(order).encode() + b"\n")

    async def _beat(self) -> None:
        while True:
            self._send({"do": "beat"})
            await asyncio.sleep(BEAT)

    async def _watch(self) -> None:
        """End a load that does not start, or that falls silent."""
        looks = words = 0
        while not (self._told_end or self._stopping):
            await asyncio.sleep(_LOOK)
            # Counted in looks, not in time: while this process was held up, what the child said lay unread.
            if self._plan is None or (self._started and self._words != words):
                looks, words, self._place = 0, self._words, None
                continue
            looks += 1
            silent = looks * _LOOK
            # The kernel's word that it is stopped needs less patience than silence does.
            stopped = silent >= min(_STOPPED, self._limit) and frozen(self.pid)
            if (stopped or silent >= self._limit) and not self._stopping:
                self._silent = silent
                self._tell(LoadFailedReport(self._unheard(self._plan)))
                await self._kill()
            elif silent >= self._limit - _WHERE:
                self._send({"do": "where"})

    @property
    def _limit(self) -> float:
        return self._patience.silence if self._started else self._patience.start

    def _unheard(self, plan: LoadPlan) -> str:
        place = plan.named(self._place or "") or str(plan.locustfiles[0])
        if not self._started:
            return f"{place}: the load did not start within {self._limit:g} s: its import does not come to an end"
        silent = f"the load reported nothing for {self._silent:g} s"
        if self._place is None:
            return f"{silent}: its process is frozen"
        return f"{place}: {silent}: this call blocks all users at once, for gevent cannot switch away from it"

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with suppress(OSError, ValueError):
            while line := await reader.readline():
                self._heard(json.loads(line))
        await self._kill()
        self._tell(self._sudden_end())
        self._gone.set()

    def _heard(self, message: dict[str, Any]) -> None:
        if message["kind"] == "where":
            self._place = message["at"]
            return
        self._words += 1
        report = _parse(message)
        self._started = self._started or isinstance(report, LoadStartedReport)
        if isinstance(report, LoadFailedReport) and self._plan:
            report = LoadFailedReport(self._plan.named(report.why), report.locustfile)
        if isinstance(report, LoadEndedReport) and self._plan:
            named = [UserException(self._plan.named(e.where), e.what, e.count) for e in report.exceptions]
            report = replace(report, exceptions=tuple(named))
        if report is not None:
            self._tell(report)

    def _tell(self, report: LoadReport) -> None:
        if not self._told_end:
            self._told_end = isinstance(report, LoadEndedReport | LoadFailedReport)
            self._report(report)

    def _sudden_end(self) -> LoadReport:
        how = _how(self._process.returncode)
        if self._plan is None:
            return LoadFailedReport(f"the load process {how} before it was needed")
        if self._stopping:
            return LoadEndedReport(SystemClock(self._plan.origin).now(), f"asked to stop; {how}", 1)
        return LoadFailedReport(f"the load process {how}; see {self._plan.folder / 'load.log'}")

    async def _kill(self) -> None:
        """Nothing that came out of the child is left after this."""
        await asyncio.to_thread(fence, self.origin, _KILL)
        await asyncio.to_thread(self._process.wait)

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        else:
            self._line.close()


def _how(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _parse(message: dict[str, Any]) -> LoadReport | None:
    """The child's message as a value; None for one that is of no interest here."""
    match message["kind"]:
        case "started":
            return LoadStartedReport(message["t"], tuple(message["classes"]))
        case "spawned":
            return LoadSpawnedReport(message["t"], message["users"])
        case "sample":
            requests = {key: _window(counts) for key, counts in message["requests"].items()}
            return LoadSampledReport(message["t0"], message["t1"], message["users"], requests)
        case "ended":
            exceptions = tuple(UserException(*each) for each in message["exceptions"])
            return LoadEndedReport(message["t"], message["why"], message["exit_code"], message["cut"], exceptions)
        case "failed":
            return LoadFailedReport(message["why"], message.get("locustfile", False))
    return None


def _window(counts: Mapping[str, Any]) -> RequestWindow:
    slow = {float(limit): (n, first, last) for limit, (n, first, last) in counts["slow"].items()}
    hist = tuple((milliseconds, n) for milliseconds, n in counts["hist"])
    return RequestWindow(**{**counts, "hist": hist, "slow": slow})
