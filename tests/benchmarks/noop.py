"""What a whole run costs when nothing happens in it: the same experiment run by Gameday and by Chaos Toolkit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from figures import BIN, Row, in_turn, place

MOST = 1.5

_NOTHING: dict[str, Any] = {"type": "action", "name": "nothing", "provider": {"type": "process", "path": "true"}}


def rows(*, quick: bool) -> list[Row]:
    """With a rollback, and without one."""
    times = 3 if quick else 15
    return [
        _row("gameday run, no-op experiment with a rollback, wall", [_NOTHING], times),
        _row("gameday run, no-op experiment without one, wall", [], times),
    ]


def _row(what: str, rollbacks: list[Any], times: int) -> Row:
    experiment = {
        "title": "Nothing",
        "description": "Nothing happens.",
        "method": [_NOTHING],
        "rollbacks": rollbacks,
        "extensions": [{"name": "gameday", "no-undo": "Nothing happens."}],
    }
    with place() as here:
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
    return pairs.row(what, "chaos run", MOST)
