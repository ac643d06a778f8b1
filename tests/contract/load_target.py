"""A small HTTP target that counts what reaches it, and a collector of what the load child reports."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Self

from runner.actuators.load import LoadChild, Patience
from runner.actuators.load_reports import LoadEndedReport, LoadFailedReport, LoadPlan, LoadReport, LoadSampledReport
from runner.clock import SystemClock

_REASONS = {200: "OK", 500: "Internal Server Error"}


class Target:
    """Answers every path with 200, `/bad…` with 500, `/slow…` after 150 ms; knows when each request came."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[float, str]] = []
        self.answered: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        serve = asyncio.start_server(self._serve, "127.0.0.1", 0)
        server = asyncio.run_coroutine_threadsafe(serve, self._loop).result(10)
        self.port = server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_error: object) -> None:
        async def end() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def came_after(self, moment: float) -> int:
        """Requests that arrived later than `moment` of `time.monotonic`."""
        return sum(1 for at, _path in self.arrivals if at > moment)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split()[1].decode()
                self.arrivals.append((time.monotonic(), path))
                if path.startswith("/slow"):
                    await asyncio.sleep(0.15)
                status = 500 if path.startswith("/bad") else 200
                writer.write(f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Length: 2\r\n\r\nok".encode())
                self.answered[path] += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class Watcher:
    """Drives one load child and keeps its reports."""

    def __init__(self, home: Path, locustfile: str, *, patience: Patience | None = None, **plan: object) -> None:
        path = home / "locustfile.py"
        path.write_text(locustfile)
        others = tuple(sorted(each for each in home.glob("*.py") if each != path and each.name.startswith("more_")))
        conf = home / "locust.conf"
        self.patience = patience or Patience()
        self.clock = SystemClock()
        self.reports: list[LoadReport] = []
        self.plan = LoadPlan(
            **{
                "locustfiles": (path, *others),
                "conf": conf if conf.exists() else None,
                "host": None,
                "users": 4,
                "spawn_rate": 100,
                "folder": home,
                "origin": self.clock.origin,
                **plan,
            }
        )

    def run(self, until: Callable[[], bool], timeout: float = 30.0) -> list[LoadReport]:
        """Start the load, stop it once `until` is true or it ended by itself, return all reports."""
        return asyncio.run(self._run(until, timeout))

    async def _run(self, until: Callable[[], bool], timeout: float) -> list[LoadReport]:
        self.child = LoadChild.spawn(self.patience)
        try:
            await self.child.attach(self.reports.append)
            self.child.start(self.plan)
            async with asyncio.timeout(timeout):
                while not (self.ended or until()):
                    await asyncio.sleep(0.02)
        finally:
            await self.child.stop()
        return self.reports

    def of(self, kind: type[LoadReport]) -> list[LoadReport]:
        return [report for report in self.reports if isinstance(report, kind)]

    @property
    def ended(self) -> bool:
        return bool(self.of(LoadEndedReport) or self.of(LoadFailedReport))

    @property
    def failure(self) -> str:
        return self.of(LoadFailedReport)[0].why

    @property
    def samples(self) -> list[LoadSampledReport]:
        return self.of(LoadSampledReport)

    def total(self, field: str = "n") -> Counter[str]:
        """A field of the windows, summed by request."""
        sums: Counter[str] = Counter()
        for sample in self.samples:
            for request, window in sample.requests.items():
                sums[request] += getattr(window, field)
        return sums
