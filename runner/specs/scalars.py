"""What an unquoted word in a file stands for.

Only the forms that every YAML reader agrees on get a type: `true`, `null`, `12`, `1.5`. A word that YAML 1.1 would
have read as something else (`on`, `12:30`, `010`, `2026-11-20`) stays text here, with a note of that other reading,
because the same file means two things to two tools.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from runner.lazy_dataclass import lazy_dataclass

_CONSTANTS: dict[str, Any] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_TRUTHS = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_TRAPS = (
    (re.compile(r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+"), "sexagesimal"),
    (re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*"), "sexagesimal"),
    (re.compile(r"[-+]?0[0-7_]+"), "octal"),
    (re.compile(r"[-+]?0x[0-9a-fA-F_]+"), "hexadecimal"),
    (re.compile(r"[-+]?0b[01_]+"), "binary"),
    (re.compile(r"[-+]?[1-9][0-9_]*"), "grouped"),
    (re.compile(r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?"), "grouped"),
    (re.compile(r"\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d.*", re.DOTALL), "date"),
)
#: A word that begins otherwise is text without a second look: nearly all words.
MAYBE_TYPED = frozenset("0123456789+-.~ntfNTFyYoO=")
#: Digits. More than a double can tell apart, and far more than any field of ours wants.
_MAX_DIGITS = 40


@lazy_dataclass(frozen=True)
class Plain:
    """A value and, when there is one, the trap: what other tools would read (`as_`), or why it is `refused`."""

    value: Any
    as_: str = ""
    refused: str = ""


# Files repeat their words: keys, durations, true and false.
@lru_cache(maxsize=4096)
def read_plain(word: str) -> Plain:
    """What an unquoted word stands for. One that begins with none of MAYBE_TYPED is text."""
    if word in _CONSTANTS:
        return Plain(_CONSTANTS[word])
    if word[0].isalpha() or word == "=":
        return _letters(word)
    return _number(word)


def _letters(word: str) -> Plain:
    truth = _TRUTHS.get(word.lower())
    # YAML 1.1 knows yes, Yes and YES, but not yES.
    if truth and word in (word.lower(), word.title(), word.upper()):
        return Plain(word, as_=truth)
    return Plain(word, as_="a special value" if word == "=" else "")


def _number(word: str) -> Plain:
    if _INTEGER.fullmatch(word):
        if len(word) > _MAX_DIGITS:
            return Plain(word, refused=f"a number of {len(word)} digits")
        return Plain(int(word))
    if _DECIMAL.fullmatch(word):
        value = float(word)
        if value in (float("inf"), float("-inf")):
            return Plain(word, refused=f"{word} is too large a number")
        return Plain(value)
    if _NOT_FINITE.fullmatch(word):
        return Plain(word, refused=f"{word} is not a finite number")
    return next((Plain(word, as_=_reading(word, sort)) for form, sort in _TRAPS if form.fullmatch(word)), Plain(word))


def _reading(word: str, sort: str) -> str:
    if sort == "date":
        return "a date"
    if len(word) > _MAX_DIGITS:
        return "a number"
    digits = word.replace("_", "").lstrip("+-")
    sign = "-" if word.startswith("-") else ""
    if sort == "sexagesimal":
        total = 0.0
        for part in digits.split(":"):
            total = total * 60 + float(part)
        return f"the number {sign}{total:g}"
    if sort == "grouped":
        return f"the number {sign}{digits}"
    base = {"octal": 8, "hexadecimal": 16, "binary": 2}[sort]
    return f"the number {sign}{int(digits.removeprefix('0x').removeprefix('0b') or '0', base)}"
