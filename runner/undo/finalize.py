"""What is left to do when a conductor is dead: fence, write it down, undo, close the transcript.

Imported by the guardian in that moment only; `gameday recover` and the conductor's own last steps share it.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

from runner.clock import SystemClock, resumed_origin
from runner.engine.events import (
    CommandEnded,
    CommandIntended,
    EndDecided,
    Event,
    Fenced,
    PhaseEntered,
    Recorded,
    RunClosed,
    RunStarted,
)
from runner.errors import ExitCode, GamedayError, TranscriptError
from runner.host.boot_id import boot_id
from runner.host.run_registry import Registry, has_begun
from runner.scoring.score import Scorecard, score
from runner.transcript.codec import decode
from runner.transcript.head_and_tail import tail
from runner.transcript.reader import read
from runner.transcript.run_folder import TRANSCRIPT
from runner.transcript.writer import Entry, TranscriptWriter


def run_clock(first: Recorded) -> SystemClock:
    """The clock of the run that `first` (its `run-started`) began."""
    event = first.event
    if not isinstance(event, RunStarted):
        raise TranscriptError("the transcript does not begin with run-started")
    return SystemClock(resumed_origin(first.at, event.origin, same_boot=event.boot_id == boot_id()))


def open_transcript(folder: Path) -> TranscriptWriter:
    """The transcript of a run that somebody else began; what is added here holds no secret."""
    first = next(iter(read(folder / TRANSCRIPT)), None)
    if first is None:
        raise TranscriptError(f"{folder / TRANSCRIPT}: the run died before its first line")
    return TranscriptWriter.open(folder, run_clock(first), redact=lambda value: value)


def sweep(guardian: int) -> None:
    """Take away what runs of this guardian left that were never begun: folder, socket, record."""
    registry = Registry()
    for run in registry.open_runs():
        if run.pid == guardian and run.alive and not has_begun(Path(run.folder)):
            shutil.rmtree(run.folder, ignore_errors=True)
            Path(run.socket).unlink(missing_ok=True)
            registry.forget(run.run)


def record_death(folder: Path, why: str, fenced: tuple[int, ...]) -> None:
    """The guardian's entry: the run ends as broken, and these processes were killed. Nothing here may stop the undo."""
    told = _events(folder)
    if any(isinstance(event, RunClosed) for event in told):
        return
    phases = {event.phase for event in told if isinstance(event, PhaseEntered)}
    events: list[Event] = [EndDecided(cause="broken", reason="conductor", why=why)]
    if "undoing" not in phases:
        events.append(PhaseEntered(phase="undoing"))
    events.append(Fenced(pids=fenced))
    with contextlib.suppress(TranscriptError, OSError):
        writer = open_transcript(folder)
        writer.append(*(Entry(event=event, by="guardian") for event in events))


def closed_with(folder: Path) -> int | None:
    """The exit code that the last line of the transcript names; None when that line is no `run-closed`, or unreadable."""
    with contextlib.suppress(GamedayError):
        # The fault may still be in: of a long transcript nothing but its end is read.
        for last in tail(folder / TRANSCRIPT, 1):
            return last.event.exit_code if isinstance(last.event, RunClosed) else None
    return None


def running_steps(folder: Path) -> set[str] | None:
    """The ids of the steps whose command was about to run and is not known to have ended; None when nothing can be read."""
    running: set[str] = set()
    with contextlib.suppress(OSError), (folder / TRANSCRIPT).open("rb") as lines:
        for line in lines:
            # Thousands of lines may stand there, and the fault is still in: only those that matter are taken apart.
            if b'"command-' in line:
                with contextlib.suppress(ValueError, GamedayError):
                    match decode(line.rstrip(b"\n")).event:
                        case CommandIntended(step=step):
                            running.add(step)
                        case CommandEnded(step=step):
                            running.discard(step)
        return running
    return None


def scorecard(folder: Path) -> Scorecard:
    """What the transcript in `folder` says."""
    return score(read(folder / TRANSCRIPT))


def close(folder: Path) -> int:
    """Write the last chapters of a run whose undo is over; the exit code."""
    if any(isinstance(event, RunClosed) for event in _events(folder)):
        return int(scorecard(folder).exit_code)
    with contextlib.suppress(TranscriptError, OSError):
        writer = open_transcript(folder)
        phases = {event.phase for event in _events(folder) if isinstance(event, PhaseEntered)}
        if "debrief" not in phases:
            writer.append(Entry(event=PhaseEntered(phase="debrief"), by="guardian"))
        card = scorecard(folder)
        writer.append(
            Entry(event=PhaseEntered(phase="closed"), by="guardian"),
            Entry(event=closing(card), by="guardian"),
        )
        return int(card.exit_code)
    return ExitCode.BROKEN


def closing(card: Scorecard) -> RunClosed:
    """The last line of a transcript, from its scorecard."""
    return RunClosed(ending=card.ending, exit_code=int(card.exit_code), headline=card.headline)


def forget(run: dict[str, Any]) -> None:
    """Take the run off the list of open ones, unless a fault of it was left behind."""
    folder = Path(run["folder"])
    with contextlib.suppress(OSError):
        Path(run["socket"]).unlink(missing_ok=True)
    with contextlib.suppress(TranscriptError, OSError, StopIteration):
        if scorecard(folder).exit_code != ExitCode.LEFT_BEHIND:
            Registry().forget(run["run"])


def _events(folder: Path) -> list[Event]:
    with contextlib.suppress(TranscriptError, OSError):
        return [recorded.event for recorded in read(folder / TRANSCRIPT)]
    return []
