"""What a whole run costs when nothing happens in it: the same experiment run by Gameday and by Chaos Toolkit.

Both run it once before they are measured, and Gameday keeps its plan from one run to the next; what a run takes that has to
make it is a row of its own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from figures import BIN, Row, in_turn, place

MOST = 1.5
MOST_ANEW = 2.0

_NOTHING: dict[str, Any] = {"type": "action", "name": "nothing", "provider": {"type": "process", "path": "true"}}


def rows(*, quick: bool) -> list[Row]:
    """With a rollback, and without one."""
    times = 3 if quick else 15
    return [
        _row("gameday run, no-op experiment with a rollback, wall", [_NOTHING], times),
        _row("gameday run, no-op experiment without one, wall", [], times),
        _row("gameday run, no-op experiment whose plan is made anew, wall", [_NOTHING], times, kept=False),
    ]


def _row(what: str, rollbacks: list[Any], times: int, *, kept: bool = True) -> Row:
    experiment = {
        "title": "Nothing",
        "description": "Nothing happens.",
        "method": [_NOTHING],
        "rollbacks": rollbacks,
        "extensions": [{"name": "gameday", "no-undo": "Nothing happens."}],
    }
    with place() as here:
        # Nothing can be kept there.
        here.env["XDG_CACHE_HOME"] = str(here.folder / "cache") if kept else "/proc"
        path = here.write("noop.json", json.dumps(experiment))
        gameday: list[str | Path] = [
            BIN / "gameday",
            "run",
            path,
            "--headless",
            "--target",
            "local",
            "--runs-dir",
            here.folder / "runs",
        ]
        chaos: list[str | Path] = [BIN / "chaos", "--no-version-check", "run", path]
        pairs = in_turn(lambda: here.call(*gameday), lambda: here.call(*chaos), times)
    return pairs.row(what, "chaos run", MOST if kept else MOST_ANEW)
