"""Files of a run are its owner's alone; those in a folder that was given to a group may be read by its members.

A folder says so by its mode (2750, and folders below it): whoever writes a file there, in whatever process, needs to be
given nothing else.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

PRIVATE_FOLDER, SHARED_FOLDER = 0o700, 0o2750
_PRIVATE_FILE, _SHARED_FILE = 0o600, 0o640
_SHARED_SOCKET = 0o660


def file_mode(folder: Path) -> int:
    """The mode of a file in this folder. Raises OSError."""
    return _SHARED_FILE if _is_shared(folder) else _PRIVATE_FILE


def socket_mode(folder: Path) -> int:
    """The mode of a socket in this folder: who may read there may speak. Raises OSError."""
    return _SHARED_SOCKET if _is_shared(folder) else _PRIVATE_FILE


def open_private(path: Path, flags: int) -> int:
    """A descriptor on a file that nobody else may read, whatever the umask; it is made when missing. Raises OSError."""
    mode = file_mode(path.parent)
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, _PRIVATE_FILE)
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
            os.fchmod(descriptor, mode)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def write_private(path: Path, text: str) -> None:
    """Replace what is in a file that nobody else may read. Raises OSError."""
    descriptor = open_private(path, os.O_WRONLY | os.O_TRUNC)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)


def make_private_folder(path: Path) -> None:
    """A folder below that of a run, for the same people; one that is there already stays. Raises OSError."""
    try:
        path.mkdir(mode=PRIVATE_FOLDER)
    except FileExistsError:
        if path.is_dir():
            return
        raise
    path.chmod(SHARED_FOLDER if _is_shared(path.parent) else PRIVATE_FOLDER)


def _is_shared(folder: Path) -> bool:
    return stat.S_IMODE(folder.stat().st_mode) == SHARED_FOLDER
