"""What a load leaves in the run folder: its log, Locust's CSV files and Locust's HTML report.

All of them are readable by their owner only, and redacted before they are written.
"""

from __future__ import annotations

import csv
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import gevent
from locust import stats
from locust.html import get_html_report

from runner.actuators.shims.load_lifeline import real_thread
from runner.redact import Redactor

_PARTS = ("stats", "stats_history", "failures", "exceptions")
_LONGEST_LINE = 65536
_DRAIN = 0.3


def private_file(path: Path) -> int:
    """A descriptor on an empty file that only its owner may read."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    os.fchmod(fd, 0o600)
    return fd


class LoadLog:
    """This process's output, and that of all it starts, in a file. Raises OSError.

    With secrets to hide it goes through a pipe and a thread of the operating system, line by line.
    """

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self._file = private_file(path)
        self._redactor = redactor
        self._drained = not redactor.secrets
        if self._drained:
            _output_to(self._file)
            return
        source, into = os.pipe()
        _output_to(into)
        real_thread(self._pump, source)

    def close(self) -> None:
        """Write out what is still in the pipe; no output is kept after this."""
        sys.stdout.flush()
        sys.stderr.flush()
        _output_to(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC))
        deadline = time.monotonic() + _DRAIN
        while not self._drained and time.monotonic() < deadline:
            time.sleep(0.005)

    def _pump(self, source: int) -> None:
        rest = b""
        while chunk := os.read(source, _LONGEST_LINE):
            head, newline, rest = (rest + chunk).rpartition(b"\n")
            if len(rest) > _LONGEST_LINE:
                head, newline, rest = head + newline + rest, b"", b""
            self._write(head + newline)
        self._write(rest)
        self._drained = True

    def _write(self, data: bytes) -> None:
        text = self._redactor.text(data.decode("utf-8", "replace"))
        # A full disk: reading on matters more, or the load would block on its own output.
        with suppress(OSError):
            os.write(self._file, text.encode())


def _output_to(fd: int) -> None:
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    os.close(fd)


class Keeper:
    """Writes Locust's statistics all through the run, and for good at its end."""

    def __init__(self, environment: Any, folder: Path, redactor: Redactor) -> None:
        self._environment = environment
        self._folder = folder
        self._redactor = redactor
        for part in _PARTS:
            os.close(private_file(self._csv(part)))
        self._writer = stats.StatsCSVFileWriter(environment, stats.PERCENTILES_TO_REPORT, str(folder / "load"))
        for name in ("requests_csv_writer", "stats_history_csv_writer", "failures_csv_writer", "exceptions_csv_writer"):
            setattr(self._writer, name, _RedactedRows(getattr(self._writer, name), redactor))

    def start(self) -> None:
        self._greenlets = [
            gevent.spawn(self._writer.stats_writer),
            gevent.spawn(stats.stats_history, self._environment.runner),
        ]

    def finish(self) -> None:
        """Write the totals and the report. A file that cannot be written is named in the log."""
        gevent.killall(self._greenlets)
        self._attempt("load_stats_history.csv", self._writer.close_files)
        rows = (self._writer.requests_csv, self._writer.failures_csv, self._writer.exceptions_csv)
        for part, write_rows in zip(("stats", "failures", "exceptions"), rows, strict=True):
            self._attempt(f"load_{part}.csv", partial(self._rewrite, part, write_rows))
        self._attempt("load.html", self._report)

    def _csv(self, part: str) -> Path:
        return self._folder / f"load_{part}.csv"

    def _rewrite(self, part: str, write_rows: Callable[[Any], None]) -> None:
        with os.fdopen(private_file(self._csv(part)), "w", newline="") as file:
            write_rows(_RedactedRows(csv.writer(file), self._redactor))

    def _report(self) -> None:
        html = get_html_report(self._environment, show_download_link=False)
        with os.fdopen(private_file(self._folder / "load.html"), "w") as file:
            file.write(self._redactor.text(html))

    def _attempt(self, name: str, write: Callable[[], None]) -> None:
        try:
            write()
        except Exception:  # Locust's report meets states it does not expect; the run's own record is complete
            logging.getLogger(__name__).exception("%s was not written", name)


class _RedactedRows:
    """A CSV writer without the secrets."""

    def __init__(self, writer: Any, redactor: Redactor) -> None:
        self._writer = writer
        self._redactor = redactor

    def writerow(self, columns: Iterable[Any]) -> None:
        self._writer.writerow([self._redactor.text(cell) if isinstance(cell, str) else cell for cell in columns])
