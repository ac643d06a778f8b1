from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.clock import Stamp
from runner.engine.events import (
    KINDS,
    ActivityEnded,
    Event,
    NoteWritten,
    PhaseEntered,
    ProbesSampled,
    Recorded,
    RunStarted,
    TargetReady,
    Unrecognised,
)
from runner.transcript.codec import (
    ENVELOPE,
    FIRST_PREV,
    MAX_LINE,
    LineError,
    decode,
    decode_all,
    encode,
    line_hash,
    plain_fields,
)

STAMP = Stamp(at="2026-11-20T17:40:00.000000Z", t=12.345678)

SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(),
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 9),
    bool: st.booleans(),
    types.NoneType: st.none(),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return JSON
    if hint in SCALARS:
        return SCALARS[hint]
    if origin is types.UnionType:
        return st.one_of(*map(values_of, arguments))
    if origin is Mapping:
        return st.dictionaries(st.text(), values_of(arguments[1]), max_size=3)
    assert origin is tuple, hint
    if arguments[-1] is Ellipsis:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    return st.tuples(*map(values_of, arguments))


def events_of(event_type: type[Event]) -> st.SearchStrategy[Event]:
    hints = typing.get_type_hints(event_type)
    return st.builds(event_type, **{field.name: values_of(hints[field.name]) for field in fields(event_type)})


def line_of(event: Event) -> bytes:
    kind, values = plain_fields(event)
    return encode(7, STAMP, "conductor", kind, values, FIRST_PREV)


def edited(event: Event, **changes: Any) -> bytes:
    return json.dumps(json.loads(line_of(event)) | changes).encode()


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"unrecognised"}))
@given(data=st.data())
def test_every_kind_comes_back_as_it_went(kind: str, data: st.DataObject) -> None:
    event = data.draw(events_of(KINDS[kind]))

    line = line_of(event)

    assert decode(line) == Recorded(7, STAMP.at, STAMP.t, "conductor", event)
    assert type(decode(line).event) is KINDS[kind]
    assert hash(tuple(vars(decode(line).event))) == hash(tuple(vars(event)))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_field_hides_the_envelope(kind: str) -> None:
    assert not {field.name for field in fields(KINDS[kind])} & set(ENVELOPE)


def test_keys_stand_in_the_promised_order_without_spaces() -> None:
    line = line_of(NoteWritten(text="hello"))

    assert list(json.loads(line)) == ["seq", "at", "t", "kind", "by", "text", "type", "about", "prev"]
    assert line == json.dumps(json.loads(line), separators=(",", ":")).encode()


@given(st.text())
def test_a_line_is_printable_ascii_whatever_was_said(text: str) -> None:
    assert all(0x20 <= byte < 0x7F for byte in line_of(NoteWritten(text=text)))


def test_undecodable_file_names_survive() -> None:
    event = NoteWritten(text=b"caf\xe9".decode("utf-8", "surrogateescape"))

    assert decode(line_of(event)).event == event


def test_a_tuple_is_a_tuple_again_and_a_read_only_mapping_is_written() -> None:
    shots = ProbesSampled(indicator="x", shots=((1.0, True, 0.1, ""),))
    ready = TargetReady(vars=types.MappingProxyType({"admin": "http://a"}))

    assert decode(line_of(shots)).event == shots
    assert decode(line_of(ready)).event == TargetReady(vars={"admin": "http://a"})


def test_a_kind_of_a_newer_release_is_kept_and_can_be_written_on() -> None:
    line = edited(PhaseEntered(phase="live"), kind="moon-phase", lux=3)

    event = decode(line).event

    assert event == Unrecognised(name="moon-phase", fields={"phase": "live", "lux": 3})
    assert decode(line_of(event)).event == event


@pytest.mark.parametrize("event", [Unrecognised(name="paused"), Unrecognised(name="new", fields={"seq": 1})])
def test_an_unrecognised_event_cannot_pass_for_another(event: Event) -> None:
    with pytest.raises(ValueError, match="no event of a newer release"):
        plain_fields(event)


def test_an_unknown_field_is_left_out_and_a_missing_one_takes_its_default() -> None:
    raw = json.loads(edited(RunStarted(run="r", plan={}, attended=True, person="ada"), mood="good"))
    del raw["person"]

    assert decode(json.dumps(raw).encode()).event == RunStarted(run="r", plan={}, attended=True)


def test_defaults_that_are_made_are_made_anew() -> None:
    raw = json.loads(line_of(TargetReady()))
    del raw["vars"]
    first, second = (decode(json.dumps(raw).encode()).event for _ in range(2))

    assert vars(first)["vars"] == {}
    assert vars(first)["vars"] is not vars(second)["vars"]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"7",
        b'"seq"',
        b'{"seq":1',
        b"\xff\xfe",
        b"\0" * 40,
        b"[" * 100_000,
        b'{"seq":' + b"9" * 5000 + b"}",
        edited(PhaseEntered(phase="live"), seq="1"),
        edited(PhaseEntered(phase="live"), seq=True),
        edited(PhaseEntered(phase="live"), t="0"),
        edited(PhaseEntered(phase="live"), t=float("nan")),
        edited(PhaseEntered(phase="live"), at=None),
        edited(PhaseEntered(phase="live"), by=["x"]),
        edited(PhaseEntered(phase="live"), kind=["x"]),
        edited(PhaseEntered(phase="live"), phase=3),
        edited(PhaseEntered(phase="live"), kind="step-started"),
        edited(TargetReady(), vars=[]),
        edited(TargetReady(), vars={"a": 1}),
        edited(ProbesSampled(indicator="x"), shots=[[1.0, True]]),
        edited(ProbesSampled(indicator="x"), shots=["abcd"]),
        edited(ProbesSampled(indicator="x"), shots=[["a", "b", "c", "d"]]),
        edited(ActivityEnded(experiment="e", index=0, name="n", type="action", status="ok"), tolerance_met=1),
    ],
)
def test_what_is_no_line_is_said_so(line: bytes) -> None:
    with pytest.raises(LineError):
        decode(line)
    with pytest.raises(LineError):
        decode_all([line_of(PhaseEntered(phase="live")), line])


def test_lines_that_are_only_whole_together_are_not_taken() -> None:
    line = edited(PhaseEntered(phase="live"), more=[1, 2])
    cut = line.index(b", 2]")

    with pytest.raises(LineError):
        decode_all([line[:cut], line[cut + 2 :]])


def test_lines_decode_together_as_they_do_alone() -> None:
    lines = [line_of(NoteWritten(text=f"note {number}")) + b"\n" for number in range(5)]

    assert decode_all(lines) == [decode(line) for line in lines]


@pytest.mark.parametrize("output", [float("nan"), float("-inf"), {1, 2}, b"bytes", object(), [[float("nan")]]])
def test_what_json_cannot_hold_is_refused(output: object) -> None:
    event = ActivityEnded(experiment="e", index=0, name="n", type="action", status="ok", output=output)

    with pytest.raises(ValueError, match="an event `activity-ended` holds what JSON cannot"):
        plain_fields(event)


def test_a_line_too_long_to_read_back_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        line_of(NoteWritten(text="x" * MAX_LINE))


def test_the_hash_is_32_hex_digits_that_depend_on_every_byte() -> None:
    assert len(line_hash(b"a")) == len(FIRST_PREV) == 32
    assert line_hash(b"a") != line_hash(b"b")
    assert int(line_hash(b""), 16)
