"""A plan as JSON and back: how it stands in the first line of a transcript.

Reading is tolerant, for a transcript outlives the release that wrote it: keys of a newer release are ignored, and what
an older one did not write takes its default.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, NamedTuple, TypeVar, get_args, get_origin

from runner.engine.plan import RunPlan
from runner.lazy_dataclass import hints
from runner.specs.failure_rule import FailureRule, read_rule
from runner.specs.injection_moment import InjectionMoment, read_moment

T = TypeVar("T")
Convert = Callable[[Any], Any]
#: What is a value in the engine and a text on disk: how it is read, and how written.
_TEXTS: Mapping[Any, tuple[Convert, Convert]] = {
    InjectionMoment: (read_moment, str),
    FailureRule: (read_rule, str),
    FailureRule | None: (
        lambda text: read_rule(text) if text else None,
        lambda rule: "" if rule is None else str(rule),
    ),
}


class _Field(NamedTuple):
    """One field of a class: how it is read and written; `empty` makes up for a missing one that has no default."""

    name: str
    read: Convert
    write: Convert
    empty: Callable[[], Any] | None


def plan_to_json(plan: RunPlan) -> dict[str, Any]:
    """The plan as mappings, lists and plain values only; keys are the fields' names."""
    return _plain(plan)  # type: ignore[no-any-return]


def plan_from_json(document: Mapping[str, Any]) -> RunPlan:
    """The inverse of `plan_to_json`."""
    return _build(RunPlan, document)


def _plain(value: Any) -> Any:
    if isinstance(value, str | int | float) or value is None:
        return value
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return {each.name: each.write(getattr(value, each.name)) for each in _fields(type(value))}  # type: ignore[arg-type]


def _build(kind: type[T], document: Any) -> T:
    given = document if isinstance(document, Mapping) else {}
    values: dict[str, Any] = {}
    for each in _fields(kind):  # type: ignore[arg-type]
        if each.name in given:
            values[each.name] = each.read(given[each.name])
        elif each.empty is not None:
            values[each.name] = each.empty()
    return kind(**values)


@cache
def _fields(kind: type[Any]) -> tuple[_Field, ...]:
    told = hints(kind)
    return tuple(_field(field, told[field.name]) for field in fields(kind))


def _field(field: Field[Any], hint: Any) -> _Field:
    read, write = _TEXTS.get(hint) or (_converter(hint), _plain)
    needed = field.default is MISSING and field.default_factory is MISSING
    return _Field(field.name, read, write, _empty(hint) if needed else None)


def _converter(hint: Any) -> Convert:
    if is_dataclass(hint):
        return lambda value: _build(hint, value)  # type: ignore[arg-type]
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple:
        item = _converter(inner[0])
        return lambda value: tuple(item(each) for each in value or ())
    if origin is types.UnionType:
        some = next((_converter(each) for each in inner if each is not type(None)), _same)
        return lambda value: None if value is None else some(value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return lambda value: dict(value or {})
    return _same


def _same(value: Any) -> Any:
    return value


def _empty(hint: Any) -> Callable[[], Any]:
    if is_dataclass(hint):
        return lambda: _build(hint, {})  # type: ignore[arg-type]
    origin = get_origin(hint)
    if origin is tuple:
        return tuple
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return dict
    return hint if hint in (str, int, float, bool) else str
