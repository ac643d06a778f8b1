"""The conductor's process: read and check the files, open the run, give it its handlers, play it to its end."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from runner.actuators.spawn import PreforkedRollback, spawn
from runner.control.peer_socket import PeerSocket, say
from runner.errors import ExitCode, GamedayError, InputError
from runner.planning.request import read_request

if TYPE_CHECKING:
    from runner.actuators.chaos import ChaosChild
    from runner.conductor.prepare import PreparedRun

#: Seconds.
_SWITCH = 0.0005


def main(*, request: int, link: PeerSocket, status: int, sandbox_lifeline: int, word: int) -> int:
    """Conduct one run; returns its exit code. Nothing is left, not even a folder, when the input is bad.

    `request` is where what is to be run comes from, `word` where the undo worker will hear the guardian's word.
    """
    spare: ChaosChild | None = None
    try:
        # First of all: it warms up on the other core while this process imports and reads.
        preforked = PreforkedRollback()
        spawned = spawn("chaos", preforked=preforked)
        from runner.actuators.chaos import ChaosChild
        from runner.conductor.prepare import prepare_run

        spare = ChaosChild.of(spawned)
        wanted = read_request(request)
        if wanted is None:
            spare.discard()
            return _close(link, ExitCode.PASSED)
        os.chdir(wanted.cwd)
        opening = prepare_run(wanted)
        # What was typed is read by now. From here on a relative path means what it will mean to `recover`.
        os.chdir(opening.root)
    except (GamedayError, OSError) as failure:
        if spare is not None:
            spare.discard()
        error = failure if isinstance(failure, GamedayError) else InputError.of(failure)
        say(status, {"exit": int(error.exit_code), "lines": str(error).split("\n")})
        return _close(link, error.exit_code)
    undo = _stand_by(opening, word, preforked)
    if not link.send({"run": {**opening.announcement, "secrets": opening.secrets, "undo": undo}}):
        # It takes away what is there of the run, and says so.
        sys.stderr.write("the guardian did not take over the run\n")
        return int(ExitCode.BROKEN)
    say(status, opening.announcement)
    with contextlib.suppress(OSError):
        os.close(status)
    return _play(opening, link, spare, sandbox_lifeline)


def _close(link: PeerSocket, code: ExitCode) -> int:
    """There is nothing to undo, and nothing to tell but the exit code."""
    link.send({"closed": int(code)})
    return int(code)


def _stand_by(opening: PreparedRun, word: int, preforked: PreforkedRollback) -> tuple[int, int] | None:
    """Have the undo worker wait from here on; None where it cannot be: then the guardian starts one."""
    from runner.undo.undo_process import fork_worker

    rollbacks = any(experiment.rollbacks for experiment in opening.plan.experiments)
    try:
        return fork_worker(opening.folder, word, preforked if rollbacks else None)
    except (OSError, ValueError):
        return None
    finally:
        preforked.close()
        os.close(word)


def _play(opening: PreparedRun, link: PeerSocket, spare: ChaosChild, sandbox_lifeline: int) -> int:
    import asyncio

    from runner.actuators.turns import ask_for_short_turns
    from runner.conductor.session import play

    _keep_errors(opening.folder)
    ask_for_short_turns()
    # A thread that has something to stamp shall not wait for long until this one lets it.
    sys.setswitchinterval(_SWITCH)
    # What was imported stays: a collection that looked through it all would hold up a stamp for milliseconds.
    gc.freeze()
    gc.enable()
    return asyncio.run(play(opening, link, spare, sandbox_lifeline))


def _keep_errors(folder: Path) -> None:
    """From here on, what should never happen is written beside the transcript."""
    from runner.transcript.run_folder import CONDUCTOR_LOG

    with contextlib.suppress(OSError):
        log = os.open(folder / CONDUCTOR_LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        sys.stderr.flush()
        os.dup2(log, 2)
        os.close(log)
