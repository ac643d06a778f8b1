"""Text from elsewhere, made fit for a terminal line: nothing in it acts, nothing in it forges a line."""

from __future__ import annotations

import re
import unicodedata

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x1b\\|\x07)|[@-Z\\-_])", re.DOTALL)
_ACTING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def inert(text: str) -> str:
    """`text` on one line, with escape sequences taken out and control, format and bidi characters shown as `\\u…`."""
    if text.isascii() and text.isprintable():
        return text
    text = _ESCAPES.sub("", text).replace("\t", " ")
    return "".join(character if _harmless(character) else _shown(character) for character in text)


def inert_lines(text: str) -> str:
    """The same for a text of ours that has several lines; what each of them quotes is inert already in that."""
    return "\n".join(inert(line) for line in text.split("\n"))


def _harmless(character: str) -> bool:
    return (character.isascii() and character.isprintable()) or unicodedata.category(character) not in _ACTING


def _shown(character: str) -> str:
    return "⏎" if character == "\n" else f"\\u{ord(character):04x}"
