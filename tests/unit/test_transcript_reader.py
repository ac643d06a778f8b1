from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transcript_samples import STORY, create, entries, notes, reopen, write

from runner.engine.events import NoteWritten, TailTorn
from runner.errors import ExitCode, TranscriptError, UnreadableTranscript
from runner.history.summary import why_unreadable
from runner.transcript.reader import Follower, read, read_run, verify
from runner.transcript.run_folder import TRANSCRIPT as FILE

# tmp_path is shared by a test's examples; each example rewrites what it reads.
REWRITING = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


# -- a transcript that lacks its beginning ----------------------------------------------------------------------------------

_TORN = r"nothing of this run can be read: its first line was cut off after \d+ bytes"


@pytest.mark.parametrize(
    ("kept", "says"),
    [
        (lambda lines: b"", "nothing of this run can be read: the file is empty"),
        (lambda lines: lines[0][:1], _TORN),
        (lambda lines: lines[0][:60], _TORN),
        (lambda lines: lines[0][:-1], _TORN),
        (lambda lines: bytes(4096), _TORN),
        (lambda lines: lines[0][:60] + b"\n" + b"".join(lines[1:]), ":1: damaged"),
        (
            lambda lines: b"".join(lines[1:]),
            "this run cannot be read: it begins with .* which run it was is gone",
        ),
    ],
)
def test_a_transcript_without_its_first_line_says_so(
    kept: Callable[[list[bytes]], bytes], says: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "run")
    path.write_bytes(kept(lines_of(path)))

    with pytest.raises(UnreadableTranscript, match=says) as caught:
        list(read_run(path))
    assert caught.value.exit_code == ExitCode.BAD_INPUT
    assert re.search(says, why_unreadable(path.parent))
    assert verify(path) != [] or not path.stat().st_size


def test_a_transcript_with_its_first_line_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write(tmp_path / "run")
    path.write_bytes(path.read_bytes()[:-10])

    assert list(read_run(path)) == list(read(path))
    assert why_unreadable(path.parent) == ""


# -- reading -----------------------------------------------------------------------------------------------------------


def test_a_transcript_reads_as_it_was_written_by_file_or_by_folder(tmp_path: Path) -> None:
    path = write(tmp_path / "run")

    assert [recorded.event for recorded in read(path)] == list(STORY)
    assert [recorded.seq for recorded in read(path.parent)] == list(range(1, len(STORY) + 1))


def test_a_transcript_longer_than_every_buffer_reads_whole(tmp_path: Path) -> None:
    events = notes(20_000)
    path = write(tmp_path / "run", events)

    assert path.stat().st_size > 3 << 20
    assert [recorded.event for recorded in read(path)] == events
    assert [recorded.event for recorded in Follower(path).poll()] == events
    assert verify(path) == []


def test_a_transcript_cut_at_every_byte_opens_goes_on_and_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = write(tmp_path / "run").read_bytes()
    for slow in ("fsync", "fdatasync"):
        monkeypatch.setattr(f"os.{slow}", lambda fd: None)
    for cut in range(len(whole)):
        folder = tmp_path / str(cut)
        folder.mkdir()
        path = folder / FILE
        path.write_bytes(whole[:cut])
        complete = whole[:cut].count(b"\n")
        torn = cut - (whole[:cut].rfind(b"\n") + 1)

        assert [recorded.event for recorded in read(path)] == list(STORY[:complete])
        assert bool(verify(path)) == bool(torn)

        writer = reopen(folder)
        writer.append(*entries([NoteWritten(text="on we go")]))
        writer.close()
        mended = [TailTorn(file="transcript.torn-1", bytes=torn)] if torn else []
        assert [recorded.event for recorded in read(path)] == [
            *STORY[:complete],
            *mended,
            NoteWritten(text="on we go"),
        ]
        assert verify(path) == []
        if torn:
            assert (folder / "transcript.torn-1").read_bytes() == whole[cut - torn : cut]


@pytest.mark.parametrize("damage", [b"", b"{}", b"{", b"\xff", b'{"seq":3}', b"null"])
def test_damage_in_the_middle_is_named_by_line_and_what_came_before_is_read(tmp_path: Path, damage: bytes) -> None:
    path = write(tmp_path / "run")
    lines = lines_of(path)
    path.write_bytes(b"".join([*lines[:2], damage + b"\n", *lines[3:]]))
    found = []

    with pytest.raises(TranscriptError, match=r"transcript\.jsonl:3: damaged"):
        found.extend(recorded.seq for recorded in read(path))
    follower = Follower(path)

    assert len(follower.poll()) == 2
    with pytest.raises(TranscriptError, match=r"transcript\.jsonl:3: damaged") as caught:
        follower.poll()
    assert caught.value.exit_code == ExitCode.BROKEN
    assert 3 in {problem.line for problem in verify(path)}


def test_blocks_that_a_power_cut_left_empty_end_the_sound_part(tmp_path: Path) -> None:
    path = write(tmp_path / "run")
    lines = lines_of(path)
    path.write_bytes(b"".join([*lines[:3], b"\0" * len(lines[3]), *lines[4:]]))

    assert [recorded.event for recorded in read(path)] == list(STORY[:3])


def test_a_missing_transcript_is_one_clear_line(tmp_path: Path) -> None:
    for reading in (lambda: list(read(tmp_path)), lambda: verify(tmp_path)):
        with pytest.raises(TranscriptError, match=r"transcript\.jsonl: cannot be read: No such file"):
            reading()


