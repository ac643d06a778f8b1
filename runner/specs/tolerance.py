"""Does a value lie within a tolerance, and if not, why not, in one line.

The rules are those of Chaos Toolkit, its corners included: `[a, b]` is a range for a number but a choice for an http
or process status; a boolean equals 0 or 1; a JSON path searches text that happens to be JSON. Where Chaos Toolkit
would crash on a value of the wrong shape, the value is out of tolerance.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from runner.specs.json_path import parsed_path
from runner.specs.probe_spec import JsonPathTolerance, PlainTolerance, RangeTolerance, RegexTolerance

#: Longest piece of a value that `explain` shows, in characters.
SHOWN = 120


def within(tolerance: PlainTolerance, value: Any) -> bool:
    """Whether a probe's value is acceptable. Never raises for a value, whatever its shape."""
    return not explain(tolerance, value)


def explain(tolerance: PlainTolerance, value: Any) -> str:
    """One line that says why `value` is out of tolerance, such as `status 503, expected 200`; empty when within."""
    match tolerance:
        case JsonPathTolerance():
            return _explain_json_path(tolerance, value)
        case RegexTolerance():
            return _explain_regex(tolerance, value)
        case RangeTolerance():
            return _explain_range(tolerance, value)
        case list():
            return _explain_list(tolerance, value)
        case bool() | str():
            return "" if value == tolerance else f"gave {show(value)}, expected {show(tolerance)}"
        case _:
            return _explain_number(tolerance, value)


def show(value: Any) -> str:
    """A value as one line of JSON, cut to a length that fits a line."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _has_status(value: Any) -> bool:
    return isinstance(value, Mapping) and "status" in value


def _status(value: Mapping[str, Any]) -> str:
    return f"{'exit code' if 'stdout' in value else 'status'} {show(value['status'])}"


def _explain_number(tolerance: int, value: Any) -> str:
    if _has_status(value):
        return "" if value["status"] == tolerance else f"{_status(value)}, expected {tolerance}"
    return "" if value == tolerance else f"gave {show(value)}, expected {tolerance}"


def _explain_list(tolerance: list[Any], value: Any) -> str:
    choices = ", ".join(show(choice) for choice in tolerance)
    if _has_status(value):
        return "" if value["status"] in tolerance else f"{_status(value)}, expected one of {choices}"
    if len(tolerance) != 2:
        return "" if value in tolerance else f"gave {show(value)}, expected one of {choices}"
    low, high = tolerance
    try:
        if low <= value <= high:
            return ""
    except TypeError:
        return f"gave {show(value)}, which does not compare with {show(low)} and {show(high)}"
    return f"gave {show(value)}, expected {show(low)} to {show(high)}"


_MISSING = object()


def _pick(target: str | None, value: Any) -> Any:
    """The part of a value that a tolerance is about; a target the value lacks means all of it."""
    if not target:
        return value
    return value.get(target, value) if isinstance(value, Mapping) else _MISSING


def _no_target(target: str | None, value: Any) -> str:
    return f"gave {show(value)}, which has no {target!r}"


def _explain_range(tolerance: RangeTolerance, value: Any) -> str:
    picked = _pick(tolerance.target, value)
    if picked is _MISSING:
        return _no_target(tolerance.target, value)
    low, high = tolerance.range
    try:
        if Decimal(low) <= Decimal(picked) <= Decimal(high):
            return ""
    except (InvalidOperation, TypeError, ValueError):
        return f"gave {show(picked)}, which is not a number"
    return f"gave {show(picked)}, expected {show(low)} to {show(high)}"


def _explain_regex(tolerance: RegexTolerance, value: Any) -> str:
    picked = _pick(tolerance.target, value)
    if picked is _MISSING:
        return _no_target(tolerance.target, value)
    if not isinstance(picked, str):
        return f"gave {show(picked)}, which is not text"
    if re.search(tolerance.pattern, picked) is not None:
        return ""
    return f"gave {show(picked)}, in which nothing matches {tolerance.pattern}"


def _explain_json_path(tolerance: JsonPathTolerance, value: Any) -> str:
    picked = _pick(tolerance.target, value)
    if picked is _MISSING:
        return _no_target(tolerance.target, value)
    if isinstance(picked, bytes):
        picked = picked.decode(errors="replace")
    if isinstance(picked, str):
        with contextlib.suppress(ValueError, RecursionError):
            picked = json.loads(picked)
    try:
        found = [match.current_value for match in parsed_path(tolerance.path).match(picked)]
    # The library raises whatever its operators meet in the data.
    except Exception as error:
        return f"{tolerance.path} could not be searched for: {type(error).__name__}: {error}"
    return _explain_found(tolerance, found)


def _explain_found(tolerance: JsonPathTolerance, found: list[Any]) -> str:
    if "expect" in tolerance.model_fields_set:
        expected = tolerance.expect if isinstance(tolerance.expect, list) else [tolerance.expect]
        if found == expected:
            return ""
        return f"{tolerance.path} gave {show(found)}, expected {show(tolerance.expect)}"
    if tolerance.count is not None:
        if len(found) == tolerance.count:
            return ""
        return f"{tolerance.path} gave {len(found)} values, expected {tolerance.count}"
    return "" if found else f"{tolerance.path} gave nothing"
