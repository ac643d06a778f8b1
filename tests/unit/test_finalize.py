"""What the guardian and `gameday recover` read of a transcript whose conductor is dead."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.clock import SystemClock
from runner.engine.events import Event, NoteWritten, PhaseEntered, RunClosed
from runner.transcript.run_folder import TRANSCRIPT
from runner.transcript.writer import Entry, TranscriptWriter
from runner.undo.finalize import closed_with

_CLOSED = RunClosed(ending="aborted", exit_code=4, headline="aborted: enough")


def _written(folder: Path, *events: Event) -> Path:
    writer = TranscriptWriter.create(folder, SystemClock(), redact=lambda value: value)
    writer.append(*(Entry(event=event, by="conductor") for event in events))
    return folder / TRANSCRIPT


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ((PhaseEntered(phase="closed"), _CLOSED), 4),
        ((NoteWritten(text="x" * 200_000), _CLOSED), 4),
        ((_CLOSED, NoteWritten(text="after")), None),
        ((PhaseEntered(phase="undoing"),), None),
        ((NoteWritten(text='"kind":"run-closed"'),), None),
    ],
)
def test_the_last_line_says_whether_the_run_was_closed(
    events: tuple[Event, ...], code: int | None, tmp_path: Path
) -> None:
    _written(tmp_path, *events)
    assert closed_with(tmp_path) == code


def test_a_line_that_was_torn_off_closes_nothing(tmp_path: Path) -> None:
    path = _written(tmp_path, _CLOSED)
    path.write_bytes(path.read_bytes()[:-9])
    assert closed_with(tmp_path) is None
    path.unlink()
    assert closed_with(tmp_path) is None
