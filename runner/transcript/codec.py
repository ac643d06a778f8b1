"""Events ↔ lines: strict in what is written, tolerant in what is read.

A line is `{"seq":…,"at":…,"t":…,"kind":…,"by":…,<the kind's fields>,"prev":"<hash of the line before>"}`, compact and
pure ASCII, so that a control or bidi character from a command's output is inert on disk too. A kind of a newer release
decodes to `Unrecognised`, an unknown field is left out, a missing one takes its default.
"""

from __future__ import annotations

import functools
import itertools
import json
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from hashlib import blake2b
from pathlib import Path
from typing import Any

from runner.clock import Stamp
from runner.engine.events import KINDS, Event, Recorded, Unrecognised
from runner.lazy_dataclass import hints
from runner.transcript.run_folder import TRANSCRIPT

#: The transcript's name in its run folder.

#: Bytes. Longer lines are refused: what is that big belongs into a file of its own.
MAX_LINE = 4 << 20

#: The `prev` of the first line.
FIRST_PREV = "0" * 32

ENVELOPE = ("seq", "at", "t", "kind", "by", "prev")

_ABSENT: Any = object()


class LineError(ValueError):
    """The bytes are no line of a transcript."""


def transcript_file(path: Path) -> Path:
    """`path` is the transcript itself (`….jsonl`) or the run folder that holds it."""
    return path if path.suffix == ".jsonl" else path / TRANSCRIPT


def line_hash(line: bytes) -> str:
    """What the next line carries as `prev`: 32 hex digits over `line` without its newline."""
    # Two thirds of sha256's time on processors without SHA instructions; a million lines are verified in one go.
    return blake2b(line, digest_size=16).hexdigest()


# -- writing -----------------------------------------------------------------------------------------------------------


def plain_fields(event: Event) -> tuple[str, dict[str, Any]]:
    """The kind on disk and its fields as dicts, lists and scalars. Raises ValueError for what JSON cannot hold."""
    kind, values = _kind_and_values(event)
    try:
        text = json.dumps(values, allow_nan=False, default=_plain)
        return kind, json.loads(text)
    except (TypeError, ValueError, RecursionError) as cause:
        raise ValueError(f"an event `{kind}` holds what JSON cannot: {cause}") from cause


