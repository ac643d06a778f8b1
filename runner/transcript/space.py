"""Disk space set aside ahead of a file's end, so that a run on a disk that fills up can still tell how it ended."""

from __future__ import annotations

import ctypes
import errno
import os

#: Bytes that are to be reserved beyond the end at any time.
AHEAD = 256 << 10

_KEEP_SIZE = 1
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# Some file systems cannot reserve; a run there must do without, as any other program does.
_UNABLE = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


class SpaceAhead:
    """The reservation of one open file. Reserving what is reserved already costs nothing on disk."""

    def __init__(self, fd: int, reserve: int) -> None:
        self._fd = fd
        self._step = max(reserve, AHEAD)
        self._until = 0
        self.low = False

    def begin(self) -> None:
        """Reserves the first piece. Raises OSError when the disk has no room for it."""
        _reserve(self._fd, 0, self._step)
        self._until = self._step

    def ensure(self, end: int, coming: int) -> None:
        """Before `coming` bytes are written at `end`: sees to it that `AHEAD` bytes stay reserved behind them.

        When the disk has no more, `low` becomes true, for good, and the write lives on what is left.
        """
        needed = end + coming + AHEAD
        if self.low or needed <= self._until:
            return
        # Half as much is no reason to stop yet, as long as it is enough.
        for until in (end + coming + self._step, needed):
            try:
                _reserve(self._fd, end, until - end)
            except OSError as cause:
                if cause.errno not in _FULL:
                    raise
            else:
                self._until = until
                return
        self.low = True

    def forget(self) -> None:
        """The file was cut, which gave back all that was reserved behind the cut."""
        self._until = 0


def _reserve(fd: int, start: int, length: int) -> None:
    # os.posix_fallocate moves the end of the file; only the system call itself can leave it where it is.
    while _libc.fallocate(fd, _KEEP_SIZE, start, length) != 0:
        number = ctypes.get_errno()
        if number in _UNABLE:
            return
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number))


_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
