"""Comments on a run that is over, each pinned to one of its events: a file beside the transcript, which stays as it is."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from runner.errors import InputError, UnreadableTranscript
from runner.private import open_private
from runner.transcript.run_folder import COMMENTS

#: Characters of one comment, bytes of all of them: what a person writes, and a bound.
LONGEST, MOST = 4000, 8 << 20


@dataclass(frozen=True, kw_only=True)
class Comment:
    """What `author` says of the event `seq`, which happened at `t` (s of the run's clock); written `when` (UTC)."""

    author: str
    seq: int
    t: float
    text: str
    when: str


def read_comments(folder: Path) -> tuple[list[Comment], list[str]]:
    """The comments in the order in which they were written, and which lines are none. Raises
    UnreadableTranscript."""
    path = folder / COMMENTS
    try:
        with path.open("rb") as file:
            content = file.read(MOST + 1)
    except FileNotFoundError:
        return [], []
    except OSError as cause:
        raise UnreadableTranscript(f"{path}: cannot be read: {cause.strerror}") from cause
    lines = content[:MOST].split(b"\n")
    read = [(number, line, _comment(line)) for number, line in enumerate(lines, 1) if line.strip()]
    bad = [f"{COMMENTS}:{number}: no comment" for number, _, comment in read if comment is None]
    if len(content) > MOST:
        bad.append(f"{COMMENTS}: only the first {MOST >> 20} MiB are read")
    return [comment for _, _, comment in read if comment is not None], bad


def add_comment(folder: Path, comment: Comment) -> None:
    """Append one; it is on disk on return. Raises InputError for a text that is empty or too long, and OSError."""
    if not comment.text.strip():
        raise InputError("an empty comment says nothing")
    if len(comment.text) > LONGEST:
        raise InputError(f"a comment holds at most {LONGEST} characters; this one has {len(comment.text)}")
    line = json.dumps(asdict(comment), allow_nan=False).encode() + b"\n"
    descriptor = open_private(folder / COMMENTS, os.O_RDWR | os.O_APPEND)
    try:
        # Behind a line that was torn by a crash, a line of its own.
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, b"\n" + line if torn else line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _comment(line: bytes) -> Comment | None:
    try:
        said = json.loads(line)
        comment = Comment(**{name: said[name] for name in Comment.__dataclass_fields__})
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    words = (comment.author, comment.text, comment.when)
    placed = type(comment.seq) is int and type(comment.t) in (int, float) and math.isfinite(comment.t)
    return comment if placed and all(isinstance(word, str) for word in words) else None
