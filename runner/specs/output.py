"""Values read out of what a step's command printed: by a JSON path or by a regular expression."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

from pydantic import AfterValidator, WithJsonSchema

from runner.specs.fields import wrong
from runner.specs.json_path import parsed_path, why_no_path

#: Characters of a value: it becomes a variable of the environment, and several have to fit.
LONGEST_VALUE = 32_768

_MEANT = "a JSON path such as $.version, or a regular expression between slashes such as /version: (.+)/"


def _reading(text: str) -> str:
    if _is_path(text):
        if why := why_no_path(text):
            wrong(f"{text!r} is not a JSON path: {why}", "such as $.items[0].name")
    elif _is_pattern(text):
        try:
            groups = re.compile(text[1:-1], re.MULTILINE).groups
        except re.error as error:
            wrong(f"{text!r} is not a regular expression: {error}", _MEANT)
        if groups > 1:
            wrong(f"{text!r} has {groups} groups", "the value is the only group; write the others (?:…)")
    else:
        wrong(f"{text!r} does not say where the value stands", _MEANT)
    return text


def _is_path(text: str) -> bool:
    return text == "$" or text.startswith(("$.", "$["))


def _is_pattern(text: str) -> bool:
    return len(text) > 2 and text.startswith("/") and text.endswith("/")


#: Where a value stands in what was printed: `$.a.json.path` or `/a regular expression/`.
Reading = Annotated[
    str, AfterValidator(_reading), WithJsonSchema({"type": "string", "pattern": r"^(\$|\$[.\[].*|/.+/)$"})
]


class NotRead(ValueError):
    """Nothing fit for a variable stands there; the message says what was looked for, and why it is not there."""


def read_value(reading: str, printed: str) -> str:
    """The value that `reading` finds in what was printed: its first match.

    Of a regular expression its group, or all of it when it has none; of a JSON path a text as it is, anything else as
    JSON. Raises NotRead.
    """
    value = _by_path(reading, printed) if _is_path(reading) else _by_pattern(reading, printed)
    if len(value) > LONGEST_VALUE:
        raise NotRead(f"what {reading} finds is {len(value):,} characters long; at most {LONGEST_VALUE:,}")
    if "\0" in value:
        raise NotRead(f"what {reading} finds holds a NUL, which no variable can")
    return value


def _by_pattern(reading: str, printed: str) -> str:
    found = re.search(reading[1:-1], printed, re.MULTILINE)
    if found is None:
        raise NotRead(f"nothing matches {reading}")
    value = found[1] if found.re.groups else found[0]
    if value is None:
        raise NotRead(f"the group of {reading} took no part in its match")
    return value


def _by_path(reading: str, printed: str) -> str:
    try:
        document = json.loads(printed)
    except (ValueError, RecursionError) as error:
        raise NotRead(f"nothing is found at {reading}: what was printed is not JSON") from error
    try:
        found = [match.current_value for match in parsed_path(reading).match(document)]
    # The library raises whatever its operators meet in the data.
    except Exception as error:
        raise NotRead(f"{reading} could not be searched for: {type(error).__name__}: {error}") from error
    if not found:
        raise NotRead(f"nothing is found at {reading}")
    if found[0] is None:
        raise NotRead(f"null stands at {reading}")
    return _as_text(found[0])


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
