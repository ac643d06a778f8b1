"""Garbage collection, where it would cost more than it brings."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection(*, for_good: bool = False) -> Iterator[None]:
    """Tens of thousands of small objects are made, and all stay: to look among them again and again takes a third longer.

    `for_good`: they are not looked at later either.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if for_good:
            gc.freeze()
        if collecting:
            gc.enable()
