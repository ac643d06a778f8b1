"""The two ends of a transcript, also of one whose writer was killed or lost its power in the middle of a line."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from runner.engine.events import Recorded
from runner.errors import UnreadableTranscript
from runner.transcript.codec import MAX_LINE, LineError, decode, parse, transcript_file

_WINDOW = 1 << 20
_NUL = b"\0"


def head(path: Path) -> Recorded | None:
    """The first event; None for a transcript that has none yet. Raises UnreadableTranscript."""
    file_path = transcript_file(path)
    try:
        with file_path.open("rb") as file:
            line = file.readline(MAX_LINE)
    except OSError as cause:
        raise UnreadableTranscript(f"{file_path}: cannot be read: {cause.strerror}") from cause
    if not line.endswith(b"\n") or _NUL in line:
        return None
    try:
        return decode(line)
    except LineError as cause:
        raise UnreadableTranscript(f"{file_path}:1: damaged: {cause}") from cause


def tail(path: Path, n: int) -> list[Recorded]:
    """The last `n` events, oldest first, read from the end. Raises UnreadableTranscript."""
    file_path = transcript_file(path)
    try:
        with file_path.open("rb") as file:
            end, _ = sound_tail(file, file.seek(0, 2))
            lines = _last_lines(file, end, n)
        return [decode(line) for line in lines]
    except OSError as cause:
        raise UnreadableTranscript(f"{file_path}: cannot be read: {cause.strerror}") from cause
    except LineError as cause:
        raise UnreadableTranscript(f"{file_path}: damaged near its end: {cause}") from cause


def sound_tail(file: BinaryIO, size: int, since: int = 0) -> tuple[int, bytes]:
    """Where the sound part of the first `size` bytes ends, and its last line without the newline.

    `since` is the beginning of a line up to which the file is known to be sound; the line is empty when none follows.
    Torn is: what follows the last newline; the last lines that are not JSON; and everything from a NUL on, since a
    power cut leaves zeros where a block was never written, with later blocks sometimes in place. A complete line is
    never torn merely because a hash is wrong: that is an edit, which `verify` names and nobody tidies away.
    Raises UnreadableTranscript when there are lines and not one of them belongs to a transcript.
    """
    window = _WINDOW
    while True:
        base = max(since, size - window)
        data = _read(file, base, size)
        if base > since:
            base += data.find(b"\n") + 1
            data = data[base - size :] if base < size else b""
        whole = data.partition(_NUL)[0]
        end, line = _last_sound(whole)
        if line or base == since:
            break
        if window > 4 * MAX_LINE:
            raise UnreadableTranscript(f"{file.name}: this is not a transcript")
        window *= 2
    if not line and since == 0 and b"\n" in whole:
        raise UnreadableTranscript(f"{file.name}:1: this is not a transcript")
    return base + end, line


def _last_sound(data: bytes) -> tuple[int, bytes]:
    end = data.rfind(b"\n") + 1
    while end:
        start = data.rfind(b"\n", 0, end - 1) + 1
        line = data[start : end - 1]
        if _is_sound(line):
            return end, line
        end = start
    return 0, b""


def _is_sound(line: bytes) -> bool:
    try:
        parse(line)
    except LineError:
        return False
    return True


def _last_lines(file: BinaryIO, end: int, n: int) -> list[bytes]:
    window = 1 << 16
    while True:
        base = max(0, end - window)
        lines = _read(file, base, end).split(b"\n")
        # The first piece may be half a line, the last is the nothing after the last newline.
        whole = lines[:-1] if base == 0 else lines[1:-1]
        if base == 0 or len(whole) >= n:
            return whole[max(0, len(whole) - n) :]
        window *= 4


def _read(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)
