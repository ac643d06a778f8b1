"""Reading transcripts: all of one, what is new in one, and whether one is as it was written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from runner.engine.events import Recorded, RunStarted
from runner.errors import Problem, TranscriptError, UnreadableTranscript
from runner.transcript.codec import FIRST_PREV, LineError, decode, decode_all, line_hash, transcript_file
from runner.transcript.head_and_tail import sound_tail

# Bytes of lines decoded together: fast enough, and a reader's memory stays flat.
_BATCH = 1 << 15

_MOST_PROBLEMS = 50

# Stands for the hash of a line already named as changed, so that the line after it is not blamed as well.
_UNKNOWN = ""


def read(path: Path) -> Iterator[Recorded]:
    """The events of a transcript (or of the one in a run folder), oldest first, without holding them all.

    Reads what is there at the first step. A torn tail is left out; damage before it raises UnreadableTranscript with
    the line's number.
    """
    file_path = transcript_file(path)
    try:
        with file_path.open("rb") as file:
            end, _ = sound_tail(file, os.fstat(file.fileno()).st_size)
            for _, batch in _decoded(file, 0, end, 1):
                yield from batch
    except OSError as cause:
        raise UnreadableTranscript(f"{file_path}: cannot be read: {cause.strerror}") from cause


def read_run(path: Path) -> Iterator[Recorded]:
    """As `read`, of a run that was begun. Raises UnreadableTranscript too when its first line cannot be read."""
    file_path = transcript_file(path)
    events = read(path)
    first = next(events, None)
    if first is None:
        raise UnreadableTranscript(f"{file_path}: nothing of this run can be read: {_why_nothing(file_path)}")
    if not isinstance(first.event, RunStarted):
        raise UnreadableTranscript(
            f"{file_path}:1: this run cannot be read: it begins with {first.event.kind} (number {first.seq}), "
            "the line that says which run it was is gone"
        )
    yield first
    yield from events


def _why_nothing(path: Path) -> str:
    size = path.stat().st_size
    if not size:
        return "the file is empty; the run was cut off before its first line was written"
    return f"its first line was cut off after {size} bytes, and there is no other"


class Follower:
    """What is new in a transcript that others write; it need not exist yet. Costs one stat when nothing is."""

    def __init__(self, path: Path) -> None:
        self._path = transcript_file(path)
        self._offset = 0
        self._line = 1
        # Up to where the file was sound when it looked like `_seen` (size, time of change).
        self._end = 0
        self._seen = (0, 0)

    def poll(self, at_most: int | None = None) -> list[Recorded]:
        """The complete lines since the last poll; [] when there are none, so far.

        With `at_most` a long backlog comes in pieces of about that many events: poll until it is empty. A torn tail
        is never part of it, so it may be moved aside meanwhile. Raises TranscriptError with the number of a damaged
        line: while it is being written, damage is nobody's input.
        """
        try:
            return self._poll(at_most)
        except UnreadableTranscript as cause:
            raise TranscriptError(str(cause)) from cause

    def _poll(self, at_most: int | None) -> list[Recorded]:
        try:
            stat = self._path.stat()
            mark = (stat.st_size, stat.st_mtime_ns)
            if mark == self._seen and self._offset == self._end:
                return []
            with self._path.open("rb") as file:
                if mark != self._seen:
                    self._end = self._new_end(file, stat.st_size)
                    self._seen = mark
                return self._read_on(file, at_most)
        except FileNotFoundError:
            return []
        except OSError as cause:
            raise UnreadableTranscript(f"{self._path}: cannot be read: {cause.strerror}") from cause

    def _new_end(self, file: BinaryIO, size: int) -> int:
        if size < self._offset:
            raise UnreadableTranscript(f"{self._path}: lines that were there are gone")
        return sound_tail(file, size, self._offset)[0]

    def _read_on(self, file: BinaryIO, at_most: int | None) -> list[Recorded]:
        found: list[Recorded] = []
        try:
            for offset, batch in _decoded(file, self._offset, self._end, self._line):
                found += batch
                self._offset = offset
                self._line += len(batch)
                if at_most is not None and len(found) >= at_most:
                    break
        except UnreadableTranscript:
            # What came before the damage is delivered first; the next poll meets the damage again.
            if not found:
                raise
        return found


def _decoded(file: BinaryIO, start: int, end: int, number: int) -> Iterator[tuple[int, list[Recorded]]]:
    """Batches of events with the offset behind each; `number` is the line at `start`."""
    for lines in _batches(file, start, end):
        try:
            batch = decode_all(lines)
        except LineError:
            yield from _one_by_one(file.name, lines, start, number)
        else:
            yield start + sum(map(len, lines)), batch
        start += sum(map(len, lines))
        number += len(lines)


def _one_by_one(name: str, lines: list[bytes], start: int, number: int) -> Iterator[tuple[int, list[Recorded]]]:
    for at, line in enumerate(lines, number):
        try:
            recorded = decode(line)
        except LineError as cause:
            raise UnreadableTranscript(f"{name}:{at}: damaged: {cause}") from cause
        start += len(line)
        yield start, [recorded]


def _batches(file: BinaryIO, start: int, end: int) -> Iterator[list[bytes]]:
    file.seek(start)
    while start < end:
        lines = file.readlines(min(_BATCH, end - start))
        start += sum(map(len, lines))
        while start > end:
            start -= len(lines.pop())
        if not lines:
            return
        yield lines


# -- verifying ---------------------------------------------------------------------------------------------------------

# A line as the codec writes it. Taking it by its form, not as JSON, makes the check independent of the vocabulary.
_WRITTEN = re.compile(rb'\{"seq":(\d{1,18}),.*,"prev":"([0-9a-f]{32})"\}\n')


def verify(path: Path) -> list[Problem]:
    """What is not as it was written: edited, dropped, moved, added and torn lines, by line number; [] when all is well.

    The last line has nobody to vouch for it: a change of it, or lines cut off cleanly at the end, cannot be seen here.
    Raises UnreadableTranscript when the file cannot be read.
    """
    file_path = transcript_file(path)
    try:
        with file_path.open("rb") as file:
            return _Chain(str(file_path)).check(file)
    except OSError as cause:
        raise UnreadableTranscript(f"{file_path}: cannot be read: {cause.strerror}") from cause


class _Chain:
    """The line with the highest number so far, against which the next one is held."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._problems: list[Problem] = []
        self._seq = 0
        self._hash = FIRST_PREV
        self._number = 0
        self._doubted = 0

    def check(self, file: BinaryIO) -> list[Problem]:
        number = 0
        for number, line in enumerate(file, 1):
            self._blame_line_before_doubted()
            self._take(number, line)
            if len(self._problems) >= _MOST_PROBLEMS:
                self._tell(number + 1, "and perhaps more: from here on nothing was looked at")
                break
        if self._doubted:
            self._tell(number, f"does not follow from line {number - 1}: one of the two was changed or added")
        return sorted(self._problems)

    def _take(self, number: int, line: bytes) -> None:
        written = _WRITTEN.fullmatch(line)
        if written is None:
            self._not_written(number, line)
            return
        seq, prev = int(written[1]), written[2].decode()
        if seq <= self._seq:
            self._tell(number, f"out of place: number {seq} comes after number {self._seq}")
            return
        if seq > self._seq + 1:
            self._tell(number, f"not in sequence: {_span(self._seq + 1, seq - 1)} should come before it")
        elif prev != self._hash:
            self._disagreeing(number)
        self._seq, self._hash, self._number = seq, line_hash(line[:-1]), number

    def _not_written(self, number: int, line: bytes) -> None:
        if not line.endswith(b"\n"):
            self._tell(number, f"torn: {len(line)} bytes of a line that was never finished")
            return
        self._tell(number, "changed: not a line as Gameday writes it")
        self._seq, self._hash, self._number = self._seq + 1, _UNKNOWN, number

    def _disagreeing(self, number: int) -> None:
        if self._hash == _UNKNOWN:
            return
        if self._seq == 0:
            self._tell(number, "changed: the first line names a line before it")
        else:
            self._doubted = number

    def _blame_line_before_doubted(self) -> None:
        # A doubted line that others follow was written as it is, so the line before it is the changed one.
        if self._doubted:
            before = self._doubted - 1
            self._tell(before, f"changed after it was written: line {self._doubted} carries another hash of it")
            self._doubted = 0

    def _tell(self, number: int, what: str) -> None:
        self._problems.append(Problem(file=self._name, line=number, column=1, what=what))


def _span(first: int, last: int) -> str:
    return f"number {first}" if first == last else f"numbers {first} to {last}"
