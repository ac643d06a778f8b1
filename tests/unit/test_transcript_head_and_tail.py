from __future__ import annotations

from pathlib import Path

import pytest
from transcript_samples import STORY, create, entries, notes, write

from runner.engine.events import NoteWritten
from runner.errors import TranscriptError
from runner.transcript.head_and_tail import head, tail
from runner.transcript.run_folder import TRANSCRIPT as FILE


def test_the_two_ends_of_a_transcript(tmp_path: Path) -> None:
    path = write(tmp_path / "run")

    first = head(path)
    assert first is not None
    assert first.event == STORY[0]
    assert [recorded.event for recorded in tail(path.parent, 2)] == list(STORY[-2:])
    assert tail(path, 0) == []


@pytest.mark.parametrize("n", [1, 3, 400, 3000, 5000, 9000])
def test_the_tail_is_found_however_far_back_it_begins(tmp_path: Path, n: int) -> None:
    path = write(tmp_path / "run", notes(5000))

    assert [recorded.seq for recorded in tail(path, n)] == list(range(max(1, 5001 - n), 5001))


def test_a_line_longer_than_the_window_is_found(tmp_path: Path) -> None:
    long = NoteWritten(text="x" * (3 << 20))
    path = write(tmp_path / "run", [*notes(2), long])

    assert [recorded.event for recorded in tail(path, 1)] == [long]


def test_a_torn_tail_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "run", notes(3))
    with path.open("ab") as file:
        file.write(b'not json\n{"seq":9\n\0\0\0\0{"seq":4')

    assert [recorded.seq for recorded in tail(path, 5)] == [1, 2, 3]


def test_a_run_that_died_before_its_first_line_has_neither_head_nor_tail(tmp_path: Path) -> None:
    writer = create(tmp_path / "run")
    writer.close()

    assert head(tmp_path / "run") is None
    assert tail(tmp_path / "run", 3) == []
    (tmp_path / "run" / FILE).write_bytes(b'{"seq":1,')
    assert head(tmp_path / "run") is None


def test_damage_and_absence_are_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(TranscriptError, match="cannot be read"):
        head(tmp_path)
    with pytest.raises(TranscriptError, match="cannot be read"):
        tail(tmp_path, 1)
    path = write(tmp_path / "run", notes(2))
    path.write_bytes(path.read_bytes().replace(b'"text":"note', b'"words":"note'))
    with pytest.raises(TranscriptError, match=r"jsonl:1: damaged: `note-written` without `text`"):
        head(path)
    with pytest.raises(TranscriptError, match="damaged near its end"):
        tail(path, 1)


def test_reading_back_after_other_entries_of_the_same_append(tmp_path: Path) -> None:
    writer = create(tmp_path / "run")
    writer.append(*entries(notes(3)))
    writer.append(*entries(STORY))

    assert [recorded.event for recorded in tail(tmp_path / "run", len(STORY))] == list(STORY)
