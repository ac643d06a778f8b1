"""What reading a repository sees of the disk, noted while somebody watches, and looked at again later.

Every look at the disk that a plan depends on goes through here: then whoever keeps the plan knows all that it depends on, what
was looked for and was not there included.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

from runner.lazy_dataclass import lazy_dataclass

T = TypeVar("T")

#: Of the files of a repository.
ENDINGS = (".yaml", ".yml", ".json")


@lazy_dataclass(frozen=True)
class Look:
    """One look: what was asked of an absolute path (`file`, `content`, what is below it), and the answer as a text."""

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


def below(folder: Path) -> list[Path]:
    """Every file in it and in the folders below, in order, links followed but for those that lead back up.

    A folder that is named like a file of ours is one of them: who reads it says what it is. Empty when `folder` is no
    folder, or one that cannot be read.
    """
    return _noted("below", folder, _below(folder))


def resolve(path: Path) -> Path:
    """As `Path.resolve`."""
    return _noted("resolved", path, [path.resolve()])[0]


def note_content(path: Path, content: bytes) -> None:
    """This is what was read from a file."""
    _noted("content", path, content)


def _below(folder: Path, above: tuple[str, ...] = ()) -> list[Path]:
    real = os.path.realpath(folder)
    try:
        entries = [] if real in above else sorted(folder.iterdir())
    except OSError:
        return []
    inner = (*above, real)
    return [file for entry in entries for file in (_below(entry, inner) if _is_inner(entry) else [entry])]


def _is_inner(entry: Path) -> bool:
    return entry.suffix not in ENDINGS and entry.is_dir()


_LOOKS: Mapping[str, Callable[[Path], object]] = {
    "file": Path.is_file,
    "folder": Path.is_dir,
    "there": Path.exists,
    "below": _below,
    "resolved": lambda path: [path.resolve()],
    "content": lambda path: path.read_bytes() if path.is_file() else None,
}


def _again(asked: str, path: Path) -> str:
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
