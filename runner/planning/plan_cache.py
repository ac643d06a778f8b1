"""Plans kept from one run to the next, so that what nobody changed is not read, checked and compiled again.

A plan is good as long as everything is the same that could make another one of the same words: every look at the disk that
was taken for it, the tool, the interpreter and its packages, and all of the environment. One that cannot be read, or is not
as it was written, is none; then it is made as ever. What the guard says of a plan is never kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import runner
from runner.engine.plan import RunPlan
from runner.engine.plan_json import plan_from_json, plan_to_json
from runner.lazy_dataclass import lazy_dataclass
from runner.planning.request import Request
from runner.specs.disk_reads import Look

#: What a request says that no plan depends on. Anything else makes another plan, also what is yet to be invented.
_BESIDE = ("person", "headless", "detach", "operator", "runs_dir", "plan_hash", "consent")
#: Bytes of one plan, and how many are kept.
_LONGEST = 256 * 1024
_MOST = 64
_ENDING = ".plan"
#: Seconds after which a draft is nobody's any more.
_STALE = 3600.0


@lazy_dataclass(frozen=True)
class Kept:
    """A plan and the root of its repository."""

    plan: RunPlan
    root: Path


class KeptPlan:
    """The place of one request's plan. Make it before any file is read: what changes from then on is seen."""

    def __init__(self, request: Request) -> None:
        said = {name: value for name, value in request.to_json().items() if name not in _BESIDE}
        folder = _folder()
        name = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        self._path = None if folder is None else folder / f"{name}{_ENDING}"
        self._circumstances = "" if folder is None else _circumstances()

    def load(self) -> Kept | None:
        """The plan, if it still is what would be made now."""
        try:
            entry = {} if self._path is None else _read(self._path)
            if entry["circumstances"] != self._circumstances or not all(Look(*look).still for look in entry["looks"]):
                return None
            return Kept(plan_from_json(entry["plan"]), Path(entry["root"]))
        except (OSError, KeyError, TypeError, ValueError):
            return None

    def keep(self, kept: Kept, looks: Iterable[Look], masked: Callable[[Any], Any]) -> None:
        """Keep it for the next time, where that is possible and it will be known then whether it is still good.

        `masked` takes the secrets out of a document: a plan with one in it is not kept.
        """
        document = plan_to_json(kept.plan)
        foreign = document["load"] is not None or document["settings"]
        alone = not foreign and _depends_on_files_alone(document)
        if self._path is None or not alone or masked(document) != document:
            return
        entry = {
            "circumstances": self._circumstances,
            "looks": [(look.asked, look.path, look.answer) for look in looks],
            "root": str(kept.root),
            "plan": document,
        }
        body = json.dumps(entry).encode()
        if len(body) <= _LONGEST and plan_from_json(json.loads(body)["plan"]) == kept.plan:
            with contextlib.suppress(OSError):
                _write(self._path, body)


def _depends_on_files_alone(value: Any) -> bool:
    """Whether it calls nothing of which the check asks what Python can import: that has no end."""
    if isinstance(value, dict):
        foreign = value.get("type") == "python" or value.get("controls")
        return not foreign and all(map(_depends_on_files_alone, value.values()))
    return not isinstance(value, list) or all(map(_depends_on_files_alone, value))


# -- what a plan depends on besides files ------------------------------------------------------------------------------


def _circumstances() -> str:
    """The tool, the interpreter, its packages and the environment, as a hash."""
    parts = [runner.__version__, sys.version, str(os.geteuid())]
    parts += [
        f"{path} {status.st_size} {status.st_mtime_ns}" for path, status in _sources(Path(runner.__file__).parent)
    ]
    parts += [f"{path} {_changed(path)}" for path in sys.path]
    parts += [f"{name}={value}" for name, value in sorted(os.environ.items())]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _sources(folder: str | Path) -> Iterator[tuple[str, os.stat_result]]:
    """The tool's own files: an editable installation changes without a new version."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            if entry.name.endswith(".py"):
                yield entry.path, entry.stat()
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _sources(entry.path)


def _changed(path: str) -> int:
    """When something was last installed there or taken away."""
    try:
        return os.stat(path or ".").st_mtime_ns  # noqa: PTH116 - an entry of sys.path, which need not be a path
    except (OSError, ValueError):
        return 0


# -- the files ---------------------------------------------------------------------------------------------------------


def _folder() -> Path | None:
    """Where plans are kept; None where nobody but this user could not be sure to write."""
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = base / "gameday"
        if not base.is_absolute() or (folder.exists() and not _ours(folder.stat())):
            return None
    except (OSError, RuntimeError, ValueError):
        return None
    return folder


def _ours(status: os.stat_result) -> bool:
    """Whether nobody else can have written it."""
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _read(path: Path) -> dict[str, Any]:
    """What was written there. Raises OSError when there is nothing, ValueError when it is not as it was written."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not _ours(status):
            raise ValueError("it may be anybody's")
        seal, _, body = file.read(2 * _LONGEST).partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != seal:
        raise ValueError("it is damaged")
    entry = json.loads(body)
    if not isinstance(entry, dict):
        raise ValueError("it is something else")  # noqa: TRY004  one error for every kind of damage
    return entry


def _write(path: Path, body: bytes) -> None:
    """Put it in place in one piece, and no more beside it than are wanted. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    _make_room(path.parent)


def _make_room(folder: Path) -> None:
    """The oldest go, and the drafts of processes that died. Another process may do the same now."""
    age = {}
    for file in folder.iterdir():
        with contextlib.suppress(OSError):
            age[file] = time.time() - file.stat().st_mtime
    plans = sorted((file for file in age if file.suffix == _ENDING), key=lambda file: age[file])
    drafts = [file for file in age if file.name.startswith(".") and f"{_ENDING}." in file.name and age[file] > _STALE]
    for file in (*plans[_MOST:], *drafts):
        file.unlink(missing_ok=True)
