"""What a room that is open for hours throws away, and when: not while a key waits to be answered."""

from __future__ import annotations

import gc
from typing import Any

from textual._styles_cache import StylesCache
from textual.app import App

#: Seconds between two full looks.
_EVERY = 30.0
#: A full look takes 50 to 200 ms on a busy machine: as long as anybody notices.
_YOUNG, _MIDDLE, _NEVER = 2000, 10, 1_000_000


def look_seldom(app: App[Any]) -> None:
    """What an application stands on is never looked at again; the rest every half minute, and what is young as always."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
    app.set_interval(_EVERY, throw_away)


def throw_away() -> None:
    """What nobody needs any more."""
    # Every widget that was ever painted is kept by this cache of sizes, with all of its lines, up to a thousand of them.
    StylesCache.get_inner_outer.cache_clear()
    gc.collect()
