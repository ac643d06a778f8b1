"""Appending to a transcript: from several processes, durably, on a disk that may be full. Linux only.

Every append is: lock, find the last line's number and hash, write, sync, unlock. A complete line is never taken back,
so that whoever follows the file has never seen an event that is not there later.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from runner.clock import Clock, Stamp
from runner.engine.events import Event, Recorded, TailTorn
from runner.errors import InputError, Problem, TranscriptError
from runner.lazy_dataclass import lazy_dataclass
from runner.transcript.codec import FIRST_PREV, decode, encode, line_hash, parse, plain_fields
from runner.transcript.head_and_tail import sound_tail
from runner.transcript.run_folder import TRANSCRIPT, TRANSCRIPT_LOCK
from runner.transcript.space import SpaceAhead

# The lock has a file of its own, which only the owner may open: a reader of the group could stop the run with it.

Redact = Callable[[Any], Any]


@lazy_dataclass(frozen=True)
class Entry:
    """An event to be appended and who did it; `stamp` is the moment it happened, None for now."""

    event: Event
    by: str
    stamp: Stamp | None = None


@lazy_dataclass(frozen=True)
class _End:
    """The end of the sound part: offset, and number and hash of the line before it."""

    size: int
    seq: int
    hash: str


class TranscriptWriter:
    """One process's writer of a transcript; its threads may share it, a forked child must open its own.

    A failed write or sync is never retried: it leaves the writer dead, and every later append raises at once.
    """

    def __init__(self, folder: Path, clock: Clock, *, redact: Redact, reserve: int, patience: float = 5.0) -> None:
        """Use `create` or `open`. `patience`: seconds to wait for another process's append."""
        self._folder = folder
        self._path = folder / TRANSCRIPT
        self._clock = clock
        self._redact = redact
        self._patience = patience
        self._mutex = threading.Lock()
        self._process = os.getpid()
        self._dead = ""
        self._unsynced = False
        self._end = _End(0, 0, FIRST_PREV)
        self._fd = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        self._lock_fd = os.open(folder / TRANSCRIPT_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._space = SpaceAhead(self._fd, reserve)

    @classmethod
    def create(
        cls, folder: Path, clock: Clock, *, redact: Redact, group: int | None = None, reserve: int = 1 << 20
    ) -> TranscriptWriter:
        """Begins the transcript of a new run, with `reserve` bytes of disk set aside for its end.

        The run folder is made if need be and is the owner's alone, or readable by the group with the id `group`.
        Raises InputError when the folder cannot be written, is full, or holds a transcript already.
        """
        made: list[Path] = []
        writer = None
        try:
            _make_folder(folder, group, made)
            _make_file(folder / TRANSCRIPT, group, made)
            writer = cls(folder, clock, redact=redact, reserve=reserve)
            made.append(folder / TRANSCRIPT_LOCK)
            writer._set_out()
        except OSError as cause:
            if writer is not None:
                writer.close()
            _unmake(made)
            what = "a transcript is here already" if isinstance(cause, FileExistsError) else cause.strerror
            meant = "choose another folder for runs with --runs-dir"
            if group is not None:
                meant += ", or a `group` you belong to"
            raise InputError(Problem(file=str(folder), what=f"cannot keep a run here: {what}", meant=meant)) from cause
        return writer

    @classmethod
    def open(
        cls, folder: Path, clock: Clock, *, redact: Redact, reserve: int = 1 << 20, patience: float = 5.0
    ) -> TranscriptWriter:
        """Another writer of an existing transcript: guardian, undo worker, recovery. Raises TranscriptError."""
        try:
            return cls(folder, clock, redact=redact, reserve=reserve, patience=patience)
        except OSError as cause:
            raise TranscriptError(f"{folder / TRANSCRIPT}: cannot be opened: {cause.strerror}") from cause

    @property
    def space_low(self) -> bool:
        """The disk is full but for what was reserved: end the run while its end can still be recorded."""
        return self._space.low

    @property
    def room(self) -> int:
        """Bytes that this account may still write on the transcript's disk, beside what is reserved. Raises OSError."""
        disk = os.fstatvfs(self._fd)
        return disk.f_bavail * disk.f_frsize

    def append(self, *entries: Entry, durable: bool = True) -> list[Recorded]:
        """Writes the entries, in this order, and returns them as every reader will see them: numbered and redacted.

        On disk when it returns, or, if not `durable`, after the next durable append or `sync`. Raises TranscriptError
        when that failed, in which case some of the lines may be there all the same; or when an event is malformed or
        another process kept the lock for longer than the patience, in which case nothing was written and the writer
        lives on.
        """
        self._must_be_ours()
        now = self._clock.stamp()
        ready = [self._prepared(entry, now) for entry in entries]
        with self._mutex:
            self._must_live()
            if not ready:
                return []
            with self._locked():
                return self._append(ready, now, durable)

    def sync(self) -> None:
        """Makes earlier appends durable; costs nothing when they are. Raises TranscriptError."""
        self._must_be_ours()
        with self._mutex:
            self._must_live()
            if self._unsynced:
                with self._dying():
                    self._sync()

    def close(self) -> None:
        """Gives the files back, without a sync."""
        with self._mutex:
            if self._fd >= 0:
                os.close(self._fd)
                os.close(self._lock_fd)
                self._fd = -1
                self._dead = "it is closed"

    # -- under the lock ------------------------------------------------------------------------------------------------

    def _append(self, ready: Sequence[_Ready], now: Stamp, durable: bool) -> list[Recorded]:
        with self._dying():
            torn = self._catch_up()
        if torn is not None:
            self._put([self._prepared(Entry(torn, by="transcript"), now)], durable=True)
        return self._put(ready, durable)

    def _put(self, ready: Sequence[_Ready], durable: bool) -> list[Recorded]:
        lines, recorded, seq, prev = [], [], self._end.seq, self._end.hash
        for stamp, by, kind, values in ready:
            seq += 1
            try:
                line = encode(seq, stamp, by, kind, values, prev)
                # Read back before it is written: what a reader would refuse never reaches the disk.
                recorded.append(decode(line))
            except ValueError as cause:
                raise TranscriptError(f"{self._path}: {cause}") from cause
            lines.append(line)
            prev = line_hash(line)
        data = b"\n".join(lines) + b"\n"
        with self._dying():
            self._space.ensure(self._end.size, len(data))
            self._write(data)
            self._end = _End(self._end.size + len(data), seq, prev)
            if durable:
                self._sync()
        return recorded

    def _catch_up(self) -> TailTorn | None:
        """Finds the end; what is torn behind it is moved aside."""
        size = os.fstat(self._fd).st_size
        if size == self._end.size:
            return None
        if size < self._end.size:
            raise OSError(errno.EIO, "lines that were there are gone")
        with self._path.open("rb", buffering=0) as file:
            end, line = sound_tail(file, size, self._end.size)
        if line:
            self._end = _End(end, parse(line)["seq"], line_hash(line))
        return self._move_aside(end, size) if end < size else None

    def _move_aside(self, end: int, size: int) -> TailTorn:
        name = self._keep(os.pread(self._fd, size - end, end))
        os.ftruncate(self._fd, end)
        self._space.forget()
        return TailTorn(file=name, bytes=size - end)

    def _keep(self, torn: bytes) -> str:
        """The name of the file that holds them; "" when the disk is too full for it: the transcript must go on."""
        number = 1
        while (path := self._folder / f"transcript.torn-{number}").exists():
            number += 1
        try:
            with open(path, "xb", opener=_private) as file:
                file.write(torn)
                file.flush()
                os.fsync(file.fileno())
            _sync_folder(self._folder)
        except OSError:
            path.unlink(missing_ok=True)
            return ""
        return path.name

    def _write(self, data: bytes) -> None:
        written = 0
        try:
            while written < len(data):
                written += os.write(self._fd, data[written:])
        except OSError:
            whole = data.rfind(b"\n", 0, written) + 1
            # Should this fail too, the next writer finds a torn tail.
            with suppress(OSError):
                os.ftruncate(self._fd, self._end.size + whole)
            raise
        self._unsynced = True

    def _sync(self) -> None:
        os.fdatasync(self._fd)
        self._unsynced = False

    # -- around it -----------------------------------------------------------------------------------------------------

    def _set_out(self) -> None:
        self._space.begin()
        os.fsync(self._fd)
        _sync_folder(self._folder)

    def _prepared(self, entry: Entry, now: Stamp) -> _Ready:
        try:
            kind, values = plain_fields(entry.event)
        except ValueError as cause:
            raise TranscriptError(f"{self._path}: {cause}") from cause
        return entry.stamp or now, self._redact(entry.by), kind, self._redact(values)

    def _must_be_ours(self) -> None:
        # A lock belongs to the open file, which a forked child shares: both would hold it at once.
        if os.getpid() != self._process:
            raise TranscriptError(f"{self._path}: opened by another process; open it again in this one")

    def _must_live(self) -> None:
        if self._dead:
            raise TranscriptError(f"{self._path}: nothing more is written: {self._dead}")

    @contextmanager
    def _dying(self) -> Iterator[None]:
        try:
            yield
        except OSError as cause:
            self._dead = cause.strerror or str(cause)
            raise TranscriptError(f"{self._path}: cannot be written: {self._dead}") from cause

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._lock()
        try:
            yield
        finally:
            fcntl.flock(self._lock_fd, fcntl.LOCK_UN)

    def _lock(self) -> None:
        # Not a blocking flock: the holder may be frozen, and then this process must be able to say so.
        deadline = time.monotonic() + self._patience
        nap = 0.0001
        while True:
            try:
                return fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    message = f"{self._path}: another process has kept it locked for {self._patience:g} s"
                    raise TranscriptError(message) from None
            except OSError as cause:
                raise TranscriptError(f"{self._path}: cannot be locked: {cause.strerror}") from cause
            time.sleep(nap)
            nap = min(2 * nap, 0.005)


_Ready = tuple[Stamp, str, str, dict[str, Any]]


def _make_folder(folder: Path, group: int | None, made: list[Path]) -> None:
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir()
        made.append(path)
        _sync_folder(path.parent)
    if group is not None:
        os.chown(folder, -1, group)
    folder.chmod(0o700 if group is None else 0o2750)


def _make_file(path: Path, group: int | None, made: list[Path]) -> None:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    made.append(path)
    try:
        if group is not None:
            os.fchown(fd, -1, group)
        os.fchmod(fd, 0o600 if group is None else 0o640)
    finally:
        os.close(fd)


def _unmake(made: list[Path]) -> None:
    for path in reversed(made):
        with suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
