"""`gameday` and `python -m runner`: the command line, and before it the processes of a run that take long to start."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from pathlib import Path

_HELP = frozenset({"-h", "--help"})


def main() -> NoReturn:
    """Entry point. What a run needs imports while the command line is imported and read."""
    from runner.cli import streams

    streams.ready()
    from runner.conductor.handlers import report

    report.writers.append(_report)
    if sys.argv[1:2] == ["run"] and not _HELP.intersection(sys.argv):
        _leave(_run())
    from runner.cli.main import main as command_line

    _leave(command_line())


def _run() -> int:
    from runner.supervision.launch import begin, cancel

    begin()
    try:
        from runner.cli.main import main as command_line

        return command_line()
    finally:
        cancel()


def _report(folder: Path, root: Path) -> None:
    from runner.views.report import write_report

    write_report(folder, root)


def _leave(code: int) -> NoReturn:
    """End at once: taking the interpreter apart is a twentieth of the time of a run in which nothing happens."""
    with contextlib.suppress(OSError, ValueError):
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