def encode(seq: int, stamp: Stamp, by: str, kind: str, values: Mapping[str, Any], prev: str) -> bytes:
    """One line without its newline. Raises ValueError when the line could not be read back."""
    envelope = {"seq": seq, "at": stamp.at, "t": stamp.t, "kind": kind, "by": by}
    try:
        text = json.dumps({**envelope, **values, "prev": prev}, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as cause:
        raise ValueError(f"an event `{kind}` holds what JSON cannot: {cause}") from cause
    if len(text) >= MAX_LINE:
        raise ValueError(f"an event `{kind}` of {len(text)} bytes is too long for a transcript line")
    return text.encode("ascii")


def _kind_and_values(event: Event) -> tuple[str, dict[str, Any]]:
    if not isinstance(event, Unrecognised):
        return event.kind, {field.name: getattr(event, field.name) for field in fields(event)}
    clash = set(event.fields) & set(ENVELOPE)
    if _is_known(event.name) or clash:
        raise ValueError(f"`{event.name}` is no event of a newer release")
    return event.name, dict(event.fields)


def _plain(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__}")


# -- reading -----------------------------------------------------------------------------------------------------------


def decode(line: bytes) -> Recorded:
    """The event of one line. Raises LineError."""
    return _recorded(parse(line))


def decode_all(lines: Sequence[bytes]) -> list[Recorded]:
    """The events of some consecutive lines, each with or without its newline. Raises LineError."""
    return [_recorded(raw) for raw in _parse_together(lines)]


def parse(line: bytes) -> dict[str, Any]:
    """The JSON object of one line. Raises LineError."""
    try:
        raw = _loads(line)
    except (ValueError, RecursionError) as cause:
        raise LineError("no line of a transcript") from cause
    if type(raw) is not dict or type(raw.get("seq")) is not int:
        raise LineError("no line of a transcript")
    return raw


def _parse_together(lines: Sequence[bytes]) -> list[dict[str, Any]]:
    # One call for many lines shares the key strings between them and costs 40 % less than one call each.
    try:
        together = _loads(b"[" + b",".join(lines) + b"]")
    except (ValueError, RecursionError) as cause:
        raise LineError("no line of a transcript") from cause
    if len(together) != len(lines):
        raise LineError("no line of a transcript")
    return typing.cast("list[dict[str, Any]]", together)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


_decoder = json.JSONDecoder(parse_constant=_no_constant)


def _loads(text: bytes) -> Any:
    return _decoder.decode(text.decode())


def _recorded(raw: dict[str, Any]) -> Recorded:
    try:
        seq, at, t, kind, by = raw["seq"], raw["at"], raw["t"], raw["kind"], raw["by"]
    except (KeyError, TypeError):
        raise LineError("a line without seq, at, t, kind or by") from None
    well_typed = type(seq) is int and type(t) in _NUMBER and type(at) is str and type(by) is str and type(kind) is str
    if not well_typed:
        raise LineError("seq, at, t, kind or by is of the wrong type")
    layout = _LAYOUTS.get(kind) or _layout(kind)
    if layout is None:
        unknown = {name: value for name, value in raw.items() if name not in ENVELOPE}
        return Recorded(seq, at, t, by, Unrecognised(name=kind, fields=unknown))
    return Recorded(seq, at, t, by, layout.build(raw))


# -- the shapes of the kinds -------------------------------------------------------------------------------------------

_NUMBER = frozenset({float, int})
_LIST = frozenset({list})
_DICT = frozenset({dict})
_SCALARS: dict[Any, frozenset[type]] = {
    str: frozenset({str}),
    int: frozenset({int}),
    float: _NUMBER,
    bool: frozenset({bool}),
    types.NoneType: frozenset({types.NoneType}),
}


@dataclass(frozen=True, slots=True)
class _Shape:
    """`accepted` JSON types, None for any; `convert` checks what is inside and makes tuples of lists."""

    accepted: frozenset[type] | None
    convert: Callable[[Any], Any] | None = None

    def fit(self, value: Any) -> Any:
        if self.accepted is not None and type(value) not in self.accepted:
            raise LineError(f"a {type(value).__name__} where it cannot be")
        return value if self.convert is None else self.convert(value)


class _Layout:
    """How one kind is built from a parsed line, without the cost of a frozen dataclass's `__init__`."""

    def __init__(self, event_type: type[Event]) -> None:
        self._type = event_type
        told = hints(event_type)
        self._fields = [
            (field.name, shape.accepted, shape.convert, _default(field))
            for field in fields(event_type)
            for shape in (_shape(told[field.name]),)
        ]

    def build(self, raw: dict[str, Any]) -> Event:
        event = object.__new__(self._type)
        values = event.__dict__
        for name, accepted, convert, default in self._fields:
            value = raw.get(name, _ABSENT)
            if value is _ABSENT:
                values[name] = self._missing(name) if default is None else default()
            elif accepted is not None and type(value) not in accepted:
                raise LineError(f"`{name}` of `{self._type.kind}` is a {type(value).__name__}")
            else:
                values[name] = value if convert is None else convert(value)
        return event

    def _missing(self, name: str) -> Any:
        raise LineError(f"`{self._type.kind}` without `{name}`")


def _default(field: Any) -> Callable[[], Any] | None:
    if field.default_factory is not MISSING:
        return typing.cast("Callable[[], Any]", field.default_factory)
    return None if field.default is MISSING else lambda: field.default


#: Of the kinds that were read so far: to make one of every kind takes longer than to read a short transcript.
_LAYOUTS: dict[str, _Layout] = {}


def _layout(kind: str) -> _Layout | None:
    if not _is_known(kind):
        return None
    return _LAYOUTS.setdefault(kind, _Layout(KINDS[kind]))


def _is_known(kind: str) -> bool:
    return kind in KINDS and KINDS[kind] is not Unrecognised


@functools.cache
def _shape(hint: Any) -> _Shape:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return _Shape(None)
    if hint in _SCALARS:
        return _Shape(_SCALARS[hint])
    if origin in (types.UnionType, typing.Union) and all(part in _SCALARS for part in arguments):
        return _Shape(frozenset().union(*(_SCALARS[part] for part in arguments)))
    if origin is tuple:
        return _tuple_shape(arguments)
    if origin is Mapping:
        return _mapping_shape(_shape(arguments[1]))
    raise TypeError(f"an event's field cannot be a {hint}")


def _tuple_shape(arguments: tuple[Any, ...]) -> _Shape:
    if arguments[-1] is Ellipsis:
        inner = _shape(arguments[0])
        if inner.convert is None:
            return _Shape(_LIST, lambda value: tuple(_all_of(inner.accepted, value, value)))
        fit = inner.fit
        return _Shape(_LIST, lambda value: tuple([fit(item) for item in value]))
    shapes = [_shape(argument) for argument in arguments]
    # A run has thousands of probe shots: one look-up of their types together costs a fifth of a check of each.
    usual = set(itertools.product(*(shape.accepted or () for shape in shapes)))
    if any(shape.convert for shape in shapes):
        usual.clear()

    def convert(value: list[Any]) -> tuple[Any, ...]:
        if tuple(map(type, value)) in usual:
            return tuple(value)
        if len(value) < len(shapes):
            raise LineError(f"{len(value)} values where there should be {len(shapes)}")
        return tuple([shape.fit(item) for shape, item in zip(shapes, value, strict=False)])

    return _Shape(_LIST, convert)


def _mapping_shape(inner: _Shape) -> _Shape:
    if inner.convert is None:
        return _Shape(_DICT, lambda value: _all_of(inner.accepted, value.values(), value))
    fit = inner.fit
    return _Shape(_DICT, lambda value: {key: fit(item) for key, item in value.items()})


def _all_of(accepted: frozenset[type] | None, items: Iterable[Any], value: Any) -> Any:
    if accepted is not None and not accepted.issuperset(map(type, items)):
        raise LineError("a value inside a field is of the wrong type")
    return value
