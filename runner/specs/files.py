"""Reading what a user wrote from disk, without ever waiting for it or swallowing something huge."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from runner.errors import InputError, Problem
from runner.specs.disk_reads import note_content

#: Bytes. No runbook, drill or experiment comes near it; a dump that was put in the folder by mistake does.
MAX_BYTES = 1024 * 1024


def read_bytes(path: Path, shown: str) -> bytes:
    """The contents of a regular file of at most MAX_BYTES.

    Raises InputError, naming the file as `shown`, for everything else: missing, unreadable, a folder, a pipe, too big.
    """
    try:
        # Asked before opening: opening a pipe waits for its writer, and opening a device may do something.
        _require_regular(path.stat(), shown)
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            _require_regular(os.fstat(handle), shown)
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _refusal(shown, "there is no such file") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise _refusal(shown, f"cannot be read: {why}") from error
    if len(content) > MAX_BYTES:
        raise _too_big(shown, len(content))
    note_content(path, content)
    return content


def _require_regular(status: os.stat_result, shown: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise _refusal(shown, "is a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise _refusal(shown, "is not a regular file", "pipes, sockets and devices are not read")
    if status.st_size > MAX_BYTES:
        raise _too_big(shown, status.st_size)


def _too_big(shown: str, size: int) -> InputError:
    return _refusal(shown, f"is too big: {size:,} bytes", f"a file holds at most {MAX_BYTES:,}")


def _refusal(shown: str, what: str, meant: str = "") -> InputError:
    return InputError(Problem(file=shown, what=what, meant=meant))
