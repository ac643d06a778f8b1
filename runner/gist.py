"""What went wrong, in one line, of what a program printed about it."""

from __future__ import annotations

import re

_HEADER = "Traceback (most recent call last):"
#: Between the exceptions of a chain; the last one is what came out in the end.
_BETWEEN = ("During handling of the above exception", "The above exception was the direct cause")
#: The toolkit wraps what an activity raised; its own exceptions are whole sentences.
_WRAPPED = re.compile(r"^(?:chaoslib\.exceptions\.\w+: )+")
_FRAME = re.compile(r'^\s+File "([^"]+)", line (\d+)', re.MULTILINE)
_NOT_TPREFORKEDS = re.compile(r"/(?:chaoslib|runner)/")
#: Characters of one line of a message.
_MOST = 400


def exception_gist(text: str) -> str:
    """Of an exception as Python prints it, alone or behind its traceback: its first line, its last one if it has several,
    and the place where it was raised if the traceback tells; '' of nothing.
    """
    said = _message(text)
    if not said:
        return ""
    first = _WRAPPED.sub("", said[0]) or said[0]
    gist = _cut(first) if len(said) == 1 else f"{_cut(first)} … {_cut(said[-1])}"
    places = [(file, line) for file, line in _FRAME.findall(text) if not _NOT_TPREFORKEDS.search(file)]
    return f"{gist} ({places[-1][0].rpartition('/')[2]}:{places[-1][1]})" if places else gist


def last_words(text: str) -> str:
    """Of what a program printed: what it died of, if that was an exception, else its last line; '' of nothing."""
    if _HEADER in text:
        return exception_gist(text[text.rindex(_HEADER) :])
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _message(text: str) -> list[str]:
    """The lines of the last exception's own text, without the empty ones."""
    lines = text.splitlines()
    starts = [at + 1 for at, line in enumerate(lines) if line.startswith(_BETWEEN)]
    lines = lines[starts[-1] :] if starts else lines
    if _HEADER in lines:
        lines = lines[lines.index(_HEADER) + 1 :]
        frames = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith(" ")), len(lines))
        lines = lines[frames:]
    return [line.strip() for line in lines if line.strip()]


def _cut(line: str) -> str:
    return line if len(line) <= _MOST else f"{line[: _MOST - 1]}…"
