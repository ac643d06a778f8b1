"""Transcripts for the tests: written by the real writer, into a folder of the test's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.clock import SystemClock
from runner.engine.events import Event, NoteWritten, PhaseEntered, ProbesSampled, Recorded, RunStarted, StepStarted
from runner.testing import ManualClock
from runner.transcript.run_folder import TRANSCRIPT as FILE
from runner.transcript.writer import Entry, TranscriptWriter

STORY: tuple[Event, ...] = (
    RunStarted(run="20261120-1740-a1b2", plan={"slug": "outage"}, attended=True),
    PhaseEntered(phase="preflight"),
    StepStarted(step="confirm-impact"),
    ProbesSampled(indicator="storefront answers", shots=((1.0, True, 0.01, ""), (1.2, False, 1.0, "timed out"))),
    NoteWritten(text="naïve → \x1b[31mred\u202e \U0001f525"),
    PhaseEntered(phase="live"),
    PhaseEntered(phase="closed"),
)


def unredacted(value: object) -> object:
    return value


def create(folder: Path, **options: int) -> TranscriptWriter:
    return TranscriptWriter.create(folder, SystemClock(), redact=unredacted, **options)


def reopen(folder: Path, patience: float = 5.0) -> TranscriptWriter:
    return TranscriptWriter.open(folder, SystemClock(), redact=unredacted, patience=patience)


def entries(events: Sequence[Event]) -> list[Entry]:
    return [Entry(event, "conductor") for event in events]


def write(folder: Path, events: Sequence[Event] = STORY) -> Path:
    """A finished transcript of `events`; its path."""
    writer = create(folder)
    writer.append(*entries(events))
    writer.close()
    return folder / FILE


def notes(count: int) -> list[Event]:
    return [NoteWritten(text=f"note {number}") for number in range(1, count + 1)]


def told_at(folder: Path, records: Sequence[Recorded]) -> Path:
    """A transcript of these events, each at its own moment; its folder."""
    clock = ManualClock()
    writer = TranscriptWriter.create(folder, clock, redact=unredacted)
    writer.append(*(Entry(recorded.event, recorded.by, clock.stamp(recorded.t)) for recorded in records))
    writer.close()
    return folder
