"""What reading a repository sees of the disk, noted while somebody watches, and looked at again later.

Every look at the disk that a plan depends on goes through here: then whoever keeps the plan knows all that it depends on, what
was looked for and was not there included.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

from runner.values import dataclass

T = TypeVar("T")


@dataclass(frozen=True)
class Look:
    """One look: what was asked of an absolute path (`file`, `content`, a pattern below it), and the answer as a text."""

    asked: str
    path: str
    answer: str

    @property
    def still(self) -> bool:
        """Whether the same look gives the same answer now."""
        try:
            return _again(self.asked, Path(self.path)) == self.answer
        except (OSError, ValueError):
            return False


_watching: ContextVar[dict[tuple[str, str], Look] | None] = ContextVar("watching", default=None)


@contextmanager
def watched() -> Iterator[Mapping[tuple[str, str], Look]]:
    """The looks that are taken inside; of several that ask the same, the first."""
    seen: dict[tuple[str, str], Look] = {}
    token = _watching.set(seen)
    try:
        yield seen
    finally:
        _watching.reset(token)


def is_file(path: Path) -> bool:
    """As `Path.is_file`."""
    return _noted("file", path, path.is_file())


def is_dir(path: Path) -> bool:
    """As `Path.is_dir`."""
    return _noted("folder", path, path.is_dir())


def exists(path: Path) -> bool:
    """As `Path.exists`."""
    return _noted("there", path, path.exists())


def glob(folder: Path, pattern: str) -> list[Path]:
    """What `Path.glob` finds, sorted."""
    return _noted(f"{_GLOB}{pattern}", folder, sorted(folder.glob(pattern)))


def note_content(path: Path, content: bytes) -> None:
    """This is what was read from a file."""
    _noted("content", path, content)


_GLOB = "glob:"
_LOOKS: Mapping[str, Callable[[Path], object]] = {
    "file": Path.is_file,
    "folder": Path.is_dir,
    "there": Path.exists,
    "content": lambda path: path.read_bytes() if path.is_file() else None,
}


def _again(asked: str, path: Path) -> str:
    if asked.startswith(_GLOB):
        return _answer(sorted(path.glob(asked.removeprefix(_GLOB))))
    return _answer(_LOOKS[asked](path))


def _noted(asked: str, path: Path, found: T) -> T:
    seen = _watching.get()
    if seen is not None:
        at = str(path.absolute())
        seen.setdefault((asked, at), Look(asked, at, _answer(found)))
    return found


def _answer(found: object) -> str:
    if found is None or isinstance(found, bool):
        return str(found)
    if isinstance(found, bytes):
        return hashlib.sha256(found).hexdigest()
    return hashlib.sha256("\0".join(map(str, found)).encode("utf-8", "surrogateescape")).hexdigest()  # type: ignore[call-overload]