def test_another_kind_of_file_is_not_taken_for_an_empty_transcript(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text("root:x:0:0\ndaemon:x:1:1\n")

    with pytest.raises(TranscriptError, match="not a transcript"):
        list(read(path))
    with pytest.raises(TranscriptError, match="not a transcript"):
        reopen(tmp_path).append(*entries(notes(1)))
    assert path.read_text() == "root:x:0:0\ndaemon:x:1:1\n"


# -- following ---------------------------------------------------------------------------------------------------------


def test_a_follower_sees_each_event_once_from_before_the_file_exists(tmp_path: Path) -> None:
    follower = Follower(tmp_path / "run")
    assert follower.poll() == []
    writer = create(tmp_path / "run")
    assert follower.poll() == []
    seen = []
    for event in notes(5):
        written = writer.append(*entries([event]))
        polled = follower.poll()
        assert polled == written
        seen += polled
        assert follower.poll() == []

    assert [recorded.seq for recorded in seen] == [1, 2, 3, 4, 5]


def test_a_follower_takes_a_line_only_when_it_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "run", notes(2))
    whole = path.read_bytes()
    seen: list[int] = []
    path.write_bytes(b"")
    follower = Follower(path)
    for byte in whole:
        with path.open("ab") as file:
            file.write(bytes([byte]))
        seen += [recorded.seq for recorded in follower.poll()]
        assert len(seen) == path.read_bytes().count(b"\n")

    assert seen == [1, 2]


def test_a_follower_survives_a_torn_tail_and_its_moving_aside(tmp_path: Path) -> None:
    path = write(tmp_path / "run", notes(2))
    follower = Follower(path)
    assert len(follower.poll()) == 2
    with path.open("ab") as file:
        file.write(b'{"seq":3,"at":"2026-11-20T17:40' + b"x" * 500)
    assert follower.poll() == []
    reopen(path.parent).append(*entries(notes(1)))

    assert [recorded.event for recorded in follower.poll()] == [
        TailTorn(file="transcript.torn-1", bytes=531),
        NoteWritten(text="note 1"),
    ]


def test_a_backlog_can_be_taken_in_pieces(tmp_path: Path) -> None:
    path = write(tmp_path / "run", notes(5000))
    follower = Follower(path)
    pieces = []
    while piece := follower.poll(at_most=500):
        pieces.append(piece)

    assert [recorded.seq for piece in pieces for recorded in piece] == list(range(1, 5001))
    assert len(pieces) > 4


def test_a_follower_says_when_lines_have_gone(tmp_path: Path) -> None:
    path = write(tmp_path / "run", notes(3))
    follower = Follower(path)
    follower.poll()
    path.write_bytes(lines_of(path)[0])

    with pytest.raises(TranscriptError, match="gone"):
        follower.poll()


def test_nothing_new_costs_one_stat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    follower = Follower(write(tmp_path / "run"))
    follower.poll()
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("the file was opened"))

    assert follower.poll() == []


# -- verifying ---------------------------------------------------------------------------------------------------------


def named(path: Path, number: int) -> bool:
    return any(problem.line == number or f"line {number}" in problem.what for problem in verify(path))


@REWRITING
@given(st.data())
def test_an_edited_line_is_named(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "run" / FILE
    if not path.exists():
        write(path.parent, notes(12))
        path.with_name("original").write_bytes(path.read_bytes())
    lines = path.with_name("original").read_bytes().splitlines(keepends=True)
    number = data.draw(st.integers(1, len(lines) - 1))
    line = bytearray(lines[number - 1])
    place = data.draw(st.integers(0, len(line) - 2))
    line[place] = data.draw(st.sampled_from([b for b in range(0x20, 0x7F) if b != line[place]]))
    path.write_bytes(b"".join([*lines[: number - 1], bytes(line), *lines[number:]]))

    assert named(path, number)


def test_one_edit_in_the_middle_blames_that_line_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "run", notes(6))
    path.write_bytes(path.read_bytes().replace(b"note 3", b"note 9"))

    assert [problem.line for problem in verify(path)] == [3]


def test_a_dropped_line_is_named_by_the_one_that_took_its_place(tmp_path: Path) -> None:
    path = write(tmp_path / "run", notes(6))
    lines = lines_of(path)
    for number in range(1, 6):
        path.write_bytes(b"".join([*lines[: number - 1], *lines[number:]]))
        assert [(problem.line, problem.what) for problem in verify(path)] == [
            (number, f"not in sequence: number {number} should come before it")
        ]


def test_swapped_lines_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "run", notes(6))
    lines = lines_of(path)
    lines[2], lines[3] = lines[3], lines[2]
    path.write_bytes(b"".join(lines))

    assert [problem.line for problem in verify(path)] == [3, 4]


def test_a_line_added_by_another_hand_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "run", notes(3))
    forged = lines_of(path)[-1].replace(b'"seq":3', b'"seq":4')
    with path.open("ab") as file:
        file.write(forged)

    assert [problem.line for problem in verify(path)] == [4]


def test_a_line_said_twice_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "run", notes(3))
    with path.open("ab") as file:
        file.write(lines_of(path)[-1])

    assert [problem.line for problem in verify(path)] == [4]


def test_a_first_line_that_was_not_the_first_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "run", notes(3))
    path.write_bytes(path.read_bytes().replace(b"0" * 32, b"1" * 32, 1))

    assert 1 in {problem.line for problem in verify(path)}


def test_a_shuffled_transcript_is_not_told_line_by_line(tmp_path: Path) -> None:
    path = write(tmp_path / "run", notes(500))
    lines = lines_of(path)
    random.Random(1).shuffle(lines)
    path.write_bytes(b"".join(lines))

    problems = verify(path)

    assert 10 < len(problems) < 60
    assert "perhaps more" in problems[-1].what
