"""The conductor's process: read and check the files, open the run, wire the hands, play it to its end."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner.actuators.spawn import spawn
from runner.conductor.launch import Request
from runner.conductor.links import Link, say
from runner.errors import GamedayError, InputError

if TYPE_CHECKING:
    from runner.actuators.chaos import ChaosChild
    from runner.conductor.opening import Opening


def main(request: Request, *, link: Link, status: int, sandbox_lifeline: int) -> int:
    """Conduct one run; returns its exit code. Nothing is left, not even a folder, when the input is bad."""
    spare: ChaosChild | None = None
    try:
        os.chdir(request.cwd)
        # First of all: it warms up on the other core while this process imports and reads.
        spawned = spawn("chaos")
        from runner.actuators.chaos import ChaosChild

        spare = ChaosChild.of(spawned)
        from runner.conductor.opening import open_run

        opening = open_run(request)
    except (GamedayError, OSError) as failure:
        if spare is not None:
            spare.discard()
        error = failure if isinstance(failure, GamedayError) else InputError.of(failure)
        say(status, {"exit": int(error.exit_code), "lines": str(error).splitlines()})
        link.send({"closed": int(error.exit_code)})
        return int(error.exit_code)
    rollbacks = any(experiment.rollbacks for experiment in opening.plan.experiments)
    link.send({"run": {**opening.announcement, "secrets": opening.secrets, "rollbacks": rollbacks}})
    say(status, opening.announcement)
    with contextlib.suppress(OSError):
        os.close(status)
    return _play(opening, link, spare, sandbox_lifeline)


def _play(opening: Opening, link: Link, spare: ChaosChild, sandbox_lifeline: int) -> int:
    import asyncio

    from runner.conductor.playing import play

    _keep_errors(opening.folder)
    return asyncio.run(play(opening, link, spare, sandbox_lifeline))


def _keep_errors(folder: Path) -> None:
    """From here on, what should never happen is written beside the transcript."""
    with contextlib.suppress(OSError):
        log = os.open(folder / "conductor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        sys.stderr.flush()
        os.dup2(log, 2)
        os.close(log)
