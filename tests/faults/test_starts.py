"""A fence right after the start, beside processes that keep every core busy; `starts.py` does it thousands of times."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from starts import KINDS, busy, missed


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_start_is_too_recent_for_a_fence(kind: Callable[[str], bool]) -> None:
    with busy(os.cpu_count() or 1):
        assert missed(kind, 20)[0] == 0
