"""The folder that outlives every run of this account: open runs, target locks, the halt. What is written there stays.

A power cut may come at any moment, so a file is there whole or not at all, and on disk before anyone acts on it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

from runner.errors import InputError, Problem
from runner.private import write_private

_LOOK = 0.02


def state_dir() -> Path:
    """Where this user's open runs are recorded; made on first use, 0700."""
    folder = state_path()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        what = f"open runs cannot be recorded there: {error.strerror}"
        raise InputError(
            Problem(file=str(folder), what=what, meant="set XDG_STATE_HOME to a folder you own")
        ) from error
    return folder


def state_path() -> Path:
    """The same, whether it is there or not."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "gameday"


def write_durably(path: Path, text: str) -> None:
    """Replace a file by this text, on disk when it returns; its owner's alone. Raises OSError, and then nothing changed."""
    draft = path.with_suffix(".new")
    try:
        write_private(draft, text)
        sync(draft)
        draft.replace(path)
        sync(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def append_durably(path: Path, line: str) -> None:
    """One more line, on disk when it returns. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, line.encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync(path.parent)


def remove_durably(path: Path) -> None:
    """Take a file away, on disk when it returns; one that is not there is no error. Raises OSError."""
    path.unlink(missing_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Have the system write a file, or a folder's names, to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Lock:
    """One at a time, between all processes of this account.

    `patience`: seconds after which to go on without it; None to wait for ever. A process that was frozen keeps its lock.
    """

    def __init__(self, folder: Path, *, patience: float | None = None) -> None:
        self._path = folder / "lock"
        self._patience = patience

    def __enter__(self) -> None:
        self._file = self._path.open("a")
        if self._patience is None:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            return
        end = time.monotonic() + self._patience
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() > end:
                    return
                time.sleep(_LOOK)
            else:
                return

    def __exit__(self, *_: object) -> None:
        self._file.close()
