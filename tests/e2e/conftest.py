"""A world for each test, and nothing of it left behind."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from harness import World


@contextmanager
def fresh_world() -> Iterator[World]:
    # Short: the path of a unix socket holds 107 bytes, and a test's own folder is often longer.
    base = Path(tempfile.mkdtemp(prefix="gd-"))
    (base / "run").mkdir(mode=0o700)
    world = World(base)
    try:
        yield world
    finally:
        for pid in world.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def world() -> Iterator[World]:
    with fresh_world() as fresh:
        yield fresh


@pytest.fixture(scope="module")
def shared_world() -> Iterator[World]:
    """For what is expensive and looked at by several tests."""
    with fresh_world() as fresh:
        yield fresh
