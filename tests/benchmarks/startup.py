"""What the shortest command costs: `gameday --help` beside `chaos --version`."""

from __future__ import annotations

from figures import BIN, Row, in_turn, place

MOST = 0.35


def rows(*, quick: bool) -> list[Row]:
    """Wall time, the installed commands as they are."""
    with place() as here:
        pairs = in_turn(
            lambda: here.call(BIN / "gameday", "--help"),
            lambda: here.call(BIN / "chaos", "--version"),
            5 if quick else 21,
        )
    return [pairs.row("gameday --help, wall", "chaos --version", MOST)]
