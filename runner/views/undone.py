"""How a fault ended, in words: what undid it, or that nothing did and why that is no matter."""

from __future__ import annotations

_UNDONE = {
    "heals": "was undone by nothing: it heals by itself",
    "discarded": "was undone by nothing: it goes with its sandbox",
    "vanished": "is gone with its sandbox",
    "unneeded": "had nothing to undo",
}
_STATES = {
    "heals": "nothing undid it: it heals by itself",
    "discarded": "nothing undid it: it goes with its sandbox",
    "vanished": "gone with its sandbox",
    "unneeded": "nothing to undo",
}


def undone(how: str) -> str:
    """What became of an experiment, as the rest of a sentence; `how` as in `fault-undone`."""
    return _UNDONE.get(how, f"is undone  ({how})")


def undone_how(how: str) -> str:
    """The same in a table, beside the state; '' for ''."""
    return _STATES.get(how, how)
