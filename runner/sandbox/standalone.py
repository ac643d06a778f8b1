"""A sandbox on its own, for authors of drills: up, down, status.

`state_dir` is where the program keeps its state; `sandbox.json` in it outlives the command that wrote it.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.errors import Broken
from runner.sandbox.info import SandboxInfo
from runner.sandbox.sandbox_process import is_running, start, stop


def up(state_dir: Path, *, timeout: float = 10.0) -> tuple[SandboxInfo, bool]:
    """The standing sandbox, and whether it was started just now (False: it was up already). Raises `Broken`."""
    with _locked(state_dir):
        if known := _running(state_dir):
            return known, False
        info = start(state_dir / "sandbox", lifeline=None, timeout=timeout)
        try:
            _write(state_dir, info)
        except OSError as error:
            stop(info)
            raise Broken(f"the sandbox's state cannot be written to {state_dir}: {error.strerror}") from error
        return info, True


def down(state_dir: Path) -> bool:
    """Ends the standing sandbox; False when there was none. Raises `Broken`."""
    with _locked(state_dir):
        known = _running(state_dir)
        if known:
            stop(known)
        _state_file(state_dir).unlink(missing_ok=True)
        return known is not None


def status(state_dir: Path) -> SandboxInfo | None:
    """The standing sandbox, or None."""
    return _running(state_dir)


def _running(state_dir: Path) -> SandboxInfo | None:
    try:
        info = SandboxInfo.from_json(_state_file(state_dir).read_text())
    except (OSError, Broken):
        return None
    return info if is_running(info) else None


def _write(state_dir: Path, info: SandboxInfo) -> None:
    draft = state_dir / "sandbox.json.new"
    draft.write_text(info.to_json() + "\n")
    draft.replace(_state_file(state_dir))


def _state_file(state_dir: Path) -> Path:
    return state_dir / "sandbox.json"


@contextmanager
def _locked(state_dir: Path) -> Iterator[None]:
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (state_dir / "sandbox.lock").open("w")
    except OSError as error:
        raise Broken(f"the sandbox's state cannot be kept in {state_dir}: {error.strerror}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
