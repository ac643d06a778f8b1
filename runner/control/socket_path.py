"""Where the socket of a run stands, and who may come to it: its owner alone, or the members of a group.

The folder of a socket is safe at every level: each belongs to this account or to root, and nobody else may write in it
(or it is sticky, as /tmp is). Else whoever owns or writes it could put a socket of his own in the place of ours.
"""

from __future__ import annotations

import contextlib
import grp
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from runner.errors import InputError
from runner.private import PRIVATE_FOLDER, SHARED_FOLDER

#: Bytes in sockaddr_un.sun_path, less the terminating zero. Run folders are often deeper than that.
_LIMIT = 107
_SHARED = "/tmp"  # noqa: S108 - what is made in it is checked, level by level


def group_id(name: str) -> int:
    """The id of a group that this account may give files to. Raises InputError."""
    try:
        gid = grp.getgrnam(name).gr_gid
    except KeyError:
        raise InputError(f"there is no group {name!r} on this machine; yours: {', '.join(_own_groups())}") from None
    if gid not in _memberships() and os.geteuid() != 0:
        raise InputError(f"this account is not in the group {name!r}; it is in: {', '.join(_own_groups())}")
    return gid


def socket_path(run: str, group: int | None = None) -> Path:
    """A short path in a folder that is there and safe: 0700, or 2750 for a group. Raises InputError with each reason.

    However long the drill's name, and the run's with it, the socket's is short: it has the run's moment and last word.
    """
    reasons = []
    for folder in _places(group):
        path = folder / f"{_short(run)}.sock"
        why = "its name is too long for a socket" if len(os.fsencode(path)) > _LIMIT else _prepared(folder, group)
        if not why:
            return path
        reasons.append(f"{folder}: {why}")
    name = "XDG_RUNTIME_DIR" if group is None else "GAMEDAY_SOCKETS"
    raise InputError(f"no folder for the run's socket ({'; '.join(reasons)}); set {name} to a short path of your own")


def run_of(socket: Path, runs: Path) -> Path:
    """The folder of the run whose socket this is, in `runs`; it may not be there."""
    moment, _, word = socket.stem.rpartition("-")
    return next(iter(sorted(runs.glob(f"{moment}-*-{word}"))), runs / socket.stem)


def closed_to(folder: Path, group: int) -> Path | None:
    """The first folder on the way that members of the group cannot go through; None when they get there."""
    for level in _levels(folder):
        state = level.stat()
        if not state.st_mode & (stat.S_IXGRP if state.st_gid == group else stat.S_IXOTH):
            return level
    return None


def shared_sockets(wanted: str = "") -> list[Path]:
    """Sockets of other accounts' runs that were opened to a group of ours; `wanted` is how a run's id begins or ends."""
    found = []
    for folder in sorted(_shared_base().glob("gameday-*-*")):
        _, owner, group = folder.name.split("-", 2)
        with contextlib.suppress(OSError):
            state = folder.lstat()
            # Whoever else makes a folder of that name is not who it says.
            if (str(state.st_uid), str(state.st_gid)) == (owner, group) and state.st_gid in _memberships():
                found += sorted(folder.glob("*.sock"))
    return [path for path in found if _fits(path.stem, wanted)]


def _short(run: str) -> str:
    """`20261120-174003-payment-gateway-outage-7f3a` → `20261120-174003-7f3a`."""
    parts = run.split("-")
    return "-".join((*parts[:2], parts[-1])) if len(parts) > 3 else run


def _fits(stem: str, wanted: str) -> bool:
    """Whether a run of that socket may be called so: by its whole id, how that begins, or its last word."""
    moment = "-".join(wanted.split("-")[:2])
    named = wanted.count("-") >= 2 and stem.startswith(f"{moment}-")
    return stem in (wanted, _short(wanted)) or stem.startswith(wanted) or stem.endswith(f"-{wanted}") or named


def _places(group: int | None) -> Iterator[Path]:
    if group is not None:
        yield _shared_base() / f"gameday-{os.getuid()}-{group}"
        return
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime) / "gameday"
    yield Path(_SHARED) / f"gameday-{os.getuid()}" / "gameday"


def _shared_base() -> Path:
    return Path(os.environ.get("GAMEDAY_SOCKETS") or _SHARED)


def _prepared(folder: Path, group: int | None) -> str:
    """Why it cannot be used; '' when it is there, safe, and for whom it should be."""
    try:
        for level in (folder.parent, folder):
            if not level.exists():
                level.mkdir(mode=PRIVATE_FOLDER)
        why = next((why for level in _levels(folder) if (why := _unsafe(level))), "")
        if why or folder.stat().st_uid != os.getuid():
            return why or "it belongs to another account"
        if group is not None:
            os.chown(folder, -1, group)
        folder.chmod(PRIVATE_FOLDER if group is None else SHARED_FOLDER)
        barred = None if group is None else closed_to(folder, group)
    except OSError as error:
        return error.strerror or str(error)
    return f"{barred} is closed to the group" if barred else ""


def _unsafe(level: Path) -> str:
    state = level.stat()
    if state.st_uid not in (0, os.getuid()):
        return f"{level} belongs to another account (uid {state.st_uid})"
    if state.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not state.st_mode & stat.S_ISVTX:
        return f"others may write in {level}"
    return ""


def _levels(folder: Path) -> Iterator[Path]:
    """From the root down to the folder itself, links followed."""
    real = folder.resolve(strict=True)
    yield from reversed(real.parents)
    yield real


def _memberships() -> set[int]:
    return {os.getegid(), *os.getgroups()}


def _own_groups() -> list[str]:
    return sorted(group.gr_name for group in grp.getgrall() if group.gr_gid in _memberships())
