"""What the YAML parser complains of, in plain words and at the place where somebody has to look."""

from __future__ import annotations

import yaml

from runner.lazy_dataclass import lazy_dataclass
from runner.specs.invisible import NOWHERE, explain, first_hidden

_PLAINER = {
    "found a tab character that violates indentation": ("a tab cannot indent", "use spaces"),
    "found character that cannot start any token": ("a value cannot begin with this character", "quote the value"),
    "mapping values are not allowed in this context": (
        "a colon is not expected here",
        "indent the key like its neighbours, or quote a text that holds ': '",
    ),
    "found unexpected end of stream": ("the file ends inside a quoted text", "close the quote"),
    "did not find expected ',' or ']'": ("a list in [ ] is not closed here", "separate with ',' and end with ']'"),
    "did not find expected ',' or '}'": ("a mapping in { } is not closed here", "separate with ',' and end with '}'"),
    "did not find expected '-' indicator": ("this is not an item of the list above", "begin it with '- ' or indent it"),
    "did not find expected key": ("no key is found here", "indent it like its neighbours, or quote the text before it"),
    "found unknown escape character": ("an unknown escape in a double-quoted text", "write \\\\ for a backslash"),
    "could not find expected ':'": ("a key without ':'", "write `key: value`"),
}


#: Lines, that of the complaint and those before it.
_LOOKED_AT = 4


@lazy_dataclass(frozen=True)
class Complaint:
    """Line and column, both from 1; what is wrong, and the cure."""

    line: int
    column: int
    what: str
    meant: str


def complaint(error: yaml.YAMLError, content: bytes) -> Complaint:
    """Why this text is not YAML. What nobody sees is named before what the parser made of it."""
    text = content.decode("utf-8", "replace")
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return _of_reader(error, content, text)
    lines = text.split("\n")[: mark.line + 1]
    if hidden := _hidden_before(lines):
        number, at = hidden
        return Complaint(number + 1, at + 1, *explain(lines[number][at]))
    tab = lines[-1].find("\t", 0, mark.column + 1)
    if tab >= 0 and not lines[-1][:tab].strip(" -"):
        return Complaint(mark.line + 1, tab + 1, "is not YAML: a tab cannot indent", "use spaces")
    found = getattr(error, "problem", None) or "cannot be read"
    what, meant = _PLAINER.get(found, (found, ""))
    return Complaint(mark.line + 1, mark.column + 1, f"is not YAML: {what}", meant)


def _hidden_before(lines: list[str]) -> tuple[int, int] | None:
    """Index of the line, and in it, of what took the place of a space in the last of these lines or just before it.

    The parser notices that only when it has read on.
    """
    for number in range(len(lines) - 1, max(len(lines) - 1 - _LOOKED_AT, -1), -1):
        line = lines[number]
        at = first_hidden(line)
        if at is not None and (number == len(lines) - 1 or _stands_for_a_space(line[:at])):
            return number, at
    return None


def _stands_for_a_space(before: str) -> bool:
    return not before.strip(" -") or before.rstrip(" ").endswith((":", "-", ",", "{", "["))


def _of_reader(error: yaml.YAMLError, content: bytes, text: str) -> Complaint:
    """The reader tells a position in bytes, and not which character it is."""
    hidden = NOWHERE.search(text)
    before = text[: hidden.start()] if hidden else content[: getattr(error, "position", 0)].decode("utf-8", "replace")
    character = f"U+{ord(hidden[0]):04X}" if hidden else "a control character"
    return Complaint(*line_column(before), f"holds {character}, which YAML does not allow", "remove it")


def line_column(before: str) -> tuple[int, int]:
    """Line and column of what comes after this text."""
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
